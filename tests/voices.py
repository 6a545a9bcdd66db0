"""Voices of synths for tests: hits, in blocks of any size, and values to play."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from remapd.parameters import ParameterTable
from remapd.synth.base import Synth


def make_voice(synth: Synth, sample_rate: float = 48000.0, seed: int = 0) -> Any:
    voice = np.zeros(1, synth.state)[0]
    synth.reset(voice, sample_rate, seed)
    return voice


def rendered(synth: Synth, voice: Any, n: int, blocks: tuple[int, ...] = (4096,)) -> NDArray[np.float64]:
    """The next `n` frames, in blocks of these sizes in turn."""
    out, start, turn = np.zeros(n), 0, 0
    while start < n:
        stop = min(n, start + blocks[turn % len(blocks)])
        synth.render(voice, out, start, stop)
        start, turn = stop, turn + 1
    return out


def hit(synth: Synth, values: Any, sample_rate: float, n: int, seed: int = 0) -> NDArray[np.float64]:
    """A hit out of silence."""
    voice = make_voice(synth, sample_rate, seed)
    synth.trigger(voice, values)
    return rendered(synth, voice, n)


def default_with(table: ParameterTable, **changes: float) -> NDArray[np.float64]:
    """The defaults but for some, whose names have ``__`` in place of the dot."""
    return table.vector(table.mapping(table.default) | {k.replace("__", "."): v for k, v in changes.items()})


def values_of(table: ParameterTable) -> st.SearchStrategy[NDArray[np.float64]]:
    """Any values of a table, the ends of the ranges among them."""
    unit = st.floats(0.0, 1.0) | st.sampled_from([0.0, 1.0])
    return st.lists(unit, min_size=len(table), max_size=len(table)).map(lambda u: table.denormalise(np.array(u)))
