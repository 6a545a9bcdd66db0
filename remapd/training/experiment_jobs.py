"""One job of an experiment, wherever it runs.

Every row of the table is judged alike, by the measure of the publication: the differences of the long-term features
over the whole sound of the hits that were held out, which are the same for every recipe of a drum and seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remapd import __version__
from remapd.errors import RemapdError, TrainingError
from remapd.training.experiment_plan import BareRecipe, Job
from remapd.training.experiment_store import JobResult
from remapd.training.recipes import DirectRecipe, Recipe

if TYPE_CHECKING:
    from remapd.mapping.bundle import Model
    from remapd.training.dataset import HitSet
    from remapd.training.objective import Objective
    from remapd.training.result import Differences
    from remapd.training.splits import Split

# Torch is imported where it is used: the process that hands out the jobs needs none.


@dataclass(frozen=True, eq=False)
class Outcome:
    """Result of a job and, if it is to be kept, its model as the bytes of a file."""

    result: JobResult
    model: bytes | None = None


def run_job(hits: HitSet, job: Job, fingerprint: dict[str, str], keep_model: bool) -> Outcome:
    """Do a job on one thread, for several run side by side; a failure is a result too.

    The number of threads is set for the whole process and stays.

    Raises
    ------
    TrainingError
        If another version of remapd is at work here than where the job comes from.
    """
    if fingerprint["version"] != __version__:
        raise TrainingError(f"jobs are of remapd {fingerprint['version']}, but this worker has {__version__}")
    try:
        _use_one_thread()
        return _done(hits, job, fingerprint, keep_model)
    except Exception as error:  # Others of a thousand jobs may work.
        return Outcome(JobResult(job.cell, fingerprint, error=_words(error)))


def _use_one_thread() -> None:
    import torch

    from remapd.training.kernels.threads import use_threads

    use_threads(1)
    torch.set_num_threads(1)


def _done(hits: HitSet, job: Job, fingerprint: dict[str, str], keep_model: bool) -> Outcome:
    import torch

    from remapd.mapping.bundle import model_bytes
    from remapd.training.objective import Objective
    from remapd.training.splits import even_split

    measure = Objective(hits, job.preset, uses_horizons=False, device=torch.device("cpu"))
    split = even_split(measure.loudness_db.numpy(), job.seed, reference=measure.reference)
    differences, model = _reached(hits, job, measure, split)
    if not np.isfinite(differences.reached).all():
        raise TrainingError("what was reached is not finite: training has diverged")
    result = JobResult(job.cell, fingerprint, "", len(hits), _names(hits, split.test), differences)
    return Outcome(result, model_bytes(model) if keep_model and model is not None else None)


def _reached(hits: HitSet, job: Job, measure: Objective, split: Split) -> tuple[Differences, Model | None]:
    """Differences of the test hits, and the model if there is one."""
    method, preset = job.method, job.preset
    if isinstance(method, BareRecipe):
        return _measured(measure, np.zeros((len(hits), len(preset.table))), split), None
    if isinstance(method, DirectRecipe):
        return _direct(hits, job, method, split), None
    model = _trained(hits, job, method, split)
    from remapd.training.evaluate import modulations

    return _measured(measure, modulations(model, hits), split), model


def _measured(measure: Objective, modulation: NDArray[np.float64], split: Split) -> Differences:
    import torch

    return measure.differences(torch.from_numpy(modulation[split.test]), torch.from_numpy(split.test))


def _direct(hits: HitSet, job: Job, method: DirectRecipe, split: Split) -> Differences:
    from remapd.training.direct import optimise_directly

    return optimise_directly(hits, job.preset, method, indices=split.test)


def _trained(hits: HitSet, job: Job, method: Recipe, split: Split) -> Model:
    from remapd.fields import name_from
    from remapd.training.trainer import train

    name = name_from(f"{job.drum} {job.preset.name} {method.name} {job.seed}", "model")
    return train(hits, job.preset, method, seed=job.seed, split=split, name=name).model


def _names(hits: HitSet, indices: NDArray[Any]) -> tuple[str, ...]:
    origins = (hits.origins[index] for index in indices)
    return tuple(f"{origin.path.name} {origin.onset_s:.4f} s" for origin in origins)


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())[:1000]
    return text if isinstance(error, RemapdError) else f"{type(error).__name__}: {text}"
