"""Ports that come and go, and what the reader tells of them; rtmidi is a stand-in with its interface."""

import pytest

from remapd.audio import midi_interface as module
from remapd.audio.midi_interface import MidiUnavailableError, plain_names
from remapd.control.midi.ports import MAX_PORTS, QUEUE_MESSAGES, Ports
from remapd.control.midi.reader import (
    IDLE_S,
    MAX_MESSAGES,
    POLL_S,
    RESTING_POLL_S,
    RESTS_AFTER_S,
    SCAN_S,
    Reader,
)
from tests.midi_wire import FakeRtMidi

CC = [0xB0, 7, 1]


def scanned(rtmidi, *wanted, virtual="remapd"):
    ports = Ports(rtmidi, virtual, wanted)
    ports.scan()
    return ports


def test_our_own_port_is_open_before_anything_else_is_there():
    rtmidi = FakeRtMidi()
    ports = scanned(rtmidi)
    rtmidi.opened("remapd").receive(CC)
    assert (ports.open, ports.virtual, ports.drain(9)) == (["remapd"], "remapd", {"remapd": [bytes(CC)]})


def test_where_no_port_of_our_own_can_be_there_is_none():
    rtmidi = FakeRtMidi()
    rtmidi.has_virtual = False
    ports = scanned(rtmidi)
    assert (ports.open, ports.virtual) == ([], "")


def test_a_port_is_wanted_by_part_of_its_name_in_any_case():
    rtmidi = FakeRtMidi()
    for name in ("a:nanoKONTROL2 1", "b:other"):
        rtmidi.plug(name)
    assert scanned(rtmidi, "NANO", virtual="").open == ["a:nanoKONTROL2 1"]


def test_all_ports_but_our_own():
    rtmidi = FakeRtMidi()
    for name in ("desk:1", "remapd:midi out", "pads:1"):
        rtmidi.plug(name)
    assert scanned(rtmidi, "*", virtual="").open == ["desk:1", "pads:1"]


def test_a_port_that_goes_is_closed_and_opened_anew_when_it_is_back():
    rtmidi = FakeRtMidi()
    ports = scanned(rtmidi, "desk")
    assert (ports.open, ports.scan()) == (["remapd"], False)
    rtmidi.plug("desk:1")
    assert ports.scan()
    first = rtmidi.opened("desk:1")
    rtmidi.unplug("desk:1")
    assert ports.scan()
    assert (ports.open, first.deleted) == (["remapd"], True)
    rtmidi.plug("desk:1")
    assert ports.scan()
    rtmidi.opened("desk:1").receive(CC)
    assert ports.drain(9) == {"desk:1": [bytes(CC)]}
    assert not ports.scan()


def test_a_replug_between_two_looks_is_seen_by_the_numbers():
    rtmidi = FakeRtMidi()
    rtmidi.plug("nano:nano MIDI 1 20:0")
    ports = scanned(rtmidi, "nano")
    first = rtmidi.opened("nano:nano MIDI 1 20:0")
    rtmidi.unplug("nano:nano MIDI 1 20:0")
    rtmidi.plug("nano:nano MIDI 1 24:0")
    ports.scan()
    rtmidi.opened("nano:nano MIDI 1 24:0").receive(CC)
    assert (first.deleted, ports.drain(9)) == (True, {"nano:nano MIDI 1": [bytes(CC)]})


def test_a_port_that_cannot_be_opened_is_told_and_tried_again():
    rtmidi = FakeRtMidi()
    rtmidi.plug("desk:1")
    rtmidi.refuse.add("desk:1")
    ports = scanned(rtmidi, "desk")
    assert ports.faults == {"desk:1": "RtMidi::openPort: error opening port"}
    assert not ports.scan()
    rtmidi.refuse.clear()
    assert ports.scan()
    assert (ports.open, ports.faults) == (["remapd", "desk:1"], {})


def test_the_number_of_open_ports_is_bounded():
    rtmidi = FakeRtMidi()
    for number in range(MAX_PORTS + 3):
        rtmidi.plug(f"desk:{number}")
    ports = scanned(rtmidi, "*")
    assert (len(ports.open), len(ports.faults)) == (MAX_PORTS, 4)


def test_names_without_the_numbers_that_change():
    assert plain_names(["nano:nano MIDI 1 20:0", "nano:nano MIDI 1 24:0", "a:b"]) == [
        "nano:nano MIDI 1", "nano:nano MIDI 1 (2)", "a:b"
    ]  # fmt: skip


def test_everything_is_closed():
    rtmidi = FakeRtMidi()
    rtmidi.plug("desk:1")
    scanned(rtmidi, "desk").close()
    assert [one.deleted for one in rtmidi.inputs] == [True] * 2


def test_without_any_interface_it_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_SEQUENCER", tmp_path / "seq")
    rtmidi = FakeRtMidi(apis=(2, 3))
    rtmidi.works = False
    with pytest.raises(MidiUnavailableError, match=r"ALSA: no sequencer .*; Jack: .*server not running"):
        Ports(rtmidi, "remapd", [])
    with pytest.raises(MidiUnavailableError, match="without any interface"):
        Ports(FakeRtMidi(apis=()), "remapd", [])
    assert Ports(FakeRtMidi(apis=(2, 3)), "remapd", []).interface == "Jack"
    (tmp_path / "seq").touch()
    assert Ports(FakeRtMidi(apis=(2, 3)), "remapd", []).interface == "ALSA"


# -- the reader's turns ----------------------------------------------------------------------------------------------


def reading(rtmidi, *wanted, virtual="remapd"):
    told = []
    return Reader(Ports(rtmidi, virtual, wanted), told.append), told


def test_it_tells_of_ports_once_and_when_they_change():
    rtmidi = FakeRtMidi()
    reader, told = reading(rtmidi, "desk")
    for turn in range(5):
        reader.turn(turn * SCAN_S)
    assert [line["open"] for line in told] == [["remapd"]]
    rtmidi.plug("desk:1")
    reader.turn(9.0)
    assert told[-1] == {
        "interface": "Jack", "virtual": "remapd", "available": ["desk:1"], "open": ["remapd", "desk:1"], "faults": {}
    }  # fmt: skip


def test_it_tells_of_messages_in_parts_and_waits_only_when_there_are_no_more():
    rtmidi = FakeRtMidi()
    reader, told = reading(rtmidi)
    assert reader.turn(0.0) == RESTING_POLL_S
    rtmidi.opened("remapd").receive(*[CC] * (MAX_MESSAGES + 1), [0xF0, 1, 2, 3, 0xF7])
    assert reader.turn(0.001) == POLL_S
    assert reader.turn(0.001 + RESTS_AFTER_S) == RESTING_POLL_S
    assert [len(line["messages"]) for line in told[1:]] == [MAX_MESSAGES, 1]
    assert told[-1] == {"port": "remapd", "messages": ["b00701"]}


def test_it_tells_when_a_port_had_more_than_can_be_kept():
    rtmidi = FakeRtMidi()
    reader, told = reading(rtmidi)
    reader.turn(0.0)
    rtmidi.opened("remapd").receive(*[CC] * (2 * QUEUE_MESSAGES))
    assert reader.turn(0.001) == 0.0
    assert told[-1] == {"port": "remapd", "overflow": True}
    assert sum(len(line.get("messages", ())) for line in told) == QUEUE_MESSAGES


def test_without_open_ports_it_looks_less_often():
    reader, _ = reading(FakeRtMidi(), "desk", virtual="")
    assert reader.turn(0.0) == IDLE_S
