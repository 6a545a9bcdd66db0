"""Ports to send to that come and go, and who plays on them; rtmidi is a stand-in with its interface."""

import itertools
import time

import pytest

from remapd.sinks.common import STALE_NS
from remapd.sinks.midi.document import parse_midi_sink
from remapd.sinks.midi.jack_ring import HEAD_BYTES, PATIENCE_S, ROOM_BYTES, JackRing
from remapd.sinks.midi.line import Line
from remapd.sinks.midi.out_ports import MAX_PORTS, OutPort, OutPorts, PortError
from remapd.sinks.midi.port_names import choose
from remapd.sinks.midi.port_out import PortOut
from remapd.sinks.midi.port_player import CALM_S, LOOK_S, PortPlayer
from remapd.sinks.midi.port_player import PATIENCE_S as OPENING_PATIENCE_S
from remapd.sinks.midi.records import hit_of
from tests.midi_hits import hit_record
from tests.midi_wire import FakeRtMidi

NAMES = ["synth:in", "synth:through", "nano:nano MIDI 1", "pads:in", "remapd-midi:remapd"]
SILENCE = [b"\xb9\x40\x00", b"\xb9\x7b\x00", b"\xb9\x78\x00"]
OFF = b"\x89\x26\x00"


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("synth:in", "synth:in"),
        ("SYNTH:IN", "synth:in"),
        ("through", "synth:through"),
        ("pads", "pads:in"),
        ("MIDI 1", "nano:nano MIDI 1"),
        ("nano:nano MIDI 1 20:0", "nano:nano MIDI 1"),
        (" nano ", "nano:nano MIDI 1"),
    ],
)
def test_a_port_is_meant_by_its_name_by_one_side_of_it_or_by_a_part(wanted, found):
    assert choose(wanted, NAMES).name == found


def test_a_whole_name_wins_over_a_longer_one_that_has_it_as_a_part():
    assert choose("a:x", ["a:x", "a:x2"]).name == "a:x"
    assert choose("fluid", ["fluid:in", "fluidsynth:in"]).name == "fluid:in"


def test_what_may_be_several_is_none_and_tells_which():
    for wanted in ("synth", "in"):
        choice = choose(wanted, NAMES)
        assert (choice.name, choice.is_ambiguous) == ("", True)
        assert "'synth:in'" in choice.fault
        assert "say more" in choice.fault


def test_what_is_not_there_tells_what_is_and_never_one_of_ours():
    assert choose("remapd", NAMES).fault == "'remapd' is a port of our own"
    choice = choose("nobody", NAMES)
    assert (choice.name, choice.is_ambiguous) == ("", False)
    assert choice.fault == (
        "no port is called 'nobody'; there is 'synth:in', 'synth:through', 'nano:nano MIDI 1' and 'pads:in'"
    )
    assert choose("x", []).fault == "no port is called 'x'; none is there"
    assert "and 3 more" in choose("y", [f"x:{n}" for n in range(9)]).fault


# -- rtmidi ----------------------------------------------------------------------------------------------------------


def ports_of(rtmidi):
    ports = OutPorts(rtmidi, lambda: None)
    ports.look()
    return ports


def core_midi(*names):
    """An interface without a server of its own."""
    rtmidi = FakeRtMidi(apis=(FakeRtMidi.API_MACOSX_CORE,))
    for name in names:
        rtmidi.plug(name)
    return rtmidi


def test_ports_are_opened_with_no_more_clients_than_it_takes():
    rtmidi = core_midi("pads:1", "pads:2")
    ports = ports_of(rtmidi)
    assert (ports.interface, ports.names, ports.look()) == ("CoreMIDI", ["pads:1", "pads:2"], False)
    first = ports.open("pads:2")
    assert len(rtmidi.outputs) == 1
    second = ports.open_virtual("drums")
    assert len(rtmidi.outputs) == 2
    assert first.send([b"\x99\x26\x40"]) == 1
    assert second.send([b"\x99\x26\x41"]) == 1
    assert rtmidi.opened("pads:2").sent == [b"\x99\x26\x40"]
    assert rtmidi.opened("drums").sent == [b"\x99\x26\x41"]
    ports.close(first)
    ports.close(second)
    ports.look()
    assert ports.names == ["pads:1", "pads:2"]
    ports.close_all()
    assert all(output.deleted for output in rtmidi.outputs)


