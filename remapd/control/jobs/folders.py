"""What jobs have on the disk: for each a folder with what is known of it, its report and its model.

While a job runs, its recordings and its preset lie there too, so that nothing it needs changes under it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from remapd.control.jobs.job import Job
from remapd.errors import FieldError, RemapdError
from remapd.fields import checked_object
from remapd.files import make_folder, read_capped, replace_file, storage_error
from remapd.mapping.bundle import load_model
from remapd.mapping.container import MAX_FILE_BYTES
from remapd.synth.presets import Preset, save_preset

_log = logging.getLogger("remapd.jobs")

#: What a job makes, in its folder.
MODEL, REPORT = "model.safetensors", "report"

_CARD = "job.json"
_PRESET = "preset.json"
_RECORDINGS = "recordings"
_MAX_CARD_BYTES = 1 << 20
_MAX_FILES = 200


class JobFolders:
    """Folders of jobs, by their names. All of this reads and writes files, so it does not belong in the loop.

    Parameters
    ----------
    folder : Path
        In which they lie; it is made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, job: Job) -> Path:
        """Folder of a job."""
        return self._folder / job.id

    def load(self) -> list[Job]:
        """All jobs that were kept, in the order in which they were asked for; what is damaged is told and left out."""
        jobs = []
        for card in sorted(self._folder.glob(f"*/{_CARD}")):
            try:
                jobs.append(_job(card))
            except RemapdError as error:
                _log.warning("training job %s is left out: %s", card.parent.name, error)
        return sorted(jobs, key=lambda job: job.created_s)

    def save(self, job: Job) -> None:
        """Write down what is known of a job.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        make_folder(self.of(job))
        replace_file(self.of(job) / _CARD, json.dumps(job.document()).encode(), "training job")

    def prepare(self, job: Job, recordings: Mapping[str, Path], preset: Preset | None) -> None:
        """Lay out what the job needs.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        self.save(job)
        inputs = make_folder(self.of(job) / _RECORDINGS)
        for name, path in recordings.items():
            _link(path, inputs / f"{name}{path.suffix}")
        if preset is not None:
            save_preset(preset, self.of(job) / _PRESET)

    def arguments(self, job: Job) -> list[str]:
        """Files of a prepared job as options of ``remapd train`` that runs in its folder."""
        files = {path.stem: path.name for path in (self.of(job) / _RECORDINGS).iterdir()}
        given = [f"{_RECORDINGS}/{files[name]}" for name in job.request.recordings]
        if (self.of(job) / _PRESET).exists():
            given.append(f"--preset=./{_PRESET}")
        return [*given, f"--output={MODEL}", f"--report={REPORT}"]

    def model(self, job: Job) -> bytes:
        """Model that the job has made.

        Raises
        ------
        ModelError
            If there is none.
        """
        return read_capped(self.of(job) / MODEL, MAX_FILE_BYTES, "model")

    def tidy(self, job: Job) -> None:
        """Remove everything but what is known of a job and, if it is done, its report and its model.

        A job fails also when the library cannot store its model; one that is whole can then be fetched here.
        """
        kept = {_CARD, MODEL, REPORT} if job.state == "done" else {_CARD}
        if job.state == "failed" and self._has_model(job):
            kept.add(MODEL)
        with contextlib.suppress(OSError):
            for path in self.of(job).iterdir():
                if path.name not in kept:
                    _remove(path)

    def _has_model(self, job: Job) -> bool:
        with contextlib.suppress(RemapdError):
            load_model(self.of(job) / MODEL)
            return True
        return False

    def delete(self, job: Job) -> None:
        """Remove everything.

        Raises
        ------
        StorageError
            If it cannot be removed.
        """
        try:
            if self.of(job).exists():
                shutil.rmtree(self.of(job))
        except OSError as error:
            raise storage_error(error, f"training job {job.id} cannot be deleted") from None

    def files(self, job: Job) -> dict[str, Path]:
        """What a job has made, by name: its model, and the report's files as ``report/index.html``."""
        folder = self.of(job)
        paths = [folder / MODEL, *sorted((folder / REPORT).rglob("*"))]
        found = {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
        return dict(list(found.items())[:_MAX_FILES])


def _job(card: Path) -> Job:
    try:
        job = Job.from_document(checked_object(json.loads(read_capped(card, _MAX_CARD_BYTES, "training job")), "job"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FieldError("job", "what was written of a training job", str(error)) from None
    if job.id != card.parent.name:
        raise FieldError("job.id", card.parent.name, job.id)
    return job


def _link(path: Path, target: Path) -> None:
    """Have a file at another place too, without its bytes if the system can; then it may be deleted at the first."""
    try:
        with contextlib.suppress(FileExistsError):
            os.link(path, target)
        return
    except OSError:
        pass
    try:
        target.symlink_to(path.resolve())
    except OSError as error:
        raise storage_error(error, f"recording {path.name!r} cannot be linked") from None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
