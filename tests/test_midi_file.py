from __future__ import annotations

import io
import json
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.engine.events import HitEvent
from remapd.errors import RemapdError
from remapd.offline.midi_file import MidiFileWriter, midi_file, write_midi
from remapd.offline.midi_sinks import load_midi_sinks
from remapd.sinks.midi.defaults import CONTROLLERS, FIRST_CONTROLLER, default_controls, default_sink
from remapd.sinks.midi.document import MidiSink, parse_midi_sink
from remapd.synth.registry import SYNTHS
from tests.demo_events import hit

TABLE = SYNTHS["snare808"].table
NOTE_LENGTH_S = MidiSink().note_length_ms / 1000.0


def written(path: Path, hits: list[HitEvent], sinks: list[MidiSink] | None = None) -> mido.MidiFile:
    writer = MidiFileWriter(path, sinks or [default_sink(1)], None if sinks else ["1 snare_1"])
    for one in hits:
        writer.write(one)
    writer.close()
    return mido.MidiFile(path)


def timed(file: mido.MidiFile) -> list[tuple[float, mido.Message]]:
    """Messages with their time in seconds, by mido's own reckoning."""
    now, found = 0.0, []
    for message in file:
        now += message.time
        found.append((now, message))
    return found


def notes(file: mido.MidiFile) -> list[tuple[float, mido.Message]]:
    return [(time, message) for time, message in timed(file) if message.type == "note_on"]


def test_notes_are_at_the_trigger_to_a_tenth_of_a_millisecond(tmp_path: Path) -> None:
    times = [0.0, 0.0123456, 0.5, 1.0 / 3.0, 0.7, 59.987654, 3599.1234567]
    file = written(tmp_path / "a.mid", [hit(t, trigger_s=t) for t in times])  # In any order.
    found = [time for time, _ in notes(file)]
    assert found == pytest.approx(sorted(times), abs=1e-4)
    assert file.type == 1


def test_controllers_come_before_their_note_and_only_if_changed(tmp_path: Path) -> None:
    values = TABLE.mapping(TABLE.default)
    events = [hit(0.1), hit(0.6), hit(1.1, values={**values, "osc1.mod": 2.0})]
    kinds = [message.type for _, message in timed(written(tmp_path / "a.mid", events)) if not message.is_meta]
    hit_messages = ["note_on", "note_off"]
    assert kinds == ["control_change"] * len(TABLE) + 2 * hit_messages + ["control_change", *hit_messages]
    changes = [m for _, m in timed(mido.MidiFile(tmp_path / "a.mid")) if m.type == "control_change"]
    assert sorted(m.control for m in changes[:-1]) == [*range(FIRST_CONTROLLER, FIRST_CONTROLLER + len(TABLE))]
    assert (changes[-1].control, changes[-1].value) == (103, 127)


def test_note_is_an_acoustic_snare_on_channel_10_with_the_velocity_of_its_loudness(tmp_path: Path) -> None:
    scaled = [[0.0, 0.9, 0.9], [0.5, 0.1, 0.1], [1.0, 0.0, 0.0]]
    events = [hit(0.5 * i, scaled=values) for i, values in enumerate(scaled)]
    found = [message for _, message in notes(written(tmp_path / "a.mid", events))]
    assert {(m.note, m.channel) for m in found} == {(38, 9)}
    assert [m.velocity for m in found] == [1, 64, 127]


def test_note_ends_after_its_length_or_with_the_next(tmp_path: Path) -> None:
    file = written(tmp_path / "a.mid", [hit(t, trigger_s=t) for t in (0.0, 0.03, 1.0)])
    ends = [time for time, message in timed(file) if message.type == "note_off"]
    assert ends == pytest.approx([0.03, 0.03 + NOTE_LENGTH_S, 1.0 + NOTE_LENGTH_S], abs=1e-4)
    order = [message.type for _, message in timed(file) if message.type.startswith("note")]
    assert order == ["note_on", "note_off"] * 3


def test_each_track_has_its_own_channel(tmp_path: Path) -> None:
    events = [hit(0.01 * t, track=t) for t in range(8)]
    file = written(tmp_path / "a.mid", events, [default_sink(number) for number in range(1, 9)])
    assert [m.channel for _, m in notes(file)] == [9, 10, 11, 12, 13, 14, 15, 0]
    assert [track.name for track in file.tracks[1:]] == [str(i + 1) for i in range(8)]


def test_no_controller_beyond_the_free_ones() -> None:
    last = FIRST_CONTROLLER + CONTROLLERS - 1
    assert all(FIRST_CONTROLLER <= control.number <= last for control in default_controls())
    assert parse_midi_sink(default_sink(3).document()) == default_sink(3)


def test_any_sink_writes_its_own_messages(tmp_path: Path) -> None:
    controls = [{"source": "scaled.centroid", "kind": "nrpn", "number": 300}]
    document = {"kind": "midi", "channel": 3, "note": 50, "program": 7, "instrument": "Drum é", "controls": controls}
    write_midi(tmp_path / "a.mid", [(0.5, hit(9.0))], [parse_midi_sink(document)])
    file = mido.MidiFile(tmp_path / "a.mid")
    found = [(round(time, 4), m) for time, m in timed(file) if not m.is_meta]
    assert found[0] == (0.0, mido.Message("program_change", channel=2, program=7))
    assert [m.control for _, m in found if m.type == "control_change"] == [99, 98, 6, 38]
    assert [(time, m.note, m.channel) for time, m in found if m.type == "note_on"] == [(0.5, 50, 2)]
    assert file.tracks[1].name == "Drum é"


def test_same_hits_give_same_bytes() -> None:
    hits = [(0.3, hit(0.3)), (0.8, hit(0.8))]
    assert midi_file(hits, [default_sink(1)]) == midi_file(hits, [default_sink(1)])


def test_file_without_hits_is_whole(tmp_path: Path) -> None:
    assert notes(written(tmp_path / "a.mid", [])) == []


@given(st.sampled_from(TABLE.names), st.floats(0.0, 1.0))
def test_controller_follows_the_curve_of_its_parameter(name: str, position: float) -> None:
    values = TABLE.mapping(TABLE.default) | {name: TABLE[name].from_position(position)}
    file = mido.MidiFile(file=io.BytesIO(midi_file([(0.0, hit(0.0, values=values))], [default_sink(1)])))
    sent = {m.control: m.value for _, m in timed(file) if m.type == "control_change"}
    assert sent[FIRST_CONTROLLER + TABLE.index(name)] == pytest.approx(127 * position, abs=0.5 + 1e-6)


def test_sinks_of_a_file(tmp_path: Path) -> None:
    toml = tmp_path / "one.toml"
    toml.write_text('note = 40\n[[controls]]\nsource = "velocity"\nkind = "cc"\nnumber = 7\n')
    (one,) = load_midi_sinks(toml)
    assert (one.note, one.controls[0].number) == (40, 7)
    many = tmp_path / "many.json"
    many.write_text(json.dumps({"sinks": [one.document(), {"id": "2", "kind": "midi", "channel": 2}]}))
    assert [sink.channel for sink in load_midi_sinks(many)] == [10, 2]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", "note = ", "a.toml"),
        ("a.json", "[1]", "JSON object"),
        ("a.json", '{"sinks": []}', "1 to"),
        ("a.json", '{"sinks": [{"notes": 3}]}', "did you mean note?"),
        ("a.json", '{"profile": "no-such-device"}', "no-such-device"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RemapdError, match=words.replace("?", r"\?")):
        load_midi_sinks(tmp_path / name)
