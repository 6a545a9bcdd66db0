"""The seven long-term features written down from their published formulas with NumPy and SciPy, one sound at a time.

Conventions where the publication leaves a choice: the windows are periodic; a frame's spectrum is that of the bare
`rfft`; an average over frames is the mean of the frames' values in their final unit; the K-weighting is the two
analogue prototypes behind the coefficients of ITU-R BS.1770-4 through the bilinear transform, which at 48 kHz gives
the table of the recommendation.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import convolve, get_window, lfilter

SAMPLE_RATE = 44100
FRAME, HOP, FRAMES = 2048, 512, 66
TRANSIENT_FRAMES = 2
SOUND_FRAMES = FRAME + (FRAMES - 1) * HOP
TEMPORAL_CENTROID_FRAMES = 5512


def k_weighting(sample_rate):
    """The shelf and the high-pass, each as numerator and denominator."""
    k = np.tan(np.pi * 1681.974450955533 / sample_rate)
    high, q = 10.0 ** (3.999843853973347 / 20.0), 0.7071752369554196
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    b = [(high + band * k / q + k * k), 2.0 * (k * k - high), (high - band * k / q + k * k)]
    shelf = np.array(b) / a0, np.array([a0, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]) / a0
    k, q = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    high_pass = np.array([1.0, -2.0, 1.0]), np.array([a0, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]) / a0
    return shelf, high_pass


def loudness_db(frame):
    for b, a in k_weighting(SAMPLE_RATE):
        frame = lfilter(b, a, frame)
    return -0.691 + 10.0 * np.log10(np.mean(frame**2) + 1e-8)


def centroid(frame):
    magnitude = np.abs(np.fft.rfft(frame * get_window("flattop", FRAME)))
    compressed = np.log1p(np.maximum(magnitude, 1e-4))
    hertz = np.fft.rfftfreq(FRAME, 1.0 / SAMPLE_RATE)
    return -34.61 * (np.sum(hertz * compressed) / np.sum(compressed)) ** -0.1621 + 21.2985


def flatness_db(frame):
    power = np.maximum(np.abs(np.fft.rfft(frame * get_window("hann", FRAME))) ** 2, 1e-10)
    return 20.0 * np.log10(np.exp(np.mean(np.log(power))) / np.mean(power) + 1e-8)


def temporal_centroid(sound):
    power = sound[:TEMPORAL_CENTROID_FRAMES] ** 2
    envelope = convolve(power, get_window("hann", FRAME), "same", "direct")
    centre = np.sum(np.arange(len(envelope)) * envelope) / (np.sum(envelope) + 1e-8)
    return 0.03 * (1000.0 * centre / SAMPLE_RATE) ** 1.864


def long_term(sound, horizon_frames=FRAMES):
    """Features ``(7,)`` of a sound ``(35328,)`` at 44.1 kHz that begins with its onset."""
    frames = [np.asarray(sound, dtype=np.float64)[HOP * i :][:FRAME] for i in range(FRAMES)]
    parts = frames[:TRANSIENT_FRAMES], frames[TRANSIENT_FRAMES:horizon_frames]
    measures = loudness_db, centroid, flatness_db
    means = [np.mean([measure(frame) for frame in part]) for measure in measures for part in parts]
    return np.array([*means, temporal_centroid(np.asarray(sound, dtype=np.float64))])
