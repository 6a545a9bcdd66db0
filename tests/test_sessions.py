"""Sessions: saved whole, found again, and the current one is there after whatever happened."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remapd.control.bulletin import Bulletin
from remapd.control.hub import ChangeHub
from remapd.control.store import session_files, sessions
from remapd.control.store.autosave import Autosave
from remapd.control.store.session_files import (
    backup_of,
    read_session,
    read_with_backup,
    session_bytes,
    write_with_backup,
)
from remapd.control.store.sessions import SessionStore
from remapd.errors import ConflictError, DiskFullError, FieldError, ModelError, NotFoundError, RemapdError, StorageError
from tests.controllers import make_controller
from tests.disks import as_anybody, disk_free, full_disk, tiny_disk

SESSION = {"format": 1, "values": {"/output_gain_db": -3.0, "/track/1/mute": True, "/track/1/input_channel": 2}}
OTHER = {"format": 1, "values": {}}


@pytest.fixture
def store(tmp_path):
    return SessionStore(tmp_path / "sessions")


# -- sessions by name --------------------------------------------------------------------------------------------------


def test_a_saved_session_comes_back_as_it_was(store):
    entry = store.save("live", SESSION)
    assert store.load("live") == SESSION
    assert type(store.load("live")["values"]["/track/1/input_channel"]) is int
    assert store.entries() == {"live": entry}
    assert entry.size_bytes == entry.path.stat().st_size
    fingerprint = entry.sha256()
    assert store.save("live", OTHER).sha256() != fingerprint


def test_a_sessions_file_has_a_line_for_each_value_whatever_is_in_it():
    values = {"/a": 'x, "/b": 1', "/b": ', "/', "/c": 1.5}
    content = session_bytes({"format": 1, "values": values})
    assert session_files.session_from_bytes(content)["values"] == values
    assert len(content.splitlines()) == len(values)


def test_sessions_are_renamed_and_deleted(store):
    store.save("one", SESSION)
    store.save("two", OTHER)
    with pytest.raises(ConflictError, match="new_name"):
        store.rename("one", "two")
    assert store.rename("one", "three").name == "three"
    assert list(store.entries()) == ["three", "two"]
    store.delete("two")
    assert list(store.entries()) == ["three"]
    assert store.load("three") == SESSION


def test_an_unknown_session_is_refused_with_a_near_one(store):
    store.save("live", SESSION)
    for ask in (store.load, store.delete, lambda name: store.rename(name, "new")):
        with pytest.raises(NotFoundError, match=r"did you mean live\?"):
            ask("life")


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "a\0b", "x" * 65])
def test_a_name_is_never_a_path(store, name):
    with pytest.raises(FieldError, match="name"):
        store.save(name, SESSION)
    for ask in (store.load, store.delete):
        with pytest.raises(NotFoundError):
            ask(name)
    store.save("live", SESSION)
    with pytest.raises(FieldError, match="new_name"):
        store.rename("live", name)


def test_a_check_sees_what_is_there_and_can_refuse(store):
    def refuse(entry):
        raise ModelError("there is one" if entry else "there is none")

    with pytest.raises(ModelError, match="there is none"):
        store.save("live", SESSION, refuse)
    store.save("live", SESSION)
    for ask in (lambda: store.save("live", OTHER, refuse), lambda: store.delete("live", refuse),
                lambda: store.rename("live", "new", refuse)):  # fmt: skip
        with pytest.raises(ModelError, match="there is one"):
            ask()
    assert store.load("live") == SESSION


def test_there_are_only_so_many(store, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 1)
    store.save("one", SESSION)
    with pytest.raises(DiskFullError, match="as many as there may be"):
        store.save("two", SESSION)
    store.save("one", OTHER)


def test_one_that_is_too_large_is_neither_saved_nor_read(store, monkeypatch):
    monkeypatch.setattr(session_files, "MAX_FILE_BYTES", 100)
    with pytest.raises(StorageError, match="more than"):
        store.save("large", {**SESSION, "more": "x" * 100})
    store.folder.mkdir()
    (store.folder / "large.json").write_bytes(b" " * 101)
    with pytest.raises(ModelError, match="larger than"):
        store.load("large")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"1", b'{"format": 2}', b'{"values": {}}', b"\xff" * 9, b'{"a":1,"a":2}']
)
def test_what_is_no_session_is_refused(store, content):
    with pytest.raises(FieldError):
        store.save("upload", content)
    store.folder.mkdir()
    (store.folder / "broken.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.json"):
        store.load("broken")


def test_a_full_disk_is_told_of_and_the_old_session_stays(store):
    store.save("live", SESSION)
    with full_disk(), pytest.raises(DiskFullError, match=r"live\.json"):
        store.save("live", OTHER)
    assert store.load("live") == SESSION
    assert [path.name for path in store.folder.iterdir()] == ["live.json"]


def test_other_files_are_no_sessions(store):
    store.folder.mkdir()
    (store.folder / "folder.json").mkdir()
    (store.folder / "ä.json").touch()
    (store.folder / "notes.txt").touch()
    os.mkfifo(store.folder / "pipe.json")
    assert store.entries() == {}


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_session_or_refused_in_a_line(content):
    text = ""
    try:
        assert session_files.session_from_bytes(content)["format"] == 1
    except FieldError as refusal:
        text = str(refusal)
    assert "\n" not in text
    assert len(text) < 1000


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
_NAMED = (
    "/output_gain_db /track/1/model /track/1/preset /track/2/mute /track/99/mute /track/x /device/input /log_level"
    " /panic /track/1/synth/osc1/freq"
)
_PATHS = st.sampled_from(_NAMED.split()) | st.text(max_size=20)


@given(st.dictionaries(_PATHS, _ANY, max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_values_are_restored_or_refused_with_nothing_changed(values):
    controller = make_controller()
    before = controller.values()
    document = session_files.session_from_bytes(json.dumps({"format": 1, "values": values}).encode())

    async def restore():
        await controller.restore(document)

    text = ""
    try:
        asyncio.run(restore())
    except RemapdError as refusal:
        text = str(refusal)
        assert controller.values() == before
    assert "\n" not in text
    notes = make_controller().begin(document)
    assert all("\n" not in note for note in notes)


# -- the current one ---------------------------------------------------------------------------------------------------


def test_what_was_there_before_is_the_backup(tmp_path):
    path = tmp_path / "state" / "session.json"
    write_with_backup(path, session_bytes(SESSION))
    assert not backup_of(path).exists()
    write_with_backup(path, session_bytes(OTHER))
    assert read_session(backup_of(path)) == SESSION
    assert read_with_backup(path) == (OTHER, [])
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, session_bytes(SESSION)[:40]])
def test_a_damaged_file_gives_way_to_its_backup_and_is_kept(tmp_path, damage):
    path = tmp_path / "session.json"
    write_with_backup(path, session_bytes(SESSION))
    write_with_backup(path, session_bytes(OTHER))
    path.write_bytes(damage)
    document, notes = read_with_backup(path)
    assert document == SESSION
    assert len(notes) == 1
    assert "session.json.damaged" in notes[0]
    assert "\n" not in notes[0]
    assert (tmp_path / "session.json.damaged").read_bytes() == damage
    assert read_with_backup(path) == (SESSION, [])


def test_without_any_whole_file_there_is_no_session(tmp_path):
    path = tmp_path / "session.json"
    assert read_with_backup(path) == (None, [])
    path.write_bytes(b"x")
    backup_of(path).write_bytes(b"y")
    document, notes = read_with_backup(path)
    assert document is None
    assert len(notes) == 2


def test_a_disk_that_fills_while_writing_leaves_the_old_session(tmp_path):
    path = tmp_path / "session.json"
    write_with_backup(path, session_bytes(SESSION))
    with full_disk(), pytest.raises(DiskFullError):
        write_with_backup(path, session_bytes(OTHER))
    assert read_with_backup(path) == (SESSION, [])


def test_a_file_system_without_links_keeps_a_backup_too(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "session.json"
    write_with_backup(path, session_bytes(SESSION))
    write_with_backup(path, session_bytes(OTHER))
    assert read_session(backup_of(path)) == SESSION
    with full_disk(), pytest.raises(DiskFullError):
        write_with_backup(path, session_bytes(SESSION))
    assert read_with_backup(path) == (OTHER, [])


class Desk:
    """Something that changes, and an autosave of it whose writes can be awaited."""

    def __init__(self, path, write=write_with_backup):
        self.values = {}
        self.hub = ChangeHub(lambda container: self.values)
        self.bulletin = Bulletin()
        self.news = asyncio.Queue()
        self.bulletin.subscribe(lambda kind, data: self.news.put_nowait((kind, data)))
        self.written = asyncio.Queue()
        self._write, self._loop = write, asyncio.get_running_loop()
        self.saver = Autosave(path, self._document, self.hub, self.bulletin, 0.01, 0.01, self._note)

    def _document(self):
        return {"format": 1, "values": dict(self.values)}

    def _note(self, path, content):
        self._write(path, content)
        self._loop.call_soon_threadsafe(self.written.put_nowait, json.loads(content)["values"])

    def set(self, path, value):
        self.values[path] = value
        self.hub.publish({path: value})


def _run(scenario):
    asyncio.run(asyncio.wait_for(scenario, 30.0))


def test_changes_are_written_shortly_after_and_together(tmp_path):
    async def scenario():
        desk = Desk(tmp_path / "session.json")
        await desk.saver.start()
        assert await desk.written.get() == {}
        for value in range(5):
            desk.set("/a", value)
        assert await desk.written.get() == {"/a": 4}
        desk.values["/b"] = 1
        desk.hub.publish_structure({"/b"}, set())
        assert await desk.written.get() == {"/a": 4, "/b": 1}
        desk.values["/c"] = 1
        desk.saver.touch()
        assert await desk.written.get() == {"/a": 4, "/b": 1, "/c": 1}
        await desk.saver.stop()
        await desk.saver.stop()
        assert desk.saver.writes == 4
        assert len(desk.hub) == 0

    _run(scenario())
    assert read_session(tmp_path / "session.json")["values"] == {"/a": 4, "/b": 1, "/c": 1}


def test_the_end_writes_at_once_what_has_changed(tmp_path):
    async def scenario():
        desk = Desk(tmp_path / "session.json")
        desk.saver._delay_s = 3600.0
        await desk.saver.start()
        desk.set("/a", 1)
        await desk.saver.stop()

    _run(scenario())
    assert read_session(tmp_path / "session.json")["values"] == {"/a": 1}


def test_what_is_as_it_was_is_not_written_again(tmp_path):
    write_with_backup(tmp_path / "session.json", session_bytes(SESSION))
    write_with_backup(tmp_path / "session.json", session_bytes(OTHER))

    async def scenario():
        desk = Desk(tmp_path / "session.json")
        await desk.saver.start()
        await desk.saver.stop()
        assert desk.saver.writes == 0

    _run(scenario())
    assert read_session(backup_of(tmp_path / "session.json")) == SESSION


def test_a_full_disk_is_told_of_once_and_the_session_kept_when_there_is_room(tmp_path):
    room = threading.Event()
    attempts = []

    def write(path, content):
        attempts.append(content)
        if not room.is_set():
            raise DiskFullError("session: No space left on device")
        write_with_backup(path, content)

    async def scenario():
        desk = Desk(tmp_path / "session.json", write)
        await desk.saver.start()
        kind, data = await desk.news.get()
        assert (kind, data["level"]) == ("notice", "warning")
        assert "No space left" in data["text"]
        while len(attempts) < 3:
            await asyncio.sleep(0)
        assert isinstance(desk.saver.failure, DiskFullError)
        desk.set("/a", 1)
        room.set()
        kind, data = await desk.news.get()
        assert (kind, data["level"]) == ("notice", "info")
        assert desk.saver.failure is None
        await desk.saver.stop()
        assert desk.news.empty()

    _run(scenario())
    assert read_session(tmp_path / "session.json")["values"] == {"/a": 1}


def test_a_write_under_way_is_not_met_by_that_of_the_end(tmp_path):
    begun, may_end = threading.Event(), threading.Event()
    at_once, most = [], []

    def write(path, content):
        at_once.append(content)
        most.append(len(at_once))
        begun.set()
        assert may_end.wait(20.0)
        write_with_backup(path, content)
        at_once.remove(content)

    async def scenario():
        desk = Desk(tmp_path / "session.json", write)
        await desk.saver.start()
        assert await asyncio.to_thread(begun.wait, 20.0)
        desk.set("/a", 1)
        stopping = asyncio.create_task(desk.saver.stop())
        await asyncio.sleep(0)
        may_end.set()
        await stopping

    _run(scenario())
    assert max(most) == 1
    assert read_session(tmp_path / "session.json")["values"] == {"/a": 1}


def test_a_part_that_fails_does_not_end_the_keeping(tmp_path):
    async def scenario():
        desk = Desk(tmp_path / "session.json")
        desk.values["/a"] = float("nan")
        await desk.saver.start()
        desk.saver._changed.clear()
        desk.set("/a", 1.0)
        assert await desk.written.get() == {"/a": 1.0}
        await desk.saver.stop()

    _run(scenario())


def test_the_controllers_session_comes_back_from_the_disk(tmp_path):
    path = tmp_path / "session.json"

    async def scenario():
        controller = make_controller()
        saver = Autosave(path, controller.session, controller.hub, Bulletin())
        await saver.start()
        await controller.change({"/track/1/model": "kick_long", "/track/1/gain_db": -7.0, "/output_gain_db": -2.0})
        await controller.add_track({"model": "hat_closed", "mute": True})
        await saver.stop()
        return controller.values()

    values = asyncio.run(scenario())
    document, notes = read_with_backup(path)
    assert notes == []
    again = make_controller()
    assert again.begin(document) == []
    assert again.values() == values


_WRITER = """
import sys
from pathlib import Path
from remapd.control.store.session_files import session_bytes, write_with_backup
for turn in range(1_000_000):
    write_with_backup(Path(sys.argv[1]), session_bytes({"format": 1, "values": {"/turn": turn, "/more": "x" * 50_000}}))
    if turn % 10 == 0:
        print(turn, flush=True)
