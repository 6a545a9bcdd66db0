"""Where a block runs its compiled kernel, and how."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remapd.training.kernels.threads import over_rows


def has_kernel(*tensors: Tensor) -> bool:
    """Whether the compiled kernels take these tensors: float64 in the processor's memory."""
    return all(tensor.device.type == "cpu" and tensor.dtype == torch.float64 for tensor in tensors)


def run_rows(kernel: Callable[..., None], rows: int, *arguments: Tensor | int) -> None:
    """Run a kernel over all rows, on several threads; tensors that it writes must be contiguous."""
    over_rows(kernel, rows, *(_plain(argument) for argument in arguments))


def _plain(argument: Tensor | int) -> NDArray[np.float64] | int:
    return argument.detach().contiguous().numpy() if isinstance(argument, Tensor) else argument