def test_a_port_that_went_is_closed_also_if_another_of_its_name_is_there_at_once():
    rtmidi = core_midi("nano:nano MIDI 1 20:0")
    ports = ports_of(rtmidi)
    port = ports.open("nano:nano MIDI 1")
    rtmidi.unplug("nano:nano MIDI 1 20:0")
    rtmidi.plug("nano:nano MIDI 1 24:0")
    assert ports.look()
    assert ports.take_vanished() == [port]
    assert ports.take_vanished() == []
    assert rtmidi.outputs[0].deleted
    assert ports.open("nano:nano MIDI 1").send([OFF])


def test_a_port_that_cannot_be_opened_says_why_and_leaves_no_client_behind():
    rtmidi = core_midi("pads:1")
    rtmidi.refuse.add("pads:1")
    rtmidi.has_virtual = False
    ports = ports_of(rtmidi)
    for _ in range(2):
        with pytest.raises(PortError, match="error opening port"):
            ports.open("pads:1")
        with pytest.raises(PortError, match="not supported"):
            ports.open_virtual("drums")
    assert len(rtmidi.outputs) == 1
    rtmidi.works = False
    ports._spare = None
    with pytest.raises(PortError, match="not running"):
        ports.open("pads:1")


def test_the_number_of_open_ports_is_bounded():
    ports = ports_of(core_midi())
    for n in range(MAX_PORTS):
        ports.open_virtual(str(n))
    with pytest.raises(PortError, match="open already"):
        ports.open_virtual("one more")


