"""What the options of ``remapd run`` say, as values of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from remapd.commands._shared import parsed_settings
from remapd.errors import FieldError

if TYPE_CHECKING:
    from remapd.daemon.startup import Flags

#: Options that are controls of the device.
_DEVICE = ("backend", "host_api", "input", "output", "sample_rate_hz", "block_size")


def parsed_flags(
    tracks: Iterable[str],
    model: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    device: dict[str, object],
    sinks: Sequence[Mapping[str, object]] = (),
) -> Flags:
    """Turn options into values.

    Parameters
    ----------
    tracks : iterable of str
        As ``CHANNEL[,NAME=VALUE...]``.
    model, preset : str or None
        Of every track that does not say otherwise; with one of them there is at least one track.
    settings : tuple of str
        ``NAME=VALUE`` for every track.
    device : dict
        Values of controls below ``/device`` by name; None where nothing is said.
    sinks : sequence of mapping
        As `parsed_sinks` gives them.

    Raises
    ------
    RemapdError
        If a model or preset is unknown or damaged, or a name or value does not fit.
    """
    from remapd.daemon.startup import Flags

    values = _device_values({name: device[name] for name in _DEVICE if device.get(name) is not None})
    texts = list(tracks) or (["1"] if model or preset else [])
    if not texts:
        return Flags(values, (), _paths(_known_somewhere(settings)), sinks)
    return Flags(values, [_track(text, model, preset, settings) for text in texts], sinks=sinks)


def parsed_sinks(osc_outs: Sequence[str], midi_outs: Sequence[str]) -> Sequence[Mapping[str, object]]:
    """Documents of the sinks that options name.

    Raises
    ------
    RemapdError
        If a text or a profile does not fit.
    """
    if not (osc_outs or midi_outs):
        return ()
    from remapd.control.sinks.flags import flag_sinks

    return flag_sinks(osc_outs, midi_outs)


def _device_values(given: dict[str, object]) -> dict[str, object]:
    from remapd.control.tree import build_tree

    tree = build_tree(())
    return {path: tree[path].check(value) for path, value in ((f"/device/{n}", v) for n, v in given.items())}


def _track(text: str, model: str | None, preset: str | None, settings: tuple[str, ...]) -> dict[str, object]:
    """Values by name within a track, of a text like ``2,model=kick_long,gain_db=-3``."""
    from remapd.mapping.default_model import DEFAULT_MODEL
    from remapd.mapping.library import load_model_named, load_preset_named

    channel, *own = (part.strip() for part in text.split(","))
    if not channel.isdecimal() or int(channel) < 1:
        raise FieldError("--track", "an input channel from 1, and then NAME=VALUE after commas", text)
    named = dict(part.partition("=")[::2] for part in own)
    model, preset = named.pop("model", model) or DEFAULT_MODEL, named.pop("preset", preset)
    loaded = load_model_named(model)
    values: dict[str, object] = {"input_channel": _channel(int(channel)), "model": _name(model)}
    if preset is not None:
        load_preset_named(preset)
        values["preset"] = _name(preset)
    own_settings = (f"{name}={value}" for name, value in named.items())
    return values | _paths(parsed_settings((*settings, *own_settings), loaded.synth))


def _channel(number: int) -> object:
    from remapd.control.tree import INPUT_CHANNEL

    return INPUT_CHANNEL.check(number, "--track")


def _name(text: str) -> str:
    """Name as the controller takes it: that of the library, or a path from the root."""
    from remapd.control.sounds import is_path

    return str(Path(text).resolve()) if is_path(text) else text


def _paths(settings: dict[str, float]) -> dict[str, object]:
    from remapd.control.tree import track_path

    return {track_path(1, name).removeprefix("/track/1/"): value for name, value in settings.items()}


def _known_somewhere(settings: tuple[str, ...]) -> dict[str, float]:
    """Check settings by the first synth that has them all; which one will play is not known yet."""
    from remapd.synth.registry import SYNTHS

    faults = []
    for synth in SYNTHS:
        try:
            return parsed_settings(settings, synth)
        except FieldError as error:
            faults.append(error)
    raise faults[0]
