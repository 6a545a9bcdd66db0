from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.sinks.midi.document import MidiSink, parse_midi_sink
from remapd.sinks.midi.encode import Address
from remapd.sinks.midi.port_out import PortOut
from remapd.synth.registry import SYNTHS
from tests.demo_events import hit
from tests.midi_device import DIN_BYTE_S, Arrival, Stage
from tests.midi_sinks import sinks

TABLE = SYNTHS["snare808"].table
MESSAGE_S = 3 * DIN_BYTE_S


def sink(*controls: dict[str, object], **members: object) -> MidiSink:
    return parse_midi_sink({"kind": "midi", "wire": "din", "controls": list(controls), **members})


def cc(source: str, number: int, **members: object) -> dict[str, object]:
    return {"source": source, "kind": "cc", "number": number, **members}


ALL = [cc(f"unit.{name}", 20 + at) for at, name in enumerate(TABLE.names)]


def at_unit(default: float = 0.5, **units: float):
    """A hit with parameters at a place of their ways; names have ``__`` for the dot."""
    given_units = {name.replace("__", "."): unit for name, unit in units.items()}
    return hit(0.0, values={p.name: p.from_position(given_units.get(p.name, default)) for p in TABLE})


@st.composite
def hits(draw):
    unit = st.sampled_from([0.0, 0.2, 0.5, 0.51, 1.0])
    values = {p.name: p.from_position(draw(unit)) for p in TABLE}
    modulation = {name: draw(unit) * 2.0 - 1.0 for name in TABLE.names}
    scaled = [draw(unit) for _ in range(7)]
    return hit(0.0, modulation, track=draw(st.integers(0, 2)), values=values, scaled=scaled)


GAPS_S = st.sampled_from([0.0, 0.0005, 0.001, 0.003, 0.02, 0.15, 2.0])
PERFORMANCES = st.lists(st.tuples(GAPS_S, hits()), min_size=1, max_size=8)
#: Addresses of their own, so that each has one wanted value.
ONE_SINK = st.lists(sinks(wire="din"), min_size=1, max_size=1)
SINKS = ONE_SINK | st.tuples(sinks("1"), sinks("2")).map(list)
BYTES_S = st.sampled_from([0.0, 20e-6, DIN_BYTE_S])
FEWER = settings(max_examples=60)


@FEWER
@given(SINKS, PERFORMANCES, BYTES_S)
def test_no_note_begins_twice_nor_goes_on_for_ever(found: list, performance: list, byte_s: float) -> None:
    stage = Stage(found, byte_s)
    stage.send(stage.port.opening(0.0))
    for gap_s, event in performance:  # The instrument refuses a second start and an end of what does not sound.
        stage.wait(stage.now_s + gap_s)
        stage.hit(event)
    stage.wait(1e3)
    assert not stage.instrument.sounding
    assert stage.port.next_due_s is None


@FEWER
@given(SINKS, PERFORMANCES, BYTES_S)
def test_silence_ends_every_note_and_nothing_follows(found: list, performance: list, byte_s: float) -> None:
    stage = Stage(found, byte_s)
    for gap_s, event in performance:
        stage.wait(stage.now_s + gap_s)
        stage.hit(event)
    offs = [a for a in stage.send(stage.port.silence(stage.now_s)) if a.is_note_off]
    assert not stage.instrument.sounding
    assert len(offs) == len({a.data[:2] for a in offs})
    assert stage.wait(1e3) == []


@FEWER
@given(ONE_SINK, PERFORMANCES, BYTES_S)
def test_after_a_quiet_time_the_device_has_the_last_values(found: list, performance: list, byte_s: float) -> None:
    stage = Stage(found, byte_s)
    free = Stage(found, 0.0)  # On a wire that takes no time everything arrives with its hit.
    for gap_s, event in performance:
        for one in (stage, free):
            one.wait(one.now_s + gap_s)
            one.hit(event)
    for one in (stage, free):
        one.wait(1e3)
    if not found[0].mpe:  # Which channel has which note depends on when notes end.
        assert stage.instrument.controllers.keys() == free.instrument.controllers.keys()
        for control in found[0].controls:
            if control.kind not in ("note", "velocity", "poly_pressure"):
                address = Address(control.kind, found[0].channel, control.number)
                assert stage.instrument.value(address) == free.instrument.value(address)
    assert [m.velocity for m in stage.instrument.started] == [m.velocity for m in free.instrument.started]


