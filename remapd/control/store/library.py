"""The models and presets of the daemon: those that ship and the user's own, which can be stored, renamed and deleted.

What there is, is held in memory, so asking never waits for a disk; `refresh` looks again. Everything may be called from
any thread; what reads or writes files does not belong in the loop.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from remapd.control.store.library_entry import Entry, LibraryChange, compared, scan
from remapd.control.store.loaded_files import LoadedFiles
from remapd.errors import ConflictError, DiskFullError, FieldError, ModelError, Told
from remapd.fields import checked_name, parsed_json
from remapd.files import make_folder, replace_file, storage_error
from remapd.mapping.bundle import Model, load_model, model_from_bytes
from remapd.mapping.library import MODEL, PRESET, Kind, load_preset_named, not_found, user_folder
from remapd.synth.presets import MAX_FILE_BYTES, Preset, preset_from_document, save_preset

#: The user may have this many files of a kind.
MAX_OWN_FILES = 2000
Check = Callable[[Entry | None], None]
Reader = Callable[[list[LibraryChange]], None]


class Library:
    """Models and presets by name.

    Parameters
    ----------
    own : Path, optional
        Folder of the user's own models, with a folder ``presets`` in it; by default `user_folder`. It is made when
        something is stored.
    """

    def __init__(self, own: Path | None = None) -> None:
        self.own = own or user_folder()
        self._lock = threading.RLock()
        self._readers: list[Reader] = []
        self._models, self._presets = LoadedFiles(load_model), LoadedFiles(load_preset_named)
        self._entries = {kind: scan(kind, self.own) for kind in (MODEL, PRESET)}

    # -- what there is -----------------------------------------------------------------------------------------------

    def models(self) -> dict[str, Entry]:
        """All models by name, in the order of the names."""
        return dict(self._entries[MODEL])

    def presets(self) -> dict[str, Entry]:
        """All presets by name, in the order of the names."""
        return dict(self._entries[PRESET])

    def model_entry(self, name: str) -> Entry:
        """Find a model; raises a `NotFoundError` that says which name is near."""
        return self._entry(MODEL, name)

    def preset_entry(self, name: str) -> Entry:
        """Find a preset; raises a `NotFoundError` that says which name is near."""
        return self._entry(PRESET, name)

    def model(self, name: str) -> Model:
        """Load a model by name; one whose file has not changed comes from memory.

        Raises
        ------
        NotFoundError
            If there is none.
        ModelError
            If its file is damaged; the text names the field.
        """
        return self._models.get(self._entry(MODEL, name))

    def preset(self, name: str) -> Preset:
        """Load a preset by name; raises as `model` does."""
        return self._presets.get(self._entry(PRESET, name))

    # -- changes -----------------------------------------------------------------------------------------------------

    def put_model(self, name: str, content: bytes, check: Check | None = None) -> Entry:
        """Store a model of the user's own; one that ships is hidden by it.

        Parameters
        ----------
        name : str
            Its name; there may be one already.
        content : bytes
            Of its file; it is checked in full before anything is written.
        check : callable, optional
            Is given what is there now of that name; what it raises ends it with nothing changed.

        Raises
        ------
        FieldError, ModelError
            If the name or a field does not fit, or the content is damaged.
        StorageError
            If it cannot be written.
        """
        checked_name(name)
        model_from_bytes(content)
        return self._put(MODEL, name, lambda path: replace_file(path, content, "model"), check)

    def put_preset(self, name: str, preset: Preset | bytes, check: Check | None = None) -> Entry:
        """Store a preset, or the content of a preset's file, under a name; see `put_model`."""
        named = replace(checked_preset(preset) if isinstance(preset, bytes) else preset, name=checked_name(name))
        return self._put(PRESET, name, lambda path: save_preset(named, path), check)

    def rename_preset(self, name: str, new_name: str, check: Check | None = None) -> Entry:
        """Give a preset of the user's own another name.

        Raises
        ------
        NotFoundError
            If there is none.
        ConflictError
            If it ships with remapd, or the new name is taken.
        StorageError
            If it cannot be written.
        """
        with self._change():
            entry = self._own(PRESET, name, check)
            path = self._path(PRESET, checked_name(new_name, "new_name"))
            # On some systems a file has its name in any case.
            if new_name in self._entries[PRESET] or path.exists():
                raise ConflictError("new_name", "a name that is free", new_name)
            save_preset(replace(self.preset(name), name=new_name), path)
            _remove(entry)
        return self._entry(PRESET, new_name)

    def delete_model(self, name: str, check: Check | None = None) -> None:
        """Delete a model of the user's own; raises as `rename_preset` does."""
        self._delete(MODEL, name, check)

    def delete_preset(self, name: str, check: Check | None = None) -> None:
        """Delete a preset of the user's own; raises as `rename_preset` does."""
        self._delete(PRESET, name, check)

    def refresh(self) -> list[LibraryChange]:
        """Look what has changed on the disk, and tell all readers."""
        with self._lock:
            changes = self._look()
        self._tell(changes)
        return changes

    def subscribe(self, reader: Reader) -> Callable[[], None]:
        """Call `reader` with all changes from now on, in the thread that finds them; returns what ends that."""
        self._readers.append(reader)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._readers.remove(reader)

        return end

    # -- how ---------------------------------------------------------------------------------------------------------

    def _entry(self, kind: Kind, name: str) -> Entry:
        known = self._entries[kind]
        if name not in known:
            raise not_found(kind.name, name, known)
        return known[name]

    def _own(self, kind: Kind, name: str, check: Check | None) -> Entry:
        entry = self._entry(kind, name)
        if check is not None:
            check(entry)
        if not entry.is_own:
            raise ConflictError(kind.name, f"a {kind.name} of your own; what ships with remapd stays as it is", name)
        return entry

    def _path(self, kind: Kind, name: str) -> Path:
        return self.own / kind.folder / f"{name}{kind.suffix}"

    def _put(self, kind: Kind, name: str, write: Callable[[Path], None], check: Check | None) -> Entry:
        with self._change():
            if check is not None:
                check(self._entries[kind].get(name))
            self._check_room(kind, name)
            make_folder(self.own / kind.folder)
            write(self._path(kind, name))
        return self._entry(kind, name)

    def _check_room(self, kind: Kind, name: str) -> None:
        own = {entry.name for entry in self._entries[kind].values() if entry.is_own}
        if name not in own and len(own) >= MAX_OWN_FILES:
            raise DiskFullError(f"there are {len(own)} {kind.name}s of your own, which is as many as there may be")

    def _delete(self, kind: Kind, name: str, check: Check | None) -> None:
        with self._change():
            _remove(self._own(kind, name, check))

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """One change at a time, of what is really on the disk; readers are told when it is done."""
        with self._lock:
            changes = self._look()
            try:
                yield
            finally:
                changes += self._look()
        self._tell(changes)

    def _look(self) -> list[LibraryChange]:
        changes: list[LibraryChange] = []
        for kind, before in self._entries.items():
            self._entries[kind], new = compared(before, scan(kind, self.own), self._try)
            changes += new
        return changes

    def _try(self, entry: Entry) -> None:
        if entry.kind is MODEL:
            self._models.get(entry)
        else:
            self._presets.get(entry)

    def _tell(self, changes: list[LibraryChange]) -> None:
        for reader in list(self._readers) if changes else ():
            reader(changes)


def must_be_free(entry: Entry | None) -> None:
    """Refuse to store something under a name that is taken: a check for `Library.put_model` and the like."""
    if entry is not None:
        raise ConflictError("name", f"a name that no {entry.kind.name} has", entry.name)


def checked_preset(content: bytes) -> Preset:
    """Preset of a file's content.

    Raises
    ------
    FieldError, ModelError
        If it is too large, no JSON text, or a field does not fit.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ModelError(f"preset: larger than {MAX_FILE_BYTES // 1024} KiB")
    try:
        return preset_from_document(parsed_json(content))
    except ValueError as error:
        raise FieldError("preset file", "JSON text", Told(str(error))) from None


def _remove(entry: Entry) -> None:
    try:
        entry.path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, f"{entry.kind.name} {str(entry.path)!r} cannot be deleted") from None
