"""What a synthesiser is to the rest of the system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from remapd.parameters import ParameterTable

#: Longest parameter table a synth may have; vectors of values in the engine have this length.
MAX_SYNTH_PARAMETERS = 32


@dataclass(frozen=True)
class Synth:
    """A table of parameters and a voice.

    The functions are compiled and take the voice's record first. They see values in the table's order and units.

    Parameters
    ----------
    name : str
        Name in presets, models and commands; an identifier.
    table : ParameterTable
        Its parameters.
    state : numpy.dtype
        Record of one voice; an array of zeros is a valid voice before `reset`.
    reset : callable
        ``reset(voice, sample_rate, seed)``: ready to play, silent.
    trigger : callable
        ``trigger(voice, values)``: start a sound with the next frame rendered.
    render : callable
        ``render(voice, out, start, stop)``: add the next frames to ``out[start:stop]``, any number of them.
    is_active : callable
        ``is_active(voice)``: whether anything but silence would be rendered.
    silence : callable
        ``silence(voice)``: stop at once.
    """

    name: str
    table: ParameterTable
    state: np.dtype[Any]
    reset: Callable[..., None]
    trigger: Callable[..., None]
    render: Callable[..., None]
    is_active: Callable[..., bool]
    silence: Callable[..., None]

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"{self.name!r} is no identifier")
        if len(self.table) > MAX_SYNTH_PARAMETERS:
            raise ValueError(f"{self.name}: more than {MAX_SYNTH_PARAMETERS} parameters")
