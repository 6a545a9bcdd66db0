"""How much each parameter of a synthesiser is heard, as it was measured.

The table is `TABLE_FILE`, written by ``python -m remapd.training.sensitivity``: the mean change of the seven long-term
features that training compares, weighted as training weighs them, for a parameter's whole way.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from remapd.sinks.sources import SourceRef
from remapd.sinks.wire.packet import Source

TABLE_FILE = Path(__file__).with_name("sensitivity.json")


@functools.cache
def sensitivities() -> dict[str, dict[str, float]]:
    """Change of the features for the whole way of a parameter, by synthesiser and parameter."""
    table: dict[str, dict[str, float]] = json.loads(TABLE_FILE.read_text())["sensitivity"]
    return table


def sensitivity(synth: str, source: SourceRef) -> float:
    """Of a source while a synthesiser plays; what is no parameter counts as much as a parameter does on average."""
    table = sensitivities()[synth]
    if source.kind in (Source.VALUE, Source.MODULATION) and source.name in table:
        return table[source.name]
    return sum(table.values()) / len(table)