def on_channel(number: int) -> st.SearchStrategy[MidiSink]:
    return sinks(str(number), wire="din", mpe=False, channel=number)


@FEWER
@given(on_channel(1), on_channel(2), PERFORMANCES)
def test_a_note_is_never_later_than_asked(one: MidiSink, other: MidiSink, performance: list) -> None:
    """It may wait behind what its hit found on the wire, and behind notes; never behind controllers."""
    stage = Stage([one, other], DIN_BYTE_S)
    for gap_s, event in performance:
        stage.wait(stage.now_s + gap_s)
        busy_s = max(stage.now_s, stage.cable.free_s)
        _check_times(stage.hit(event), busy_s, {1: one.late_ms, 2: other.late_ms})


def _check_times(sent: list[Arrival], busy_s: float, late_ms: dict[int, float]) -> None:
    after_values = False
    for at, arrival in enumerate(sent):
        allowed_s = late_ms[(arrival.data[0] & 15) + 1] / 1000.0 + 1e-9
        if not arrival.is_note_on:
            after_values = after_values or not arrival.is_note_off
        elif after_values:
            assert arrival.begins_s <= arrival.handed_s + allowed_s
        else:
            assert arrival.begins_s <= busy_s + at * MESSAGE_S + 1e-9


@given(st.floats(0.0, 0.05), st.sampled_from([0.0, 1.0, 2.0, 5.0, 20.0]))
def test_between_hits_no_more_than_one_message_is_on_the_wire(gap_s: float, late_ms: float) -> None:
    stage = Stage([sink(*ALL, late_ms=late_ms)], DIN_BYTE_S)
    stage.hit(at_unit(0.3))
    stage.wait(late_ms / 1000.0 + MESSAGE_S + gap_s)
    assert stage.cable.free_s - stage.now_s <= MESSAGE_S + 1e-9
    note = next(a for a in stage.hit(at_unit(0.6)) if a.is_note_on)
    assert note.begins_s - note.handed_s <= max(late_ms / 1000.0, 2 * MESSAGE_S) + 1e-9  # 2: the note that it cuts.
    assert stage.port.counts["late"] == (note.begins_s - note.handed_s > late_ms / 1000.0 + 1e-9)


@pytest.mark.parametrize(
    ("late_ms", "before"), [(0.0, 0), (0.9, 0), (1.0, 1), (2.0, 2), (5.0, 5), (13.44, 14), (1000, 14)]
)
def test_controllers_go_before_the_note_as_far_as_there_is_time(late_ms: float, before: int) -> None:
    stage = Stage([sink(*ALL, late_ms=late_ms)], DIN_BYTE_S)
    kinds = [a.data[0] >> 4 for a in stage.hit(at_unit(0.3))]
    assert kinds == [0xB] * before + [0x9]
    assert len(stage.wait(1.0)) == 14 - before + 1  # And the note's end.


def test_what_is_heard_most_goes_first() -> None:
    controls = [cc("unit.freq_env.decay", 20), cc("unit.osc1_env.decay", 21), cc("unit.osc1.mod", 22)]
    stage = Stage([sink(*controls, late_ms=0.0)], DIN_BYTE_S)
    stage.hit(at_unit(0.5))
    stage.wait(1.0)
    stage.hit(at_unit(freq_env__decay=0.9, osc1_env__decay=0.6, osc1__mod=0.6))
    order = [a.data[1] for a in stage.wait(1.05) if a.data[0] == 0xB9]
    assert order == [21, 20, 22]  # A small change of the decay is heard more than a large one of the pitch's.


def test_a_weight_turns_the_order_round() -> None:
    controls = [cc("unit.osc1.mod", 22, weight=100), cc("unit.osc1_env.decay", 21, weight=0.01)]
    stage = Stage([sink(*controls, late_ms=1.0)], DIN_BYTE_S)
    assert [a.data[1] for a in stage.hit(at_unit(0.5))] == [22, 38]


