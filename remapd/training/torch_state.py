"""What torch keeps for the whole process, left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def undisturbed() -> Iterator[None]:
    """Compute on one thread of torch, so that sums do not depend on their number, and set it back afterwards.

    The kernels for the CPU have threads of their own. Gradients are on whatever the caller has set.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
