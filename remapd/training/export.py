"""What a model needs beside its network: the scaling of its features, and where it comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remapd import __version__
from remapd.features.descriptors import N_FEATURES
from remapd.mapping.scaling import Scaling
from remapd.training.dataset import HitSet
from remapd.training.recipes import Recipe

# A feature that does not vary needs a range all the same.
_LEAST_RANGE = 1e-3
# Of names of recordings, in characters.
_LONGEST_LIST = 200


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


def provenance(hits: HitSet, recipe: Recipe, seed: int) -> dict[str, str]:
    """What a model was made from, and how."""
    names = sorted({origin.path.name for origin in hits.origins})
    listed = ", ".join(names)
    return {
        "method": f"remapd train, {__version__}",
        "recipe": recipe.name,
        "seed": str(seed),
        "hits": str(len(hits)),
        "recordings": listed if len(listed) <= _LONGEST_LIST else f"{len(names)} files, {names[0]} to {names[-1]}",
    }
