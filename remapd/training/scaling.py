"""The scaling of onset features that a model is trained with and keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remapd.features.descriptors import N_FEATURES
from remapd.mapping.scaling import Scaling

# A feature that does not vary needs a range all the same.
_LEAST_RANGE = 1e-3


def fitted_scaling(onset_features: NDArray[np.float64], reference: int | None) -> Scaling:
    """Scaling by the least and greatest of each feature, centred on the hit at `reference` unless that is None.

    Parameters
    ----------
    onset_features : array of float, shape (hits, 3)
    """
    minimum = onset_features.min(axis=0)
    maximum = np.maximum(onset_features.max(axis=0), minimum + _LEAST_RANGE)
    centre = np.zeros(N_FEATURES) if reference is None else (onset_features[reference] - minimum) / (maximum - minimum)
    return Scaling(minimum, maximum, centre)
