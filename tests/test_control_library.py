"""The library of the daemon: what is stored is whole, what ships stays, and what happens on the disk is noticed."""

from __future__ import annotations

import hashlib
import json
import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remapd.control.store import library as library_module
from remapd.control.store import loaded_files
from remapd.control.store.library import Library
from remapd.control.store.library_entry import SETTLE_S
from remapd.errors import ConflictError, DiskFullError, FieldError, ModelError, NotFoundError, RemapdError, StorageError
from remapd.mapping.bundle import model_bytes, save_model
from remapd.synth.presets import default_preset, preset_document, save_preset
from tests.disks import as_anybody, full_disk
from tests.models import SHIPPED, make_model

CONTENT = model_bytes(make_model())


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "models")


def _seen(library):
    changes = []
    library.subscribe(changes.extend)
    return changes


def _told(changes):
    return [(change.kind, change.name, change.what) for change in changes]


def _old(path):
    """Make a file look as if it had been written long ago."""
    before = path.stat().st_mtime - 10.0 * SETTLE_S
    os.utime(path, (before, before))


def test_what_ships_is_there_and_is_not_the_users_own(library):
    assert list(library.models()) == sorted(path.stem for path in SHIPPED.glob("*.safetensors"))
    assert list(library.presets()) == sorted(path.stem for path in SHIPPED.glob("presets/*.json"))
    entry = library.model_entry("snare_1")
    assert not entry.is_own
    assert entry.size_bytes == entry.path.stat().st_size
    assert entry.sha256 == hashlib.sha256(entry.path.read_bytes()).hexdigest()


def test_a_stored_model_is_there_and_told_of(library):
    changes = _seen(library)
    entry = library.put_model("mine", CONTENT)
    assert entry.is_own
    assert entry.content() == CONTENT
    assert library.model("mine").network.sizes == make_model().network.sizes
    assert _told(changes) == [("model", "mine", "added")]
    library.put_model("mine", model_bytes(make_model(name="another")))
    assert library.model("mine").name == "another"
    assert _told(changes[1:]) == [("model", "mine", "changed")]
    library.delete_model("mine")
    assert "mine" not in library.models()
    assert _told(changes[2:]) == [("model", "mine", "removed")]


def test_a_model_is_loaded_once_as_long_as_its_file_stays(library):
    library.put_model("mine", CONTENT)
    assert library.model("mine") is library.model("mine")
    before = library.model("mine")
    library.put_model("mine", CONTENT)
    assert library.model("mine") is not before


def test_no_more_than_some_are_kept_loaded(library, monkeypatch):
    monkeypatch.setattr(loaded_files, "MOST", 1)
    first = library.model("snare_1")
    library.model("snare_2")
    assert library.model("snare_1") is not first


