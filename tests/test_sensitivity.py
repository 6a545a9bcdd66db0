"""The table of sensitivities is what the script measures, and names what the synthesisers have."""

from __future__ import annotations

import pytest

from remapd.sinks.midi.sensitivity import sensitivities, sensitivity
from remapd.sinks.sources import parse_source
from remapd.synth.registry import SYNTHS


def test_every_parameter_has_one() -> None:
    table = sensitivities()
    assert {name: tuple(row) for name, row in table.items()} == {s.name: s.table.names for s in SYNTHS.values()}
    assert all(value > 0.0 for row in table.values() for value in row.values())


def test_what_is_no_parameter_has_that_of_an_average_one() -> None:
    row = sensitivities()["kick808"]
    assert sensitivity("kick808", parse_source("unit.osc1_env.decay")) == row["osc1_env.decay"]
    assert sensitivity("kick808", parse_source("modulation.osc1.freq")) == row["osc1.freq"]
    assert sensitivity("kick808", parse_source("scaled.loudness")) == pytest.approx(sum(row.values()) / len(row))


def test_a_row_measured_anew_is_the_one_that_ships() -> None:
    pytest.importorskip("torch")
    from remapd.training.sensitivity import measured, shipped_presets

    synth = SYNTHS["simple_drum"]
    assert measured(synth, shipped_presets(synth.name)) == pytest.approx(
        sensitivities()[synth.name], rel=0.02, abs=0.01
    )
