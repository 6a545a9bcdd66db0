"""The scaling of onset features that a model is trained with and keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remapd.features.descriptors import BASIC_FEATURES, FEATURES
from remapd.mapping.scaling import Scaling

# A feature that does not vary needs a range all the same.
_LEAST_RANGE = 1e-3


def fitted_scaling(
    onset_features: NDArray[np.float64], reference: int | None, names: tuple[str, ...] = BASIC_FEATURES
) -> Scaling:
    """Scaling by the least and greatest of each feature, centred on the hit at `reference` unless that is None.

    Parameters
    ----------
    onset_features : array of float, shape (hits, 7)
        All that are measured.
    names : tuple of str
        Those that the network is to hear.
    """
    heard = onset_features[:, [FEATURES.index(name) for name in names]]
    minimum = heard.min(axis=0)
    maximum = np.maximum(heard.max(axis=0), minimum + _LEAST_RANGE)
    centre = np.zeros(len(names)) if reference is None else (heard[reference] - minimum) / (maximum - minimum)
    return Scaling(minimum, maximum, centre, names)
