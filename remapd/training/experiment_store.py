"""Results of an experiment's jobs: a small JSON file for each, in a folder that is gone on with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.errors import FieldError, RemapdError, TrainingDataError, TrainingError
from remapd.fields import checked_object, name_from, parsed_json
from remapd.files import read_capped, replace_file
from remapd.training.experiment_plan import Cell
from remapd.training.long_term import LONG_TERM
from remapd.training.result import Differences

FORMAT = "remapd-experiment-job-1"
_KIND = "result"
_FIELDS = ("format", "drum", "preset", "recipe", "seed", "fingerprint", "error", "hits", "test", "differences")
_PARTS = ("wanted", "reached", "counted")
#: A thousand test hits need half of it.
_MAX_BYTES = 1 << 20
_LONGEST_TEXT = 4096
_MOST_SEEDS = 2.0**32


@dataclass(frozen=True, eq=False)
class JobResult:
    """What came out of a job.

    Parameters
    ----------
    cell : Cell
        Which job.
    fingerprint : mapping of str to str
        What the result depends on, see `Job.fingerprint`.
    error : str
        Why there is no result; empty if there is one.
    hits : int
        Hits of the drum.
    test : tuple of str
        Those that were held out: file and time.
    differences : Differences
        Of these.
    """

    cell: Cell
    fingerprint: Mapping[str, str]
    error: str = ""
    hits: int = 0
    test: tuple[str, ...] = ()
    differences: Differences = field(default_factory=lambda: _nothing())

    def document(self) -> dict[str, Any]:
        """Content of its file."""
        return {
            "format": FORMAT,
            **self.cell._asdict(),
            "fingerprint": dict(self.fingerprint),
            "error": self.error,
            "hits": self.hits,
            "test": list(self.test),
            "differences": {name: getattr(self.differences, name).tolist() for name in _PARTS},
        }


def result_from_document(document: object) -> JobResult:
    """Result of a file's content.

    Raises
    ------
    FieldError
        If a field is missing, unknown or does not fit; `field` names it.
    """
    fields = checked_object(document, _KIND, _FIELDS)
    if fields["format"] != FORMAT:
        raise FieldError("format", FORMAT, fields["format"])
    drum, preset, recipe = (_text(fields[name], name) for name in ("drum", "preset", "recipe"))
    fingerprint = checked_object(fields["fingerprint"], "fingerprint")
    test = fields["test"]
    if not isinstance(test, list):
        raise FieldError("test", "a list of hits", test)
    return JobResult(
        cell=Cell(drum, preset, recipe, _whole(fields["seed"], "seed")),
        fingerprint={name: _text(value, f"fingerprint.{name}") for name, value in fingerprint.items()},
        error=_text(fields["error"], "error"),
        hits=_whole(fields["hits"], "hits"),
        test=tuple(_text(hit, "test") for hit in test),
        differences=_differences(checked_object(fields["differences"], "differences", _PARTS), len(test)),
    )


class Store:
    """Folder of results.

    Parameters
    ----------
    folder : Path
        Results are in ``jobs``, models in ``models``, tables right in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._jobs, self._models = folder / "jobs", folder / "models"

    def prepare(self) -> None:
        """Make the folders.

        Raises
        ------
        TrainingError
            If they cannot be made or written to.
        """
        try:
            self._jobs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{self._jobs}: cannot be made ({error.strerror})") from None
        if not os.access(self._jobs, os.W_OK):
            raise TrainingError(f"{self._jobs}: the folder is write-protected")

    def path(self, cell: Cell) -> Path:
        """File of a job's result."""
        return self._jobs / f"{_stem(cell)}.json"

    def model_path(self, cell: Cell) -> Path:
        """File of a job's model."""
        return self._models / f"{_stem(cell)}.safetensors"

    def read(self, cell: Cell) -> JobResult | None:
        """Result of a job, if there is one.

        Raises
        ------
        TrainingDataError
            If the file is damaged or something else; the text says how.
        """
        path = self.path(cell)
        if not path.exists():
            return None
        result = _read(path)
        if result.cell != cell:
            raise TrainingDataError(f"{path}: the result of another job")
        return result

    def write(self, result: JobResult) -> None:
        """Write a result, whole or not at all; equal results give equal bytes.

        Raises
        ------
        ModelError
            If it cannot be written.
        """
        text = json.dumps(result.document(), allow_nan=False, separators=(",", ":")) + "\n"
        replace_file(self.path(result.cell), text.encode(), _KIND)

    def write_model(self, cell: Cell, content: bytes) -> None:
        """Write a model, whole or not at all.

        Raises
        ------
        TrainingError, ModelError
            If it cannot be written.
        """
        try:
            self._models.mkdir(exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{self._models}: cannot be made ({error.strerror})") from None
        replace_file(self.model_path(cell), content, "model")

    def write_text(self, name: str, text: str) -> Path:
        """Write one of the tables, whole or not at all.

        Raises
        ------
        ModelError
            If it cannot be written.
        """
        path = self.folder / name
        replace_file(path, text.encode(errors="replace"), "table")
        return path

    def all(self, tell: Callable[[str], object]) -> list[JobResult]:
        """All results, in the order of their jobs; what is none is passed over and told.

        Raises
        ------
        TrainingDataError
            If there is no folder of results.
        """
        if not self._jobs.is_dir():
            raise TrainingDataError(f"{self.folder}: holds no results of an experiment (there is no folder jobs in it)")
        results = []
        for path in sorted(self._jobs.glob("*.json")):
            try:
                results.append(_read(path))
            except TrainingDataError as error:
                tell(f"{error}; passed over")
        return sorted(results, key=lambda result: result.cell)


def _read(path: Path) -> JobResult:
    try:
        return result_from_document(parsed_json(read_capped(path, _MAX_BYTES, _KIND)))
    except (RemapdError, ValueError) as error:
        raise TrainingDataError(f"{path}: damaged or no result ({error})") from None


def _stem(cell: Cell) -> str:
    """Name that can be read; the hash tells apart what looks the same in it."""
    digest = hashlib.sha256(json.dumps(cell).encode()).hexdigest()[:8]
    return "-".join([*(name_from(str(part), "x").replace(" ", "_")[:40] for part in cell), digest])


def _nothing() -> Differences:
    shape = (0, len(LONG_TERM))
    return Differences(np.zeros(shape), np.zeros(shape), np.zeros(shape, np.bool_))


def _differences(fields: Mapping[str, object], hits: int) -> Differences:
    wanted, reached = (_array(fields[name], f"differences.{name}", hits, np.float64) for name in ("wanted", "reached"))
    return Differences(wanted, reached, _array(fields["counted"], "differences.counted", hits, np.bool_))


def _array(value: object, field: str, hits: int, kind: type[Any]) -> NDArray[Any]:
    expected = f"{hits} lists of {len(LONG_TERM)} {'truth values' if kind is np.bool_ else 'finite numbers'}"
    try:
        array = np.array(value)
    except ValueError:
        raise FieldError(field, expected, value) from None
    if hits == 0 and array.size == 0:
        return np.zeros((0, len(LONG_TERM)), kind)
    if array.dtype != kind or array.shape != (hits, len(LONG_TERM)) or not np.isfinite(array).all():
        raise FieldError(field, expected, value)
    return array


def _text(value: object, field: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise FieldError(field, f"a text of at most {_LONGEST_TEXT} characters", value)
    return value


def _whole(value: object, field: str) -> int:
    if not isinstance(value, float) or not 0.0 <= value <= _MOST_SEEDS or value != int(value):
        raise FieldError(field, "a whole number from 0", value)
    return int(value)
