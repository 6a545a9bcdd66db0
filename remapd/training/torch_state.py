"""Where torch computes, and what is kept for the whole process, left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from remapd.errors import TrainingError
from remapd.training.kernels.memory import release


def chosen_device(name: str) -> str:
    """Device as torch names it, for ``auto``, ``cpu`` or ``cuda``; auto is CUDA where there is any.

    Raises
    ------
    TrainingError
        If CUDA is asked for and there is none.
    """
    has_cuda = torch.cuda.is_available()
    if name == "cuda" and not has_cuda:
        raise TrainingError("--device cuda: torch finds no CUDA device here; leave it out to compute on the CPU")
    return "cuda" if name != "cpu" and has_cuda else "cpu"


@contextmanager
def undisturbed() -> Iterator[None]:
    """Compute on one thread of torch, so that sums do not depend on their number, and set it back afterwards.

    The kernels for the CPU have threads of their own; the memory that they keep from step to step is given back.
    Gradients are on whatever the caller has set.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        release()
