"""The folder that a training leaves behind: figures for programs, a page and sounds for people."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from remapd.errors import RemapdError, TrainingError
from remapd.training.report_audio import FOLDER, write_audio
from remapd.training.report_data import FORMAT, report_document
from remapd.training.report_html import report_page
from remapd.training.result import TrainingResult

PAGE, FIGURES = "index.html", "report.json"

_FILES = {PAGE, FIGURES}
_SOUNDS = ("hit_", "answer_", "all_")
# What the figures of a report begin with.
_MARK = json.dumps(FORMAT)


def check_report_folder(folder: Path) -> None:
    """Refuse a place where no report can be written, best before an hour of training.

    Raises
    ------
    TrainingError
        If it is no folder, one with anything in it but an older report, or one that cannot be made or replaced.
    """
    target = folder.resolve()
    if not target.parent.is_dir():
        raise TrainingError(f"{folder}: there is no folder {folder.parent}")
    if not os.access(target.parent, os.W_OK):
        raise TrainingError(f"{folder}: the folder {folder.parent} is write-protected")
    if not target.exists():
        return
    if not target.is_dir():
        raise TrainingError(f"{folder}: is a file; name a folder for the report")
    with _told(folder):
        foreign = _foreign(target)
    if foreign is not None:
        raise TrainingError(f"{folder}: holds {foreign}, which is no part of a report; name another folder")


def write_report(folder: Path, result: TrainingResult) -> None:
    """Write `index.html`, `report.json` and sounds; a report that was there is replaced.

    The folder appears whole, or what was there stays; what a kill on the way leaves beside it is put back or removed
    at the next writing.

    Raises
    ------
    TrainingError
        As `check_report_folder`, or if it cannot be written, as when the disk is full.
    """
    target = folder.resolve()
    new, old = (target.with_name(f".{target.name}.remapd-{which}") for which in ("new", "old"))
    with _told(folder):
        _recover(target, new, old)
    check_report_folder(folder)
    try:
        with _told(folder):
            _write(new, result)
            _put_in_place(new, target, old)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _recover(target: Path, new: Path, old: Path) -> None:
    """Tidy up after a writing that was killed; what it had moved away comes back."""
    if old.exists() and not target.exists():
        old.rename(target)
    for left in (new, old):
        if left.exists():
            shutil.rmtree(left)


def _write(folder: Path, result: TrainingResult) -> None:
    (folder / FOLDER).mkdir(parents=True)
    write_audio(folder, result)
    document = json.dumps(report_document(result), indent=1, allow_nan=False)
    (folder / FIGURES).write_text(document + "\n", encoding="utf-8")
    # Names of files need not be text.
    (folder / PAGE).write_bytes(report_page(result).encode("utf-8", "replace"))


def _put_in_place(new: Path, target: Path, old: Path) -> None:
    """Move a folder to where another may be, which comes back if that fails."""
    existed = target.exists()
    if existed:
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if existed:
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _foreign(folder: Path) -> str | None:
    """Name something in a folder that no report has put there."""
    for path in sorted(folder.iterdir()):
        if path.name == FOLDER and path.is_dir() and not path.is_symlink():
            for sound in sorted(path.iterdir()):
                if not (sound.name.startswith(_SOUNDS) and sound.suffix == ".wav"):
                    return f"{FOLDER}/{sound.name}"
        elif path.name not in _FILES or path.is_dir():
            return path.name
    # Sounds of one's own may be called like ours: only the figures tell a report.
    if not _is_report(folder / FIGURES):
        return next((path.name for path in sorted(folder.iterdir(), reverse=True)), None)
    return None


def _is_report(figures: Path) -> bool:
    if not figures.is_file():
        return False
    with figures.open(encoding="utf-8", errors="replace") as file:
        return _MARK in file.read(200)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{folder}: the report cannot be written ({error.strerror or error})") from error
    except TrainingError:
        raise
    except RemapdError as error:
        raise TrainingError(f"{folder}: {error}") from error