def test_unchanged_values_are_not_sent_and_replaced_ones_are_counted() -> None:
    stage = Stage([sink(*ALL, late_ms=0.0, note_length_ms=5.0)], DIN_BYTE_S)
    stage.hit(at_unit(0.1))
    stage.hit(at_unit(0.9))
    assert stage.port.counts["coalesced"] == 14
    stage.wait(1.0)
    sent = stage.port.counts["messages"]
    stage.hit(at_unit(0.9))
    stage.wait(2.0)
    assert stage.port.counts["messages"] == sent + 2
    assert stage.port.counts["unchanged"] == 14


def test_a_note_ends_after_its_length() -> None:
    stage = Stage([sink(note_length_ms=30.0)], DIN_BYTE_S)
    stage.hit(hit(0.0))
    assert [(a.handed_s, a.data) for a in stage.wait(1.0)] == [(0.03, bytes((0x89, 38, 0)))]


def test_choke_ends_the_notes_of_its_own_sink_alone() -> None:
    melody = {"source": "scaled.loudness", "kind": "note", "minimum": 40, "maximum": 50}
    choking = sink(melody, choke=True, note_length_ms=60000, id="a")
    ringing = sink(melody, note_length_ms=60000, id="b", channel=3)
    stage = Stage([choking, ringing], 0.0)
    for loudness in (0.0, 0.5, 1.0):
        stage.hit(hit(0.0, scaled=[loudness, 0.5, 0.5]))
    assert stage.instrument.sounding == {(10, 50), (3, 40), (3, 45), (3, 50)}


def test_velocity_follows_the_curve_or_a_source() -> None:
    curve = sink(velocity=[[0, 0.5], [1, 1]], minimum_velocity=10, maximum_velocity=90)
    chosen = sink({"source": "scaled.centroid", "kind": "velocity", "minimum": 20, "maximum": 30}, id="2", channel=2)
    stage = Stage([curve, chosen], 0.0)
    stage.hit(hit(0.0, scaled=[0.0, 1.0, 0.5]))
    assert [(m.channel, m.velocity) for m in stage.instrument.started] == [(9, 50), (1, 30)]


def test_sinks_of_several_tracks_share_a_port() -> None:
    first, second = sink(tracks=[1], note=36), sink(tracks=[2, 3], note=40, id="2")
    off = sink(enabled=False, id="3")
    stage = Stage([first, second, off], 0.0)
    for track in (0, 1, 2, 3):
        stage.hit(hit(0.0, track=track))
    assert [m.note for m in stage.instrument.started] == [36, 40, 40]


def test_one_sink_can_be_tried_alone_whatever_its_tracks() -> None:
    stage = Stage([sink(tracks=[1], note=36), sink(tracks=[2], note=40, id="2")], 0.0)
    stage.send(stage.port.hit(hit(0.0, track=0), 0.0, only="2"))
    assert [m.note for m in stage.instrument.started] == [40]


def test_the_stricter_sink_does_not_wait_for_the_other_ones_controllers() -> None:
    patient = sink(*ALL, late_ms=20.0, channel=1)
    strict = sink(late_ms=0.0, channel=2, id="2")
    stage = Stage([patient, strict], DIN_BYTE_S)
    notes = [a for a in stage.hit(at_unit(0.3)) if a.is_note_on]
    assert [(a.data[0] & 15) + 1 for a in notes] == [2, 1]
    assert notes[0].begins_s == 0.0
    assert notes[1].begins_s == pytest.approx(15 * MESSAGE_S)


def test_a_control_rests_while_its_synth_does_not_play() -> None:
    controls = [cc("unit.osc1.freq", 20, synth="kick808"), cc("unit.osc1.freq", 20, synth="snare808", invert=True)]
    stage = Stage([sink(*controls)], 0.0)
    stage.hit(at_unit(1.0))
    assert stage.instrument.controllers == {(10, 20): 0}


def test_smoothing_and_threshold() -> None:
    stage = Stage([sink(cc("scaled.loudness", 20, smoothing=0.5), cc("scaled.centroid", 21, threshold=10))], 0.0)
    found = []
    for loudness, centroid in ((0.0, 0.5), (1.0, 0.56), (1.0, 0.6)):
        stage.hit(hit(0.0, scaled=[loudness, centroid, 0.5]))
        found.append((stage.instrument.controllers[10, 20], stage.instrument.controllers[10, 21]))
    assert found == [(0, 64), (64, 64), (95, 76)]