"""


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_a_process_that_is_killed_while_it_writes_leaves_a_whole_session(tmp_path, turns):
    path = tmp_path / "session.json"
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(turns):
            told = int(writer.stdout.readline())
        writer.kill()
    document, notes = read_with_backup(path)
    assert notes == []
    assert document["values"]["/turn"] >= told - 1
    assert len(document["values"]["/more"]) == 50_000
    write_with_backup(path, session_bytes(OTHER))
    assert read_with_backup(path) == (OTHER, [])


def test_a_disk_that_is_really_full_is_told_of_and_the_session_comes_back_when_there_is_room(tmp_path):
    with tiny_disk(tmp_path / "disk", 256 * 1024) as disk:

        async def scenario():
            desk = Desk(disk / "session.json")
            await desk.saver.start()
            assert await desk.written.get() == {}
            (disk / "ballast").write_bytes(b"x" * (disk_free(disk) - 8192))
            desk.set("/a", "x" * 20_000)
            assert "No space left" in (await desk.news.get())[1]["text"]
            assert read_with_backup(desk.saver.path)[0]["values"] == {}
            (disk / "ballast").unlink()
            assert (await desk.news.get())[1]["level"] == "info"
            await desk.saver.stop()

        _run(scenario())
        assert read_session(disk / "session.json")["values"] == {"/a": "x" * 20_000}
        assert sorted(path.name for path in disk.iterdir()) == ["session.json", "session.json.bak"]


@as_anybody
def test_a_folder_that_is_write_protected_is_told_of(tmp_path):
    path = tmp_path / "state" / "session.json"
    write_with_backup(path, session_bytes(SESSION))
    path.parent.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="denied"):
            write_with_backup(path, session_bytes(OTHER))
        assert read_with_backup(path) == (SESSION, [])
        with pytest.raises(StorageError, match="denied"):
            SessionStore(path.parent).save("live", SESSION)
    finally:
        path.parent.chmod(0o700)


@as_anybody
def test_a_session_that_may_not_be_read_gives_way_to_its_backup(tmp_path):
    path = tmp_path / "session.json"
    write_with_backup(path, session_bytes(SESSION))
    write_with_backup(path, session_bytes(OTHER))
    path.chmod(0)
    document, (note,) = read_with_backup(path)
    assert document == SESSION
    assert "denied" in note
