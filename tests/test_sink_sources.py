"""The names that sinks have for the numbers of a hit."""

from __future__ import annotations

import pytest

from remapd.errors import FieldError
from remapd.features.descriptors import FEATURES
from remapd.sinks.sources import SINGLE, parse_source, source_names
from remapd.synth.base import Synth
from remapd.synth.registry import SYNTHS
from tests.sink_hits import medium_hit


@pytest.mark.parametrize("text", source_names())
def test_every_name_is_read_and_lies_in_its_range(text: str) -> None:
    reference = parse_source(text)
    assert reference.text == text
    assert parse_source(reference.text) == reference
    for synth in SYNTHS.values():
        value = reference.value(medium_hit(synth.name), 3, 0.5)
        low, high = reference.range(synth.table)
        index = reference.resolve(synth.table)
        assert low < high
        assert (value is None) == (index is None)
        assert value is None or low <= value <= high


@pytest.mark.parametrize("synth", SYNTHS.values(), ids=SYNTHS)
def test_numbers_stand_where_the_hit_has_them(synth: Synth) -> None:
    hit = medium_hit(synth.name)
    for index, parameter in enumerate(synth.table):
        value = hit.values[parameter.name]
        assert parse_source(f"values.{parameter.name}").resolve(synth.table) == index
        assert parse_source(f"values.{parameter.name}").value(hit, 1, 0.0) == value
        assert parse_source(f"unit.{parameter.name}").value(hit, 1, 0.0) == parameter.to_position(value)
        assert parse_source(f"modulation.{parameter.name}").value(hit, 1, 0.0) == hit.modulation[parameter.name]
    for index, name in enumerate(FEATURES.names):
        assert parse_source(f"features.{name}").value(hit, 1, 0.0) == hit.features[name]
        assert parse_source(f"scaled.{name.rpartition('_')[0]}").value(hit, 1, 0.0) == hit.scaled[index]
    singles = {name: parse_source(name).value(hit, 7, 0.25) for name in SINGLE.names}
    assert (singles["track"], singles["hit"], singles["velocity"]) == (hit.track + 1, 7, 0.25)
    for name in ("onset_s", "trigger_s", "level_db", "floor_db", "strength_db"):
        assert singles[name] == getattr(hit, name)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("velocty", "did you mean velocity?"),
        ("values.osc1.frq", "did you mean osc1.freq?"),
        ("value.osc1.freq", "did you mean values.osc1.freq?"),
        ("features.loudness", "did you mean loudness_db?"),
        ("scaled.loudness_db", "did you mean loudness?"),
        ("values.*", "a parameter of a synth"),
        ("", "a source: velocity"),
        ("x" * 100_000, "a source: velocity"),
        (3, "the name of a source"),
        (None, "the name of a source"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(text: object, hint: str) -> None:
    with pytest.raises(FieldError) as refused:
        parse_source(text, "sink.controls[0].source")
    assert refused.value.field == "sink.controls[0].source"
    assert hint in refused.value.expected
