"""The parameters of the onset detector."""

from __future__ import annotations

from remapd.parameters import Parameter, ParameterTable

ONSET_PARAMETERS = ParameterTable(
    "onset",
    (
        Parameter("on_threshold_db", "dB", 1.0, 30.0, 4.5, "Rise over the mask, mean of the bands, that is an onset."),
        Parameter("off_threshold_db", "dB", 0.0, 20.0, 2.0, "Rise below which the detector is armed again."),
        Parameter("hold_ms", "ms", 0.0, 200.0, 6.0, "Time after a hit in which no other is accepted."),
        Parameter("mask_decay_db_per_ms", "dB/ms", 0.02, 5.0, 0.3, "How fast the mask of a sound falls.", "log"),
        Parameter("floor_margin_db", "dB", 0.0, 40.0, 3.0, "Level over the noise floor that a band needs to count."),
        Parameter("sustain_db", "dB", 0.0, 20.0, 3.0, "Rise that must remain after 1.3 to 3.3 ms; a click's does not."),
        Parameter(
            "ring_ms", "ms", 0.0, 100.0, 25.0, "Time after a hit in which slaps of the wires are told from hits."
        ),
        Parameter("ring_body_db", "dB", 0.0, 30.0, 6.0, "Rise below 600 Hz that a hit needs within `ring_ms`."),
        Parameter("silence_db", "dB", -120.0, -40.0, -75.0, "Level of a band, in dBFS, below which all is silence."),
    ),
)
