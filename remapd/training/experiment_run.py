"""Running an experiment: every job whose result is not there yet, each result written as soon as it comes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from remapd.errors import RemapdError, TrainingDataError
from remapd.training.dataset import HitSet, load_hits
from remapd.training.experiment_jobs import Outcome, run_job
from remapd.training.experiment_plan import Batch, Job, Plan
from remapd.training.experiment_pools import Pool
from remapd.training.experiment_store import JobResult, Store
from remapd.training.fingerprints import data_digest
from remapd.training.material import check_material
from remapd.training.recipes import Recipe

# Of jobs that cannot even begin, for want of hits.
_UNREADABLE = "unreadable"


@dataclass
class Tally:
    """How far an experiment is.

    Parameters
    ----------
    total : int
        Jobs in all.
    present, failed_before : int
        Jobs whose result, or whose failure, was there already.
    computed, failed : int
        Jobs that were done now, and those of them without a result.
    """

    total: int
    present: int = 0
    failed_before: int = 0
    computed: int = 0
    failed: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Jobs that need no more work."""
        return self.present + self.failed_before + self.computed

    @property
    def left_s(self) -> float | None:
        """Time left, if the jobs to come take as long as those done now; None before the first."""
        if not self.computed:
            return None
        return (time.monotonic() - self._began) / self.computed * (self.total - self.done)


@dataclass(frozen=True)
class Settings:
    """How to run an experiment: whether to try again what failed before, and whether to keep the models."""

    retry_failed: bool = False
    keep_models: bool = False


class Experiment:
    """One run.

    Parameters
    ----------
    plan : Plan
    store : Store
        Where results are, and go.
    settings : Settings
    tell : callable
        Called with lines for people: what is damaged, foreign or cannot be read.
    progress : callable
        Called with the tally, and what was done last or is being done.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        settings: Settings,
        tell: Callable[[str], object],
        progress: Callable[[Tally, str], object],
    ) -> None:
        self._plan, self._store, self._settings = plan, store, settings
        self._tell, self._progress = tell, progress
        self._pending: dict[Future[Outcome], Job] = {}
        self.tally = Tally(len(plan))

    def run(self, pool: Pool) -> Tally:
        """Do what is left to do; what is done stays if this is broken off.

        Raises
        ------
        TrainingError
            If jobs cannot be run at all.
        ModelError
            If a result cannot be written.
        """
        for batch in self._plan.batches():
            self._begin(batch, pool)
        while self._pending:
            self._take(pool)
        return self.tally

    def _begin(self, batch: Batch, pool: Pool) -> None:
        self._progress(self.tally, f"reading {batch.folder.name}")
        hits, digest, error = _material(batch, self._plan.channel)
        if error:
            self._tell(error)
        for job in self._left(batch, digest):
            fingerprint = job.fingerprint(digest)
            if hits is None:
                self._note(Outcome(JobResult(job.cell, fingerprint, error=error)))
                continue
            # One more for each worker lies ready, so that none has to wait while a drum is read.
            while len(self._pending) >= 2 * pool.size:
                self._take(pool)
            self._pending[pool.submit(run_job, hits, job, fingerprint, self._settings.keep_models)] = job

    def _left(self, batch: Batch, digest: str) -> list[Job]:
        """Jobs that are to be done."""
        changed: Counter[str] = Counter()
        left = [job for job in batch.jobs if not self._is_done(job, digest, changed)]
        for names, count in changed.items():
            self._tell(f"{batch.folder.name}: {count} results were made with another {names}; done again")
        return left

    def _is_done(self, job: Job, digest: str, changed: Counter[str]) -> bool:
        try:
            result = self._store.read(job.cell)
        except TrainingDataError as error:
            self._tell(f"{error}; done again")
            return False
        if result is None:
            return False
        wanted = job.fingerprint(digest)
        others = [name for name, value in wanted.items() if result.fingerprint.get(name) != value]
        if others:
            changed[" and ".join(others)] += 1
            return False
        return self._is_settled(job, result)

    def _is_settled(self, job: Job, result: JobResult) -> bool:
        if result.error:
            self.tally.failed_before += not self._settings.retry_failed
            return not self._settings.retry_failed
        makes_model = self._settings.keep_models and isinstance(job.method, Recipe)
        if makes_model and not self._store.model_path(job.cell).is_file():
            return False
        self.tally.present += 1
        return True

    def _take(self, pool: Pool) -> None:
        """Wait for results and write them."""
        finished, _ = wait(self._pending, return_when=FIRST_COMPLETED)
        for future in finished:
            del self._pending[future]
            outcome = _outcome(future, pool)
            if outcome.result.error:
                self._tell(f"{_words(outcome.result)} has failed: {outcome.result.error}")
            self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        result = outcome.result
        if outcome.model is not None:
            self._store.write_model(result.cell, outcome.model)
        self._store.write(result)
        self.tally.computed += 1
        self.tally.failed += bool(result.error)
        self._progress(self.tally, _words(result))


def _words(result: JobResult) -> str:
    return " ".join(map(str, result.cell))


def _outcome(future: Future[Outcome], pool: Pool) -> Outcome:
    try:
        return future.result()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # Cancelled ones are no `Exception`.
        raise pool.lost(error) from None


def _material(batch: Batch, channel: int) -> tuple[HitSet | None, str, str]:
    """Hits of a drum, their digest, and why there are none if so."""
    digest = _UNREADABLE
    try:
        hits = load_hits([batch.folder], spec=batch.spec, channel=channel)
        digest = data_digest(hits)
        check_material(hits)
    except RemapdError as error:
        return None, digest, str(error)
    return hits, digest, ""
