"""Where recordings lie: files and folders given by a person, and what in them is no audio."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from remapd.errors import TrainingDataError

#: Endings of the files that are taken from a folder; a file that is named itself may end in anything.
AUDIO_SUFFIXES = frozenset(
    ".aif .aifc .aiff .au .caf .flac .mp3 .oga .ogg .opus .rf64 .snd .w64 .wav .wave".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Source:
    """A recording that is to be read; `named` if it was given itself, not found in a folder."""

    path: Path
    drum: str
    named: bool


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was passed over, and why."""

    path: Path
    reason: str


def find_sources(paths: Iterable[Path]) -> tuple[list[Source], list[Skipped]]:
    """Recordings among files and, at any depth, in folders, each once, those of a folder sorted by path.

    A drum is named by the folder that was given. Where several files are given it is the folder that each lies in, and
    where a single one is, that file without its ending. Hidden files and folders are passed over without a word, other
    files that are no audio are told.

    Raises
    ------
    TrainingDataError
        If a path does not exist, or a folder cannot be read.
    """
    found: dict[Path, Source] = {}
    skipped: list[Skipped] = []
    given = list(paths)
    is_single = sum(not path.is_dir() for path in given) == 1
    for path in given:
        if path.is_dir():
            drum = path.resolve().name
            for file in _files_below(path):
                if file.suffix.lower() in AUDIO_SUFFIXES:
                    found.setdefault(file.resolve(), Source(file, drum, named=False))
                else:
                    skipped.append(Skipped(file, "no audio file by its ending"))
        elif path.exists():
            drum = path.stem if is_single else path.parent.resolve().name
            found.setdefault(path.resolve(), Source(path, drum, named=True))
        else:
            raise TrainingDataError(f"{path}: no such file or folder")
    return list(found.values()), skipped


def drum_folders(folder: Path) -> list[Path]:
    """Folders right below a folder, sorted; hidden ones are left out.

    Raises
    ------
    TrainingDataError
        If it is no folder, or has none in it.
    """
    if not folder.is_dir():
        raise TrainingDataError(f"{folder}: no such folder")
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise TrainingDataError(f"{folder}: holds no folders; expected one folder of recordings for each drum")
    return found


def _files_below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise TrainingDataError(f"{error.filename}: cannot be read ({error.strerror})") from error

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if not name.startswith("."))
