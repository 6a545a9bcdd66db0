"""Which features a model hears, and how it wants them scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.errors import FieldError
from remapd.features import scaler
from remapd.features.descriptors import BASIC_FEATURES, FEATURES, N_FEATURES

_FIELDS = ("minimum", "maximum", "reference")

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Range of each feature that a network hears, which becomes 0..1, and the scaled features of the reference hit.

    Parameters
    ----------
    minimum, maximum : array of float, shape (names,)
        In the features' units.
    reference : array of float, shape (names,)
        0..1; subtracted from the scaled features. Zeros where the network's input is not centred.
    names : sequence of str
        The network's inputs: some of `FEATURES`, in that order.

    Raises
    ------
    FieldError
        If a name is unknown or out of order, a number is not finite, a range is empty or the reference lies outside
        0..1.
    """

    minimum: Vector
    maximum: Vector
    reference: Vector
    names: tuple[str, ...] = BASIC_FEATURES

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", _checked_names(self.names))
        for field in _FIELDS:
            array = _checked_vector(f"scaler.{field}", getattr(self, field), len(self.names))
            object.__setattr__(self, field, array)
        self.write(np.zeros(1, scaler.STATE)[0])

    @property
    def places(self) -> list[int]:
        """Place of each of its features in `FEATURES`."""
        return [FEATURES.index(name) for name in self.names]

    def write(self, record: Any) -> None:
        """Write this scaling into a record of `scaler.STATE`, which forgets what was played.

        Features that the network does not hear get the range of their table, for those who look at them.
        """
        vectors = FEATURES.minimum.copy(), FEATURES.maximum.copy(), np.zeros(N_FEATURES)
        for vector, own in zip(vectors, (self.minimum, self.maximum, self.reference), strict=True):
            vector[self.places] = own
        scaler.prepare(record, *vectors)

    def centred(self, features: ArrayLike) -> Vector:
        """Input of the network (names,) for all features (7,) in their units, computed by the engine's own code."""
        state, scaled, centred = np.zeros(1, scaler.STATE)[0], np.zeros(N_FEATURES), np.zeros(N_FEATURES)
        self.write(state)
        given = _checked_vector("features", features, N_FEATURES)
        scaler.scale(state, given, 0, np.ones(N_FEATURES), np.zeros(N_FEATURES), scaled, centred)
        return centred[self.places]


def _checked_names(names: object) -> tuple[str, ...]:
    given = list(names) if isinstance(names, list | tuple) else []
    if not given or given != [name for name in FEATURES.names if name in given]:
        raise FieldError("features.names", f"some of {', '.join(FEATURES.names)}, in this order", names)
    return tuple(given)


def _checked_vector(field: str, vector: ArrayLike, length: int) -> Vector:
    array = np.array(vector, dtype=np.float64)
    if array.shape != (length,):
        raise FieldError(field, f"{length} numbers", f"shape {array.shape}")
    array.setflags(write=False)
    return array