@pytest.mark.parametrize("content", [b"", b"nothing", CONTENT[: len(CONTENT) // 2], CONTENT + b"x"])
def test_a_damaged_upload_is_refused_before_it_is_stored(library, content):
    with pytest.raises(RemapdError):
        library.put_model("mine", content)
    assert not library.own.exists()


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "a\0b", "x" * 65, "ä", "a\n"])
def test_a_name_is_never_a_path(library, name):
    for put in (lambda: library.put_model(name, CONTENT), lambda: library.put_preset(name, default_preset())):
        with pytest.raises(FieldError, match="name"):
            put()
    for ask in (library.model, library.preset, library.delete_model, library.delete_preset):
        with pytest.raises(NotFoundError):
            ask(name)
    library.put_preset("mine", default_preset())
    with pytest.raises(FieldError):
        library.rename_preset("mine", name)


def test_an_unknown_name_is_refused_with_a_near_one(library):
    with pytest.raises(NotFoundError, match=r"did you mean velocity\?"):
        library.model("velocty")
    with pytest.raises(NotFoundError, match=r"did you mean open_snare\?"):
        library.delete_preset("open_snar")


def test_what_ships_is_neither_deleted_nor_renamed(library):
    for refused in (
        lambda: library.delete_model("snare_1"),
        lambda: library.delete_preset("snare_1"),
        lambda: library.rename_preset("snare_1", "other"),
    ):
        with pytest.raises(ConflictError, match="ships with remapd"):
            refused()
    assert (SHIPPED / "snare_1.safetensors").is_file()


def test_ones_own_hides_what_ships_until_it_is_deleted(library):
    library.put_preset("snare_1", default_preset())
    assert library.preset_entry("snare_1").is_own
    library.delete_preset("snare_1")
    assert not library.preset_entry("snare_1").is_own


@pytest.mark.parametrize("thing", ["folder", "link"])
def test_a_preset_is_not_renamed_to_where_something_else_lies(library, thing):
    library.put_preset("first", default_preset())
    place = library.own / "presets" / "second.json"
    place.mkdir() if thing == "folder" else place.symlink_to("first.json")
    with pytest.raises(ConflictError, match="new_name"):
        library.rename_preset("first", "second")
    assert library.preset("first").name == "first"


def test_a_stored_preset_has_the_name_it_is_stored_under(library):
    library.put_preset("first", default_preset("kick808"))
    assert library.preset("first").name == "first"
    document = preset_document(default_preset())
    library.put_preset("second", json.dumps(document).encode())
    assert library.preset("second").name == "second"


def test_a_renamed_preset_has_its_new_name_only(library):
    library.put_preset("first", default_preset("kick808"))
    changes = _seen(library)
    assert library.rename_preset("first", "second").name == "second"
    assert library.preset("second").name == "second"
    assert library.preset("second").synth == "kick808"
    assert "first" not in library.presets()
    assert sorted(_told(changes)) == [("preset", "first", "removed"), ("preset", "second", "added")]


@pytest.mark.parametrize("taken", ["first", "second", "snare_1"])
def test_a_preset_is_not_renamed_to_a_name_that_is_taken(library, taken):
    library.put_preset("first", default_preset())
    library.put_preset("second", default_preset("kick808"))
    with pytest.raises(ConflictError, match="new_name"):
        library.rename_preset("first", taken)
    assert library.preset("second").synth == "kick808"
    assert "first" in library.presets()


def test_a_check_sees_what_is_there_and_can_refuse(library):
    seen = []

    def refuse(entry):
        seen.append(entry.sha256 if entry else None)
        raise ModelError("no")

    library.put_model("mine", CONTENT)
    for refused in (
        lambda: library.put_model("mine", CONTENT, refuse),
        lambda: library.put_model("new", CONTENT, refuse),
        lambda: library.delete_model("mine", refuse),
    ):
        with pytest.raises(ModelError, match="no"):
            refused()
    assert seen == [hashlib.sha256(CONTENT).hexdigest(), None, hashlib.sha256(CONTENT).hexdigest()]
    assert library.model_entry("mine").content() == CONTENT
    assert "new" not in library.models()


def test_there_are_only_so_many(library, monkeypatch):
    monkeypatch.setattr(library_module, "MAX_OWN_FILES", 2)
    library.put_preset("one", default_preset())
    library.put_preset("two", default_preset())
    with pytest.raises(StorageError, match="as many as there may be"):
        library.put_preset("three", default_preset())
    library.put_preset("two", default_preset("kick808"))


def test_changes_on_the_disk_are_noticed(library):
    (library.own / "presets").mkdir(parents=True)
    changes = _seen(library)
    save_model(make_model(), library.own / "late.safetensors")
    save_preset(default_preset(), library.own / "presets" / "late.json")
    assert _told(library.refresh()) == [("model", "late", "added"), ("preset", "late", "added")]
    assert library.refresh() == []
    save_preset(default_preset("kick808"), library.own / "presets" / "late.json")
    (library.own / "late.safetensors").unlink()
    library.refresh()
    assert _told(changes[2:]) == [("model", "late", "removed"), ("preset", "late", "changed")]
    assert library.preset("late").synth == "kick808"


def test_a_file_that_is_damaged_is_told_of_and_what_was_loaded_stays(library):
    library.put_model("mine", CONTENT)
    before = library.model("mine")
    path = library.model_entry("mine").path
    path.write_bytes(CONTENT[: len(CONTENT) // 2])
    _old(path)
    (change,) = library.refresh()
    assert (change.name, change.what) == ("mine", "damaged")
    assert "mine.safetensors" in change.problem
    assert "\n" not in change.problem
    assert library.refresh() == []
    with pytest.raises(ModelError, match="damaged"):
        library.model("mine")
    assert before.network.sizes == make_model().network.sizes
    path.write_bytes(CONTENT)
    assert _told(library.refresh()) == [("model", "mine", "changed")]


def test_a_file_that_is_being_written_is_not_told_of_before_it_is_whole(library):
    (library.own / "presets").mkdir(parents=True)
    library.put_model("mine", CONTENT)
    for name in ("mine", "new"):
        (library.own / f"{name}.safetensors").write_bytes(CONTENT[:100])
    assert library.refresh() == []
    assert "new" not in library.models()
    for name in ("mine", "new"):
        (library.own / f"{name}.safetensors").write_bytes(CONTENT)
    assert sorted(_told(library.refresh())) == [("model", "mine", "changed"), ("model", "new", "added")]


def test_a_change_starts_from_what_is_on_the_disk(library):
    library.put_preset("mine", default_preset())
    library.preset_entry("mine").path.unlink()
    with pytest.raises(NotFoundError):
        library.rename_preset("mine", "other")


def test_what_is_no_file_or_has_no_valid_name_is_not_there(library):
    (library.own / "presets").mkdir(parents=True)
    os.mkfifo(library.own / "presets" / "pipe.json")
    (library.own / "presets" / "folder.json").mkdir()
    (library.own / "presets" / "ä.json").touch()
    (library.own / "presets" / "gone.json").symlink_to("nowhere")
    assert library.refresh() == []
    assert set(library.presets()) == {path.stem for path in SHIPPED.glob("presets/*.json")}


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        Library(tmp_path / "file" / "models").put_model("mine", CONTENT)


def test_a_full_disk_is_told_of_and_what_was_there_stays(library):
    library.put_model("mine", CONTENT)
    library.put_preset("mine", default_preset("kick808"))
    changes = _seen(library)
    with full_disk():
        for put in (
            lambda: library.put_model("mine", model_bytes(make_model(name="another"))),
            lambda: library.put_model("new", CONTENT),
            lambda: library.put_preset("mine", default_preset()),
            lambda: library.rename_preset("mine", "new"),
        ):
            with pytest.raises(DiskFullError, match="File too large"):
                put()
    assert changes == []
    assert library.model("mine").name == "a model"
    assert library.preset("mine").synth == "kick808"
    assert sorted(path.name for path in library.own.iterdir()) == ["mine.safetensors", "presets"]


@as_anybody
def test_a_library_that_is_write_protected_is_told_of(library):
    library.put_model("mine", CONTENT)
    library.own.chmod(0o500)
    try:
        for change in (lambda: library.put_model("new", CONTENT), lambda: library.delete_model("mine")):
            with pytest.raises(StorageError, match="denied"):
                change()
    finally:
        library.own.chmod(0o700)
    assert library.model("mine").name == "a model"


@as_anybody
def test_a_file_that_may_not_be_read_is_told_of(library):
    library.put_model("mine", CONTENT)
    library.model_entry("mine").path.chmod(0)
    save_model(make_model(), library.own / "other.safetensors")
    (library.own / "other.safetensors").chmod(0)
    _old(library.own / "other.safetensors")
    assert _told(library.refresh()) == [("model", "other", "damaged")]
    with pytest.raises(ModelError, match="denied"):
        library.model("other")


def test_many_threads_at_once(library):
    failures = []

    def work(number):
        try:
            for turn in range(10):
                library.put_preset(f"p{number}", default_preset())
                library.preset(f"p{number}")
                library.refresh()
                if turn % 2:
                    library.delete_preset(f"p{number}")
        except Exception as error:  # Whatever it is, the test is to name it.
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert not any(entry.is_own for entry in library.presets().values())


@given(st.binary(max_size=2000) | st.text(max_size=500).map(str.encode))
def test_any_bytes_as_a_preset_are_stored_whole_or_refused_in_a_line(content):
    with pytest.raises(RemapdError) as refusal:
        library_module.checked_preset(content)
    assert "\n" not in str(refusal.value)


_DOCUMENT = preset_document(default_preset())
_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*_DOCUMENT, "other"]), _ANY, min_size=1, max_size=3))
def test_any_document_as_a_preset_makes_a_preset_or_is_refused_in_a_line(changes):
    text = ""
    try:
        preset = library_module.checked_preset(json.dumps({**_DOCUMENT, **changes}).encode())
        assert preset_document(preset)["preset"].keys() == _DOCUMENT["preset"].keys()
    except RemapdError as refusal:
        text = str(refusal)
    assert "\n" not in text
    assert len(text) < 1000


_END = len(CONTENT) - 1


@given(
    st.lists(st.tuples(st.integers(0, _END), st.integers(0, 255)), max_size=4),
    st.integers(0, _END) | st.just(_END + 1),
    st.binary(max_size=8),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_model_that_is_sent_is_stored_whole_or_not_at_all(tmp_path, changes, length, more):
    content = bytearray(CONTENT)
    for place, value in changes:
        content[place] = value
    library = Library(tmp_path / "models")
    before = library.models().get("sent")
    try:
        library.put_model("sent", bytes(content[:length]) + more)
    except RemapdError as refusal:
        stored, text = before, str(refusal)
    else:
        stored, text = library.model_entry("sent"), ""
        assert library.model("sent").describe()
    assert library.models().get("sent") == stored
    assert "\n" not in text
    assert len(text) < 1000
