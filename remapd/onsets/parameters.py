"""The parameters of the onset detector."""

from __future__ import annotations

from remapd.parameters import Parameter, ParameterTable

ONSET_PARAMETERS = ParameterTable(
    "onset",
    (
        Parameter("on_threshold_db", "dB", 0.5, 40.0, 3.6, "Strength of a rise that is taken for a hit."),
        Parameter("attack_threshold_db", "dB", 0.2, 30.0, 2.1, "Rise of the attack that is looked at more closely."),
        Parameter("off_threshold_db", "dB", 0.1, 30.0, 1.2, "Rise below which the next attack is waited for."),
        Parameter("sustain_db", "dB", 0.0, 30.0, 2.5, "Rise that a hit still has 1 to 3 ms later; a click has less."),
        Parameter("hold_ms", "ms", 0.0, 200.0, 12.0, "Time after a hit in which no other is taken."),
        Parameter("ring_ms", "ms", 0.0, 200.0, 64.0, "Time after a hit in which its own ring is told from a new hit."),
        Parameter("ring_db", "dB", 0.0, 40.0, 7.0, "Rise of all bands that makes a new hit; falls to 0 in that time."),
        Parameter("mask_decay_db_per_ms", "dB/ms", 0.02, 5.0, 0.3, "How fast the mask of a sound falls.", "log"),
        Parameter(
            "floor_margin_db", "dB", 0.0, 40.0, 2.0, "Level over the noise floor that a top band needs to count."
        ),
        Parameter("restless_limit_db", "dB", 0.1, 200.0, 2.0, "Rises a second that are no hits, before they count."),
        Parameter("restless_weight", "", 0.0, 5.0, 1.5, "How much more strength a hit needs in a restless sound."),
        Parameter("settle_ms", "ms", 0.0, 500.0, 100.0, "Time after the start in which only a strong rise is a hit."),
        Parameter("settle_db", "dB", 0.0, 40.0, 24.5, "Strength of such a rise."),
        Parameter("silence_db", "dB", -120.0, -40.0, -80.0, "Level of a band, in dBFS, below which all is silence."),
        Parameter(
            "reach_db", "dB", 20.0, 120.0, 55.0, "How far under the loudest hits of late silence begins at least."
        ),
    ),
)
