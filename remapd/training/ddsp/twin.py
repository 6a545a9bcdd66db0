"""What a twin is, and the twin of each synth.

A twin renders what the voice of its synth plays from rest, from the same parameters and the same noise, but as a whole
and with gradients. Its envelopes never end; a voice stops where nothing can be heard any more.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import torch
from torch import Tensor

from remapd.errors import FieldError
from remapd.parameters import ParameterTable
from remapd.synth.registry import get_synth
from remapd.training import ddsp
from remapd.training.ddsp.noise import white_noise

__all__ = ["Twin", "get_twin", "unit_to_values", "white_noise"]

#: ``twin(values, frames, sample_rate, noise)`` gives sounds (hits, frames), each from rest, at a sample rate in Hz.
#: Values (hits, parameters) are in the synth table's order and units; noise (frames,) of -1..1 is the same for all
#: hits. All three are float64.
Twin = Callable[[Tensor, int, float, Tensor], Tensor]


def get_twin(synth: str) -> Twin:
    """Twin of a synth.

    Raises
    ------
    FieldError
        If no synth has this name, or it has no twin.
    """
    name = get_synth(synth).name
    if name not in {module.name for module in pkgutil.iter_modules(ddsp.__path__)}:
        raise FieldError("synth", "a synth that can be trained", name)
    twin: Twin = importlib.import_module(f"{ddsp.__name__}.{name}").render
    return twin


def unit_to_values(table: ParameterTable, unit: Tensor) -> Tensor:
    """Parameters of 0..1, scaled linearly to their units; shape (..., parameters)."""
    minimum, maximum = (torch.as_tensor(bound, dtype=unit.dtype, device=unit.device) for bound in _range(table))
    return minimum + unit * (maximum - minimum)


def _range(table: ParameterTable) -> tuple[list[float], list[float]]:
    return table.minimum.tolist(), table.maximum.tolist()