def test_the_ring_of_a_server_is_never_filled():
    cycle = iter([0, 1, 1, 1, 2, 3, 3, 3])
    ring = JackRing(lambda: next(cycle))
    half = [bytes(ROOM_BYTES // 2 - HEAD_BYTES)]
    assert ring.take(half, 0.0)
    assert ring.take(half, 0.0)
    assert not ring.take([OFF], 0.0)
    assert not ring.take([OFF], 0.1)  # The cycle in which they were written may have begun before.
    assert ring.take(half, 0.2)
    assert ring.take(half, 0.2)
    assert not ring.take([OFF], 0.2)


def test_a_server_that_stands_still_gets_no_more():
    ring = JackRing(lambda: 7)
    assert ring.take([OFF], 5.0)
    assert ring.take([OFF], 5.0 + PATIENCE_S)
    assert not ring.take([OFF], 5.1 + PATIENCE_S)


# -- who plays on them -----------------------------------------------------------------------------------------------


def sink(port="pads", **members):
    return parse_midi_sink({"kind": "midi", "port": port, "virtual": False, **members})


def hit(loudness=0.5, **fields):
    return hit_of(hit_record(loudness=loudness, **fields))


class Rig:
    """A player on a fake interface, with a clock of its own."""

    def __init__(self, *names, sinks, planner=PortOut):
        self.rtmidi = core_midi(*names)
        self.player = PortPlayer(planner)
        self.player.use(OutPorts(self.rtmidi, lambda: None))
        self.player.set_sinks(sinks)
        self.now_s = time.monotonic()
        self.look()

    def look(self, after_s=0.0):
        """Look at the ports until there is nothing more to do at once."""
        self.now_s += after_s
        while (wait_s := self.player.look(self.now_s)) == 0.0:
            pass
        return wait_s

    def hit(self, hit, **arguments):
        return self.player.hit(hit, time.monotonic_ns(), **arguments)

    def sent(self, name):
        """What a port got since it was asked last."""
        port = self.rtmidi.opened(name)
        sent, port.sent = port.sent, []
        return sent

    def state(self, identity="1"):
        (state,) = [state for state in self.player.states() if state["id"] == identity]
        return state["state"], state["fault"]

    def hits(self, identity="1"):
        counts = self.player.counts()[identity]
        return counts["sent"], counts["dropped"]


def test_a_hit_goes_to_each_port_that_hears_its_track():
    rig = Rig("pads:1", "synth:1", sinks=[sink(tracks=[1]), sink("synth", id="2", tracks=[2]), sink(id="3", note=40)])
    assert (rig.sent("pads:1"), rig.sent("synth:1")) == (SILENCE, SILENCE)
    assert rig.hit(hit(track=0, loudness=1.0)) > 0
    assert (rig.sent("pads:1"), rig.sent("synth:1")) == ([b"\x99\x26\x7f", b"\x99\x28\x7f"], [])
    rig.hit(hit(track=1, loudness=1.0))
    assert rig.sent("synth:1") == [b"\x99\x26\x7f"]
    assert [rig.hits(identity) for identity in "123"] == [(1, 0), (1, 0), (2, 0)]


def test_a_port_that_goes_is_forgotten_and_opened_anew_without_a_stale_burst():
    rig = Rig("pads:1", sinks=[sink(controls=[{"source": "unit.osc1.freq", "kind": "cc", "number": 20}])])
    rig.hit(hit())
    early = hit()
    rig.rtmidi.unplug("pads:1")
    rig.look()
    assert rig.state() == ("waiting", "no port is called 'pads'; none is there")
    assert rig.player.next_due_s is None
    for _ in range(3):
        assert rig.hit(hit()) == 0
    rig.rtmidi.plug("pads:1")
    rig.look()
    assert rig.state() == ("open", "")
    rig.hit(early)  # Published before the port was there.
    assert rig.sent("pads:1") == SILENCE
    rig.hit(hit())
    assert len(rig.sent("pads:1")) == 2
    assert rig.hits() == (2, 4)


def test_a_hit_that_is_too_late_is_dropped_and_one_without_a_time_is_played():
    rig = Rig("pads:1", sinks=[sink()])
    now_ns = time.monotonic_ns()
    late = hit()
    assert rig.player.hit(late, now_ns + STALE_NS + 10_000_000) == 0
    rig.hit(hit(published_ns=0))
    assert rig.hits() == (1, 1)


def test_a_test_hit_goes_through_one_sink_alone():
    rig = Rig("pads:1", sinks=[sink(tracks=[2]), sink(id="2", note=40)])
    rig.sent("pads:1")
    rig.hit(hit(loudness=1.0), sink_id="1")
    assert rig.sent("pads:1") == [b"\x99\x26\x7f"]
    assert [rig.hits(identity) for identity in "12"] == [(1, 0), (0, 0)]


def test_sinks_that_go_or_change_end_their_notes_first():
    rig = Rig("pads:1", "synth:1", sinks=[sink(), sink("synth", id="2")])
    rig.hit(hit())
    rig.sent("pads:1")
    synth = rig.rtmidi.opened("synth:1")
    rig.player.set_sinks([sink(note=40)])
    rig.look()
    assert OFF in rig.sent("pads:1")
    assert (synth.sent[-4:], synth.deleted) == ([OFF, *SILENCE], True)
    rig.hit(hit(loudness=1.0))
    assert rig.sent("pads:1") == [b"\x99\x28\x7f"]


def test_a_port_that_is_not_wanted_any_more_is_closed_and_one_that_is_off_opens_none():
    rig = Rig("pads:1", sinks=[sink()])
    rig.player.set_sinks([sink(enabled=False)])
    rig.look()
    assert rig.state() == ("off", "")
    assert [output.name for output in rig.rtmidi.outputs if not output.deleted] == [None]


def test_panic_ends_all_notes():
    rig = Rig("pads:1", sinks=[sink()])
    rig.hit(hit())
    rig.sent("pads:1")
    rig.player.panic(time.monotonic())
    assert rig.sent("pads:1") == [OFF, *SILENCE]
    assert rig.player.next_due_s is None


def test_notes_end_when_it_is_time():
    rig = Rig("pads:1", sinks=[sink(note_length_ms=50.0)])
    rig.hit(hit())
    due_s = rig.player.next_due_s
    rig.sent("pads:1")
    rig.player.send_due(due_s - 0.001)
    assert rig.sent("pads:1") == []
    rig.player.send_due(due_s)
    assert rig.sent("pads:1") == [OFF]


def test_opening_a_port_waits_for_a_moment_without_ends_of_notes_but_not_for_ever():
    rig = Rig("pads:1", sinks=[sink(note_length_ms=1.0), sink("synth", id="2")])
    rig.hit(hit())
    rig.rtmidi.plug("synth:1")
    rig.now_s = time.monotonic()
    assert rig.look() == CALM_S
    assert rig.state("2")[0] == "waiting"
    assert rig.look(OPENING_PATIENCE_S) == LOOK_S
    assert rig.state("2") == ("open", "")


def test_what_may_be_several_ports_has_failed_until_it_is_one():
    rig = Rig("pads:1", "pads:2", sinks=[sink()])
    state, fault = rig.state()
    assert state == "failed"
    assert "'pads:1' or 'pads:2'" in fault
    rig.rtmidi.unplug("pads:1")
    rig.look()
    assert rig.state() == ("open", "")


def test_a_port_that_refuses_is_tried_again_and_keeps_no_other_from_playing():
    rig = Rig("synth:1", sinks=[sink(), sink("synth", id="2")])
    rig.rtmidi.refuse.add("pads:1")
    rig.rtmidi.plug("pads:1")
    rig.look()
    assert rig.state() == ("failed", "RtMidi::openPort: error opening port")
    assert rig.state("2") == ("open", "")
    rig.hit(hit())
    assert (rig.hits(), rig.hits("2")) == ((0, 1), (1, 0))
    rig.rtmidi.refuse.clear()
    rig.look()
    assert rig.state() == ("open", "")


def test_a_port_that_takes_no_messages_is_silenced_before_it_plays_again():
    rig = Rig("pads:1", sinks=[sink()])
    rig.hit(hit())
    port = rig.rtmidi.opened("pads:1")
    port.sent, port.fails = [], True
    assert rig.hit(hit()) == 0
    assert rig.state() == ("failed", "the port takes no messages")
    rig.look()
    assert rig.state() == ("failed", "the port takes no messages")
    port.fails = False
    assert rig.hit(hit()) == 0
    rig.look()
    assert rig.state() == ("open", "")
    assert port.sent == [OFF, *SILENCE]  # Its own end, for those who do not know that all notes are off.
    rig.hit(hit(loudness=1.0))
    assert port.sent[-1] == b"\x99\x26\x7f"
    assert rig.hits() == (2, 2)


def test_virtual_ports_have_the_name_they_are_given():
    rig = Rig(sinks=[sink("drums", virtual=True), sink("", virtual=True, id="2")])
    rig.hit(hit(loudness=1.0))
    assert [rig.sent(name)[-1] for name in ("drums", "remapd")] == [b"\x99\x26\x7f"] * 2


def test_a_fault_in_the_plan_of_one_port_leaves_the_others_alone():
    class Broken(PortOut):
        def hit(self, hit, now_s, only=None):
            raise ZeroDivisionError("x")

    def planner(sinks):
        return Broken(sinks) if sinks[0].id == "1" else PortOut(sinks)

    rig = Rig("pads:1", "synth:1", sinks=[sink(), sink("synth", id="2")], planner=planner)
    rig.hit(hit(loudness=1.0))
    assert rig.sent("synth:1")[-1] == b"\x99\x26\x7f"
    assert rig.state() == ("failed", "a hit could not be planned: ZeroDivisionError: x")
    assert (rig.hits(), rig.hits("2")) == ((0, 1), (1, 0))


def test_without_an_interface_all_wait_and_say_why():
    rig = Rig("pads:1", sinks=[sink()])
    rig.player.lose("the JACK server ended")
    assert rig.state() == ("waiting", "the JACK server ended")
    assert rig.player.outputs() == {"interface": "", "outputs": [], "fault": "the JACK server ended"}
    assert rig.hit(hit()) == 0
    assert rig.look() == LOOK_S


def test_how_late_hits_were_is_told():
    rig = Rig("pads:1", sinks=[sink()])
    for _ in range(10):
        rig.hit(hit())
    late_us = rig.player.counts()["1"]["late_us"]
    assert late_us["count"] == 10
    assert 0.0 < late_us["p50"] <= late_us["p99"] <= late_us["max"]


def test_a_port_that_may_have_lost_its_beginning_begins_again_unless_hits_have_come():
    cycles = itertools.count()
    for has_hit in (False, True):
        output = FakeRtMidi().MidiOut()
        output.open_virtual_port("pads")
        line = Line(OutPort(output, "pads", ring=JackRing(lambda: next(cycles))), PortOut([sink()]), [sink()])
        line.begin(5.0)
        line.mend(5.1)
        assert output.sent == SILENCE
        if has_hit:
            line.hit(hit())
        for now_s in (5.5, 6.0):
            line.mend(now_s)
        assert output.sent.count(SILENCE[-1]) == (1 if has_hit else 2)


def test_everything_is_silent_and_closed_in_the_end():
    rig = Rig("pads:1", sinks=[sink()])
    rig.hit(hit())
    port = rig.rtmidi.opened("pads:1")
    rig.player.close(time.monotonic())
    assert (port.sent[-7:], port.deleted) == ([OFF, *SILENCE, *SILENCE], True)
