"""The card of a model in Markdown: data, recipe, errors, licence, preset; from the model alone.

``python -m remapd.training.cards`` writes the cards of the shipped models anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from remapd.features.descriptors import FEATURES
from remapd.files import replace_file
from remapd.mapping.bundle import Model, load_model
from remapd.training.provenance import error_rows, other_entries, rank_correlations


def card(model: Model) -> str:
    """Card of a model; equal models give equal text."""
    sections = (_head(model), _making(model), _errors(model), _features(model), _preset(model))
    return "\n\n".join(text for section in sections if (text := "\n".join(section))) + "\n"


def _head(model: Model) -> Iterator[str]:
    network = model.network
    sizes = "-".join(str(size) for size in network.sizes)
    yield f"# {model.name}"
    if model.description:
        yield from ("", _text(model.description))
    yield ""
    yield from _table(
        ("", ""),
        [
            ("licence of the weights", model.licence),
            ("synth", f"{model.synth} (table {model.table.fingerprint})"),
            ("preset", model.preset.name),
            ("network", f"{network.kind} {sizes}, {network.parameter_count} weights and biases"),
            ("rate of the synth in training", f"{model.sample_rate_hz:g} Hz"),
        ],
    )


def _making(model: Model) -> Iterator[str]:
    entries = other_entries(model.provenance)
    if entries:
        yield from ("## How it was made", "", *_table(("", ""), entries.items()))


def _errors(model: Model) -> Iterator[str]:
    rows = error_rows(model.provenance)
    if not rows:
        return
    yield from (
        "## Errors",
        "",
        "Mean absolute difference between the wanted change of a feature and the one reached, over the test hits, in",
        "the feature's unit; beside it that of the bare preset, which never changes.",
        "",
    )
    columns = ("feature", "unit", "error", "deviation", "bare preset")
    yield from _table(columns, ((r.name, r.unit, f"{r.mean:.3f}", f"{r.deviation:.3f}", f"{r.bare:.3f}") for r in rows))
    ranks = rank_correlations(model.provenance)
    if ranks:
        listed = ", ".join(f"{name} {value}" for name, value in ranks.items())
        yield from ("", f"Rank correlation of wanted and reached changes: {listed}.")


def _features(model: Model) -> Iterator[str]:
    spec, scaler = model.features, model.scaler
    yield from (
        "## Input",
        "",
        f"A window of {spec.window_ms:.2f} ms, of which {spec.pre_roll_ms:.2f} ms before the onset, up to "
        f"{spec.bandwidth_hz:g} Hz.",
        "",
    )
    heard = [FEATURES[name] for name in scaler.names]
    rows = zip(heard, scaler.minimum, scaler.maximum, scaler.reference, strict=True)
    yield from _table(
        ("feature", "unit", "becomes 0", "becomes 1", "reference hit"),
        ((p.name, p.unit, f"{low:.2f}", f"{high:.2f}", f"{centre:.3f}") for p, low, high, centre in rows),
    )


def _preset(model: Model) -> Iterator[str]:
    preset = model.preset
    yield from ("## Preset", "")
    rows = zip(preset.table, preset.values, preset.damping, strict=True)
    yield from _table(
        ("parameter", "value", "unit", "damping"),
        ((p.name, f"{value:g}", p.unit, f"{damping:g}") for p, value, damping in rows),
    )


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _text(text: str) -> str:
    """Text of unknown origin as Markdown that shows it as it is."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return text


def main(folder: Path) -> None:
    """Write the card of each model of a folder into its folder ``cards``."""
    cards = folder / "cards"
    cards.mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.safetensors")):
        replace_file(cards / f"{path.stem}.md", card(load_model(path)).encode(), "card")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "models"))
