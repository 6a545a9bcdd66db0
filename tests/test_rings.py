"""The rings between two threads that really run at once: the writers release the GIL."""

import threading

import numpy as np
import pytest

from remapd.dsp.kernel import compiled
from remapd.engine import rings, shared
from remapd.engine.layout import COMMAND, COMMAND_SLOTS, EVENT, EVENT_SLOTS
from remapd.engine.shared import SharedBlock
from remapd.errors import RemapdError


@compiled
def write_events(shared, count):
    for i in range(count):
        slot = rings.open_event(shared)
        event = shared.events[slot]
        event.onset_frame = i
        for k in range(len(event.values)):
            event.values[k] = i
        rings.publish_event(shared, slot)


@compiled
def read_events(shared, count, copy, result):
    """Read `count` events or notice that they were lost; result = intact, lost, torn."""
    number = 0
    while number < count:
        if number < rings.events_written(shared):
            if rings.copy_event(shared, number, copy):
                event = copy[0]
                whole = event.onset_frame == number
                for k in range(len(event.values)):
                    whole = whole and event.values[k] == number
                result[0 if whole else 2] += 1
            else:
                result[1] += 1
            number += 1


def test_events_are_whole_or_counted_as_lost():
    shared, count, result = SharedBlock.private().record, 200_000, np.zeros(3, np.int64)
    write_events(shared, 0)
    read_events(shared, 0, np.zeros(1, EVENT), result)
    reader = threading.Thread(target=read_events, args=(shared, count, np.zeros(1, EVENT), result))
    reader.start()
    write_events(shared, count)
    reader.join()
    intact, lost, torn = result
    assert torn == 0
    assert intact + lost == count
    assert intact >= EVENT_SLOTS - 1


@compiled
def push_all(shared, count):
    i = 0
    while i < count:
        if rings.push_command(shared, 7, i, float(i)):
            i += 1


@compiled
def take_all(shared, count, command):
    i = 0
    while i < count:
        if rings.take_command(shared, command):
            if command.track != i or command.value != i or command.kind != 7:
                return i
            i += 1
    return count


def test_commands_arrive_once_and_in_order():
    shared, count, taken = SharedBlock.private().record, 200_000, []
    command = np.zeros(1, COMMAND)[0]
    push_all(shared, 0)
    take_all(shared, 0, command)
    reader = threading.Thread(target=lambda: taken.append(take_all(shared, count, command)))
    reader.start()
    push_all(shared, count)
    reader.join()
    assert taken == [count]


def test_a_full_command_ring_says_so():
    shared = SharedBlock.private().record
    assert all(rings.push_command(shared, 1, 0, 0.0) for _ in range(COMMAND_SLOTS))
    assert not rings.push_command(shared, 1, 0, 0.0)


def test_a_block_is_shared_through_its_file():
    block = SharedBlock.create()
    other = SharedBlock.attach(block.path)
    block.record["status"]["frames"] = 42
    assert other.record["status"]["frames"] == 42
    assert block.path.stat().st_mode & 0o777 == 0o600
    other.close()
    path = block.path
    block.close()
    assert not path.exists()


def test_only_blocks_that_nobody_holds_are_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(shared, "_MEMORY_FOLDER", tmp_path)
    held = SharedBlock.create()
    attached = SharedBlock.attach(held.path)
    abandoned = tmp_path / ("remapd-" + "0" * 24)
    others = [tmp_path / name for name in ("remapd-1-notes.txt", "remapd-" + "f" * 24, "remapd-" + "x" * 24)]
    for path in (abandoned, *others):
        path.write_bytes(b"" if "f" in path.name[-1] else b"1")
    SharedBlock.create().close()
    assert not abandoned.exists()
    assert all(path.exists() for path in (held.path, *others))
    attached.close()
    held.close()


def test_a_block_that_does_not_fit_is_an_error_not_a_crash(monkeypatch, tmp_path):
    monkeypatch.setattr(shared, "_MEMORY_FOLDER", tmp_path)
    monkeypatch.setattr(shared.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(shared, "_reserve", lambda descriptor, size: False)
    with pytest.raises(RemapdError, match="no room for"):
        SharedBlock.create()
    assert not list(tmp_path.iterdir())


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "block"
    path.write_bytes(b"\0" * 100)
    with pytest.raises(RemapdError, match="another version"):
        SharedBlock.attach(path)
    with pytest.raises(RemapdError, match="No such file"):
        SharedBlock.attach(tmp_path / "none")


def test_a_mailbox_with_too_many_tracks_is_cut_to_what_there_is_room_for():
    from remapd.engine.layout import MAILBOX, MAX_TRACKS

    shared, incoming = SharedBlock.private().record, np.zeros(1, MAILBOX)[0]
    for told, taken in ((10**9, MAX_TRACKS), (-5, 0)):
        rings.begin_change(shared)
        shared["mailbox"]["tracks"] = told
        rings.end_change(shared)
        assert rings.take_mailbox(shared, incoming)
        assert incoming["tracks"] == taken


def test_a_block_goes_with_its_owner_unless_it_is_left_to_another():
    first = SharedBlock.create()
    heir = SharedBlock.attach(first.path, own=True)
    path = first.path
    first.leave()
    first.close()
    assert path.exists()
    heir.close()
    assert not path.exists()
