"""What training compares: seven long-term features of a sound that begins with its onset.

The sound is cut into frames. The means over the first two are the transient features (T), those over the others the
sustain features (S) (Shier et al., "Real-time Timbre Remapping with Differentiable DSP", NIME 2024).
"""

from __future__ import annotations

from remapd.parameters import Parameter, ParameterTable

#: Rate of every sound in training.
TRAINING_RATE_HZ = 44100
#: Length and distance of the frames, and their number; sustain frames follow the transient ones.
FRAME = 2048
HOP = 512
FRAMES = 66
TRANSIENT_FRAMES = 2
#: The samples that the frames cover: no later one enters a feature.
SOUND_FRAMES = FRAME + (FRAMES - 1) * HOP
#: The temporal centroid is that of the first 125 ms.
TEMPORAL_CENTROID_FRAMES = 5512

#: What is measured, in the order of every vector of long-term features; sounds within full scale lie in the ranges.
LONG_TERM = ParameterTable(
    "long-term feature",
    [
        Parameter("loudness_t_db", "dB", -81.0, 6.0, -81.0, "Loudness of the transient, K-weighted (ITU-R BS.1770)."),
        Parameter("loudness_s_db", "dB", -81.0, 6.0, -81.0, "Loudness of the sustain, K-weighted (ITU-R BS.1770)."),
        Parameter("centroid_t", "", 0.0, 15.0, 10.0, "Spectral centroid of the transient on Kazazis' scale."),
        Parameter("centroid_s", "", 0.0, 15.0, 10.0, "Spectral centroid of the sustain on Kazazis' scale."),
        Parameter("flatness_t_db", "dB", -160.0, 0.1, 0.0, "Spectral flatness of the transient, 0 dB for silence."),
        Parameter("flatness_s_db", "dB", -160.0, 0.1, 0.0, "Spectral flatness of the sustain, 0 dB for silence."),
        Parameter(
            "temporal_centroid", "", 0.0, 250.0, 0.0, "Centre of the first 125 ms on the scale ``0.03 ms^1.864``."
        ),
    ],
)
