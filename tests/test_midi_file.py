from __future__ import annotations

from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.offline.midi_file import (
    FIRST_CONTROLLER,
    NOTE,
    NOTE_LENGTH_S,
    MidiFileWriter,
    controller_value,
    velocity,
)
from remapd.parameters import Parameter, ParameterTable
from remapd.synth.registry import SYNTHS
from tests.demo_events import hit

TABLE = SYNTHS["snare808"].table


def written(path: Path, events: list, tracks: int = 1, table: ParameterTable = TABLE) -> mido.MidiFile:
    writer = MidiFileWriter(path, [(f"track {i + 1}", table) for i in range(tracks)])
    for event in events:
        writer.write(event.as_dict())
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
    file = written(tmp_path / "a.mid", [hit(t, trigger_s=t) for t in sorted(times)])
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
    assert [m.control for m in changes] == [*range(FIRST_CONTROLLER, FIRST_CONTROLLER + len(TABLE)), 103]
    assert changes[-1].value == 127


def test_note_is_an_acoustic_snare_on_channel_10_with_the_velocity_of_its_loudness(tmp_path: Path) -> None:
    scaled = [[0.0, 0.9, 0.9], [0.5, 0.1, 0.1], [1.0, 0.0, 0.0]]
    events = [hit(0.5 * i, scaled=values) for i, values in enumerate(scaled)]
    found = [message for _, message in notes(written(tmp_path / "a.mid", events))]
    assert {(m.note, m.channel) for m in found} == {(NOTE, 9)}
    assert [m.velocity for m in found] == [1, 64, 127]


def test_note_ends_after_its_length_or_with_the_next(tmp_path: Path) -> None:
    file = written(tmp_path / "a.mid", [hit(t, trigger_s=t) for t in (0.0, 0.03, 1.0)])
    ends = [time for time, message in timed(file) if message.type == "note_off"]
    assert ends == pytest.approx([0.03, 0.03 + NOTE_LENGTH_S, 1.0 + NOTE_LENGTH_S], abs=1e-4)
    order = [message.type for _, message in timed(file) if message.type.startswith("note")]
    assert order == ["note_on", "note_off"] * 3


def test_each_track_has_its_own_channel(tmp_path: Path) -> None:
    events = [hit(0.01 * t, track=t) for t in range(8)]
    file = written(tmp_path / "a.mid", events, 8)
    assert [m.channel for _, m in notes(file)] == [9, 10, 11, 12, 13, 14, 15, 0]
    assert [track.name for track in file.tracks[1:]] == [f"track {i + 1}" for i in range(8)]


def test_no_controller_beyond_the_free_ones(tmp_path: Path) -> None:
    table = ParameterTable("wide", [Parameter(f"p{i}", "", 0.0, 1.0, 0.5, "x") for i in range(32)])
    file = written(tmp_path / "a.mid", [hit(0.0, values=table.mapping(table.default))], table=table)
    controls = [m.control for _, m in timed(file) if m.type == "control_change"]
    assert controls == list(range(102, 120))


def test_same_hits_give_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        written(tmp_path / name, [hit(0.3), hit(0.8)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_file_without_hits_is_whole(tmp_path: Path) -> None:
    assert notes(written(tmp_path / "a.mid", [])) == []


@given(st.floats(-1.0, 2.0))
def test_velocity_is_never_a_note_off(loudness: float) -> None:
    assert 1 <= velocity(loudness) <= 127


@given(st.sampled_from(TABLE.names), st.floats(0.0, 1.0))
def test_controller_follows_the_curve_of_its_parameter(name: str, position: float) -> None:
    value = TABLE[name].from_position(position)
    assert controller_value(TABLE, name, value) == pytest.approx(127 * position, abs=0.5 + 1e-6)
