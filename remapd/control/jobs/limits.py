"""How many jobs there may be, and for how long one may go on."""

from __future__ import annotations

from dataclasses import dataclass

from remapd.parameters import Parameter, ParameterTable

JOB_LIMITS = ParameterTable(
    "jobs",
    [
        Parameter("queue", "", 1, 100, 8, "Training jobs that may wait for their turn.", "whole"),
        Parameter("kept", "", 1, 1000, 50, "Jobs that are remembered; the oldest that are over go first.", "whole"),
        Parameter("longest_s", "s", 60, 604800, 21600, "A job that takes longer is ended.", "whole"),
    ],
)


@dataclass(frozen=True, slots=True)
class JobLimits:
    """Values of `JOB_LIMITS`."""

    queue: int = int(JOB_LIMITS["queue"].default)
    kept: int = int(JOB_LIMITS["kept"].default)
    longest_s: float = JOB_LIMITS["longest_s"].default