@pytest.mark.parametrize(
    ("members", "position", "number"),
    [
        ({}, 0.0, 0),
        ({}, 1.0, 127),
        ({"centre": 64}, 0.5, 64),
        ({"centre": 100}, 0.25, 50),
        ({"centre": 100, "invert": True}, 1.0, 0),
        ({"minimum": 20, "maximum": 40}, 0.5, 30),
        ({"curve": "slow"}, 0.5, 32),
        ({"curve": "fast"}, 0.5, 95),
        ({"source_minimum": 0.25, "source_maximum": 0.75}, 0.5, 64),
        ({"source_minimum": 0.25, "source_maximum": 0.75}, 0.9, 127),
        ({"source_minimum": 0.25, "curve": "log"}, 0.5, 64),
    ],
)
def test_ranges_and_curves(members: dict[str, object], position: float, number: int) -> None:
    stage = Stage([sink(cc("scaled.loudness", 20, **members))], 0.0)
    stage.hit(hit(0.0, scaled=[position, 0.5, 0.5]))
    assert stage.instrument.controllers[10, 20] == number


@pytest.mark.parametrize("source", ["values.noise_env.decay", "unit.noise_env.decay"])
def test_a_parameter_runs_along_its_own_curve_unless_told_otherwise(source: str) -> None:
    parameter = TABLE["noise_env.decay"]
    stage = Stage([sink(cc(source, 20), cc("values.noise_env.decay", 21, curve="linear"))], 0.0)
    stage.hit(at_unit(noise_env__decay=0.5))
    linear = (parameter.from_position(0.5) - parameter.minimum) / (parameter.maximum - parameter.minimum)
    assert stage.instrument.controllers == {(10, 20): 64, (10, 21): round(127 * linear)}


def opened(stage: Stage) -> list[tuple[int, ...]]:
    return [tuple(a.data) for a in stage.send(stage.port.opening(stage.now_s))]


def test_opening_selects_programs_and_tells_last_values_again() -> None:
    stage = Stage([sink(*ALL[:2], program=5, bank=130, channel=2, note_length_ms=1000)], 0.0)
    assert opened(stage) == [(0xB1, 0, 1), (0xB1, 32, 2), (0xC1, 5)]
    stage.hit(at_unit(0.5))
    assert opened(stage) == [(0x81, 38, 0), (0xB1, 0, 1), (0xB1, 32, 2), (0xC1, 5)]
    assert [a.data[1] for a in stage.wait(1.0)] == [20, 21]


def test_a_change_ends_the_notes_of_what_goes_and_sets_up_what_is_new() -> None:
    stay, go = sink(*ALL[:1], program=5, note_length_ms=1000), sink(id="2", note=50, channel=3, note_length_ms=1000)
    stage = Stage([stay, go], 0.0)
    stage.send(stage.port.opening(0.0))
    stage.hit(at_unit(0.5))
    messages = stage.port.change([stay, sink(id="2", channel=4, program=7)], 0.0)
    assert messages == [bytes((0x82, 50, 0)), bytes((0xC3, 7))]
    stage.send(messages)
    assert stage.instrument.sounding == {(10, 38)}
    assert next(tuple(a.data) for a in stage.hit(at_unit(0.5))) == (0x89, 38, 0)  # Its value is known.


def test_a_control_that_was_taken_away_is_not_moved_any_more() -> None:
    stage = Stage([sink(*ALL[:3], late_ms=0)], DIN_BYTE_S)
    stage.hit(at_unit(0.5))
    stage.send(stage.port.change([sink(ALL[2], late_ms=0)], stage.now_s))
    assert [a.data[1] for a in stage.wait(1.0) if a.data[0] == 0xB9] == [22]
    opened(stage)
    assert [a.data[1] for a in stage.wait(2.0) if a.data[0] == 0xB9] == [22]


def test_of_two_programs_on_a_channel_the_later_sink_has_its_own() -> None:
    stage = Stage([sink(program=1), sink(id="2", program=2)], 0.0)
    assert opened(stage) == [(0xC9, 2)]
    assert stage.port.change([sink(program=1), sink(id="2", program=2)], stage.now_s) == []


