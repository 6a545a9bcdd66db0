"""Onset features scaled to 0..1, and less the reference hit's.

By default with the minimum and maximum that come with the model, which is what the network was trained on. The adaptive
mode scales by the least and greatest value played so far instead, and gives 0.5 until two hits have differed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from remapd.dsp.kernel import compiled
from remapd.errors import FieldError
from remapd.features.descriptors import FEATURES, N_FEATURES

_VECTOR = (N_FEATURES,)
STATE = np.dtype(
    [(name, np.float64, _VECTOR) for name in ("minimum", "maximum", "reference", "seen_min", "seen_max")], align=True
)


def prepare(state: Any, minimum: ArrayLike, maximum: ArrayLike, reference: ArrayLike = (0.0,) * N_FEATURES) -> None:
    """Set a model's scaling, and forget what was played.

    Parameters
    ----------
    state : record of STATE
        Changed in place.
    minimum, maximum : array of float, shape (7,)
        Range of each feature, in the features' units.
    reference : array of float, shape (7,)
        Scaled features of the reference hit, 0..1; zeros where the model's input is not centred.

    Raises
    ------
    FieldError
        If a number is not finite, a range is empty or the reference lies outside 0..1.
    """
    vectors = {"minimum": minimum, "maximum": maximum, "reference": reference}
    arrays = {name: _checked(name, vector) for name, vector in vectors.items()}
    for name, low, high, centre in zip(FEATURES.names, *arrays.values(), strict=True):
        if not low < high:
            raise FieldError(f"scaler.maximum.{name}", f"more than the minimum, {low:g}", float(high))
        if not 0.0 <= centre <= 1.0:
            raise FieldError(f"scaler.reference.{name}", "a number from 0 to 1", float(centre))
    for name, array in arrays.items():
        state[name] = array
    forget(state)


def _checked(name: str, vector: ArrayLike) -> Any:
    array = np.asarray(vector, dtype=np.float64)
    if array.shape != _VECTOR or not np.isfinite(array).all():
        raise FieldError(f"scaler.{name}", f"{N_FEATURES} finite numbers", vector)
    return array


@compiled
def forget(state: Any) -> None:
    """Forget what was played, so that the adaptive mode begins anew."""
    for i in range(N_FEATURES):
        state.seen_min[i] = np.inf
        state.seen_max[i] = -np.inf


@compiled
def scale(state: Any, features: Any, adaptive: int, factor: Any, offset: Any, scaled: Any, centred: Any) -> None:
    """Scale ``features[:7]`` to ``scaled[:7]`` in 0..1 and to ``centred[:7]``, which is less the reference.

    Each is multiplied by ``factor[i]``, moved by ``offset[i]`` and clipped again. Only the adaptive mode learns.
    """
    if adaptive:
        _learn(state, features)
    for i in range(N_FEATURES):
        if adaptive:
            place = _place(features[i], state.seen_min[i], state.seen_max[i])
        else:
            place = _place(features[i], state.minimum[i], state.maximum[i])
        scaled[i] = _clipped(place * factor[i] + offset[i])
        centred[i] = scaled[i] - state.reference[i]


@compiled
def _learn(state: Any, features: Any) -> None:
    for i in range(N_FEATURES):
        state.seen_min[i] = min(state.seen_min[i], features[i])
        state.seen_max[i] = max(state.seen_max[i], features[i])


@compiled
def _place(value: float, low: float, high: float) -> float:
    return _clipped((value - low) / (high - low)) if high > low else 0.5


@compiled
def _clipped(x: float) -> float:
    return min(1.0, max(0.0, x))
