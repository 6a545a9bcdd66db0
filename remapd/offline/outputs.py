"""Several output files that appear together, whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from remapd.errors import RemapdError


class OutputError(RemapdError):
    """An output file that cannot be written."""


@dataclass(frozen=True, slots=True)
class _Output:
    wanted: Path  # As the user gave it, for messages.
    target: Path  # Where it goes: links are followed, so that a link stays one.
    temporary: Path

    @property
    def kept(self) -> Path:
        """Second name of the file that is replaced, until all are in place."""
        return self.temporary.with_suffix(".old")


class OutputGroup:
    """Files that are written beside their targets and moved over them in one go at the end.

    Used as a context manager: `add` gives the path to write to, `commit` moves everything into place. What was not
    committed when the block ends, by an error or by Ctrl-C, is removed, and files that were there before stay as they
    were.

    Parameters
    ----------
    sources : iterable of Path
        Files that are read, and that no output may replace.
    """

    def __init__(self, sources: Iterable[Path] = ()) -> None:
        self._sources = [path.resolve() for path in sources]
        self._outputs: list[_Output] = []

    def add(self, path: Path) -> Path:
        """Reserve an output and return the temporary path to write it to, which ends like `path`.

        Raises
        ------
        OutputError
            If the path is an input or another output, its folder is missing, or it cannot be written.
        """
        target = path.resolve()
        self._refuse_doubles(path, target)
        _refuse_unwritable(path, target)
        temporary = target.with_name(f".remapd-{secrets.token_hex(6)}{target.suffix}")
        try:
            # Made like any new file, so that it gets the user's usual permissions.
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
        self._outputs.append(_Output(path, target, temporary))
        return temporary

    def commit(self) -> None:
        """Move every file into place.

        Raises
        ------
        OutputError
            If one of them cannot be moved; those moved before it are put back.
        """
        for output in self._outputs:
            _keep_permissions(output)
            _flush_to_disk(output)
        moved: list[_Output] = []
        try:
            for output in self._outputs:
                _keep_old(output)
                _move(output.temporary, output)
                moved.append(output)
        except BaseException:
            for output in moved:
                _put_back(output)
            raise
        finally:
            for output in self._outputs:
                _remove(output.kept)
        self._outputs.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for output in self._outputs:
            _remove(output.temporary)
        self._outputs.clear()

    def _refuse_doubles(self, path: Path, target: Path) -> None:
        if any(_same(target, source) for source in self._sources):
            raise OutputError(f"{path}: is the input; choose another name")
        if any(_same(target, output.target) for output in self._outputs):
            raise OutputError(f"{path}: is named for two outputs; choose another name for one of them")


def _same(path: Path, other: Path) -> bool:
    if path == other:
        return True
    try:
        # Catches names that differ only in case where the file system does not care; hard links count as other files.
        return path.samefile(other) and path.parent.samefile(other.parent) and path.name.lower() == other.name.lower()
    except OSError:
        return False


def _refuse_unwritable(path: Path, target: Path) -> None:
    if target.is_dir():
        raise OutputError(f"{path}: is a folder; give a file name")
    if not target.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}")
    if target.exists() and not target.is_file():
        raise OutputError(f"{path}: is no regular file, so it cannot be replaced")
    if target.exists() and not os.access(target, os.W_OK):
        raise OutputError(f"{path}: is write-protected")


def _keep_permissions(output: _Output) -> None:
    if output.target.exists():
        with contextlib.suppress(OSError):
            output.temporary.chmod(output.target.stat().st_mode & 0o7777)


def _flush_to_disk(output: _Output) -> None:
    """Have the contents on the disk before the name points at them, so that a power cut leaves no empty file."""
    try:
        with output.temporary.open("rb+") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{output.wanted}: cannot be written ({error.strerror})") from error


def _keep_old(output: _Output) -> None:
    """Give the file that is about to be replaced a second name, where the file system has such."""
    if output.target.exists():
        with contextlib.suppress(OSError):
            os.link(output.target, output.kept)


def _move(source: Path, output: _Output) -> None:
    try:
        os.replace(source, output.target)
    except OSError as error:
        raise OutputError(f"{output.wanted}: cannot be replaced ({error.strerror})") from error


def _put_back(output: _Output) -> None:
    if output.kept.exists():
        _move(output.kept, output)
    else:
        _remove(output.target)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