def test_mpe_is_left_when_no_sink_wants_it_and_set_up_again() -> None:
    with_mpe, plain = sink(mpe=True, channel=1), sink(channel=1)
    stage = Stage([with_mpe], 0.0)
    zone = [(0xB0, 101, 0), (0xB0, 100, 6), (0xB0, 6, 15)]
    assert opened(stage) == zone
    assert list(map(tuple, stage.port.change([plain], stage.now_s))) == [*zone[:2], (0xB0, 6, 0)]
    assert list(map(tuple, stage.port.change([with_mpe], stage.now_s))) == zone


def test_a_new_program_makes_its_values_unknown() -> None:
    stage = Stage([sink(*ALL[:1], program=5)], 0.0)
    stage.hit(at_unit(0.5))
    stage.send(stage.port.change([sink(*ALL[:1], program=6)], 0.0))
    assert [a.data[1] for a in stage.wait(0.01)] == [20]


def test_silence_is_for_every_channel_that_is_used() -> None:
    stage = Stage([sink(channel=3), sink(id="2", mpe=True, channel=1, mpe_channels=2)], 0.0)
    sent = stage.send(stage.port.silence(0.0))
    assert {a.data[0] for a in sent} == {0xB0, 0xB1, 0xB2}
    assert [a.data[1] for a in sent[:3]] == [64, 123, 120]


def mpe_sink(**members: object) -> MidiSink:
    controls = [
        {"source": "scaled.centroid", "kind": "pitch_bend"},
        {"source": "scaled.flatness", "kind": "pressure"},
        cc("scaled.loudness", 74),
        cc("scaled.loudness", 20),
    ]
    return sink(*controls, mpe=True, wire="usb", **members)


def test_mpe_gives_each_note_a_channel_and_its_own_values_before_it() -> None:
    stage = Stage([mpe_sink(mpe_channels=3)], 20e-6)
    assert opened(stage)[-1] == (0xB0, 6, 3)
    for at, centroid in enumerate((0.0, 0.5, 1.0)):
        stage.wait(0.01 * (at + 1))
        sent = [a.data for a in stage.hit(hit(0.0, scaled=[0.5, centroid, 0.1 * at]))]
        own = [data[0] >> 4 for data in sent if data[0] & 15 == at + 1]
        assert sorted(own[:-1]) == [0xB, 0xD, 0xE]
        assert own[-1] == 0x9
    assert [m.channel for m in stage.instrument.started] == [1, 2, 3]
    assert [stage.instrument.others["pitch_bend", c, 0] for c in (2, 3, 4)] == [-8192, 0, 8191]
    assert stage.instrument.controllers[1, 20] == 64
    fourth = [a.data for a in stage.hit(hit(0.0))]
    assert fourth[0] == bytes((0x81, 38, 0))  # All have a note: the oldest ends.


@pytest.mark.parametrize("channels", [1, 3])
def test_two_mpe_sinks_of_a_port_take_different_channels_if_there_are(channels: int) -> None:
    stage = Stage([mpe_sink(id=name, note=note, mpe_channels=channels) for name, note in (("a", 40), ("b", 50))], 0.0)
    for _ in range(3):
        stage.hit(hit(0.0))
    used = [message.channel for message in stage.instrument.started]
    assert all(one != other for one, other in zip(used[::2], used[1::2], strict=True)) == (channels == 3)
    stage.wait(1.0)
    assert not stage.instrument.sounding


def test_a_clock_that_asks_late_loses_nothing() -> None:
    stage = Stage([sink(*ALL, late_ms=0.0)], DIN_BYTE_S)
    stage.hit(at_unit(0.3))
    for at in range(40):
        stage.now_s = 0.007 * (at + 1)
        stage.send(stage.port.due(stage.now_s))
    assert len(stage.instrument.controllers) == 14
    assert not stage.instrument.sounding
    assert stage.port.next_due_s is None


def test_usb_carries_many_messages_at_once() -> None:
    port = PortOut([parse_midi_sink({"kind": "midi", "controls": ALL, "late_ms": 1.0})])
    messages = port.hit(at_unit(0.3), 0.0)
    assert [m[0] >> 4 for m in messages] == [0xB] * 14 + [0x9]


def test_what_is_no_number_leaves_the_device_as_it_is() -> None:
    stage, nan = Stage([sink(*ALL[:1])], 0.0), float("nan")
    stage.hit(hit(0.0, values=dict.fromkeys(TABLE.names, nan), scaled=[nan] * 7))
    assert [m.velocity for m in stage.instrument.started] == [1]
    assert stage.instrument.controllers == {}
