"""How a model wants its features scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.features import scaler
from remapd.features.descriptors import N_FEATURES

_FIELDS = ("minimum", "maximum", "reference")


@dataclass(frozen=True, eq=False)
class Scaling:
    """Range of each feature, which becomes 0..1, and the scaled features of the reference hit.

    Parameters
    ----------
    minimum, maximum : array of float, shape (features,)
        In the features' units and order.
    reference : array of float, shape (features,)
        0..1; subtracted from the scaled features. Zeros where the network's input is not centred.

    Raises
    ------
    FieldError
        If a number is not finite, a range is empty or the reference lies outside 0..1.
    """

    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    reference: NDArray[np.float64]

    def __post_init__(self) -> None:
        state = np.zeros(1, scaler.STATE)[0]
        self.write(state)
        for field in _FIELDS:
            array = state[field].copy()
            array.setflags(write=False)
            object.__setattr__(self, field, array)

    def write(self, record: Any) -> None:
        """Write this scaling into a record of `scaler.STATE`, which forgets what was played."""
        scaler.prepare(record, self.minimum, self.maximum, self.reference)

    def centred(self, features: ArrayLike) -> NDArray[np.float64]:
        """Input of the network for features (features,) in their units, computed by the engine's own code."""
        state, scaled, centred = np.zeros(1, scaler.STATE)[0], np.zeros(N_FEATURES), np.zeros(N_FEATURES)
        self.write(state)
        given = np.ascontiguousarray(features, dtype=np.float64)
        scaler.scale(state, given, 0, np.ones(N_FEATURES), np.zeros(N_FEATURES), scaled, centred)
        return centred
