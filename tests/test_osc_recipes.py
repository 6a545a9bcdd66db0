"""The sinks in `clients/osc`: each is one, and sends what its receiver's documentation asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from remapd.sinks.document import sink_from
from remapd.sinks.osc.packets import packets
from remapd.sinks.osc.rendering import render
from remapd.synth.registry import SYNTHS
from tests.liblo import Liblo
from tests.osc_readings import ours, python_osc
from tests.sink_hits import medium_hit

FOLDER = Path(__file__).parents[1] / "clients" / "osc"
RECIPES = sorted(FOLDER.glob("*.json"))


def messages(name, synth="snare808"):
    """What a recipe sends for a medium hit: address, types and arguments, without the time."""
    sink = sink_from(json.loads((FOLDER / f"{name}.json").read_text()))
    made = packets(sink, 1, SYNTHS[synth])
    return [one[1:] for packet in made for one in ours(render(packet, medium_hit(synth), 9, 0.5))]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
@pytest.mark.parametrize("synth", SYNTHS)
def test_each_is_read_alike_by_all_and_is_told_of(path, synth):
    sink = sink_from(json.loads(path.read_text()))
    library = Liblo()
    try:
        for packet in packets(sink, 1, SYNTHS[synth]):
            data = render(packet, medium_hit(synth), 1, 0.5)
            assert library.read(data) == ours(data)
            assert python_osc(data) == [(address, arguments) for _, address, _, arguments in ours(data)]
            assert len(data) <= 1472
    finally:
        library.close()
    assert f"`{path.name}`" in (FOLDER / "README.md").read_text()


def test_vcv_rack_gets_one_number_for_a_channel_and_the_trigger_last():
    sent = messages("vcv_rack")
    assert [(address, types) for address, types, _ in sent] == [(f"/ch/{n}", "f") for n in (2, 3, 4, 1)]
    assert all(0.0 <= arguments[0] <= 1.0 for *_, arguments in sent)


def test_superdirt_gets_names_and_values_in_turn():
    ((address, types, arguments),) = messages("superdirt")
    assert (address, types) == ("/dirt/play", "sssisfsf")
    assert arguments == ("s", "superhat", "orbit", 0, "gain", 0.5, "accelerate", 0.0)


def test_ableton_gets_track_device_parameter_and_value():
    sent = messages("abletonosc")
    assert {(address, types) for address, types, _ in sent} == {("/live/device/set/parameter/value", "iiif")}
    assert [arguments[:3] for *_, arguments in sent] == [(0, 0, 1), (0, 0, 2)]


def test_touchdesigner_gets_numbers_only():
    sent = messages("touchdesigner", "simple_drum")
    assert {kind for _, types, _ in sent for kind in types} == {"f"}
    assert sent[0][0] == "/drum1/osc1_freq"
    assert sent[-1] == ("/drum1/hit", "ff", (9.0, 0.5))
