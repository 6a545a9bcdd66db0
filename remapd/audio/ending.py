"""What follows the last sample of a recording while its hits ring out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

#: Length of a fade, in seconds: over 20 ms a large offset still passes for a stroke, over 50 ms it does not.
FADE_S = 0.1


def fade_from(last: Samples, frames: int) -> Samples:
    """Continue from a frame and sink to silence along half a cosine.

    Silence at once would be a step wherever a recording does not end at zero, and a step sounds like a stroke.

    Parameters
    ----------
    last : ndarray, shape (channels,)
        The last frame; what is no finite number counts as 0.
    frames : int
        Length of the fade.

    Returns
    -------
    ndarray of float32, shape (frames, channels)
    """
    shape = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, frames + 1) / max(1, frames))
    start = np.where(np.isfinite(last), last, 0.0)
    return np.ascontiguousarray(shape[:, np.newaxis] * start, dtype=np.float32)
