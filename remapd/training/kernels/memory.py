"""Large arrays whose memory is used again.

A new array of several MB is taken from the operating system page by page as it is written, which costs as much as a
kernel that fills it. What a training step allocates is the same each time, so what it leaves behind serves the next.
It is kept until `release` is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_spare: dict[tuple[int, ...], list[NDArray[np.float64]]] = {}


class _Loan:
    """Memory lent to an array; it is spare again when neither the array nor a view or tensor of it is left."""

    def __init__(self, memory: NDArray[np.float64], spare: list[NDArray[np.float64]]) -> None:
        self._memory, self._spare = memory, spare

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._memory.__array_interface__

    def __del__(self) -> None:
        self._spare.append(self._memory)


def empty(*shape: int) -> NDArray[np.float64]:
    """Array of arbitrary numbers, in memory that an array of this shape no longer needs if there is any."""
    spare = _spare.setdefault(shape, [])
    try:
        memory = spare.pop()
    except IndexError:
        memory = np.empty(shape)
    return np.asarray(_Loan(memory, spare))


def release() -> None:
    """Give back all that is spare; what is still in use is given back once nothing holds it."""
    for spare in list(_spare.values()):
        spare.clear()
    _spare.clear()
