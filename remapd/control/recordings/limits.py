"""How much may be recorded and stored."""

from __future__ import annotations

from dataclasses import dataclass

from remapd.parameters import Parameter, ParameterTable

RECORDING_LIMITS = ParameterTable(
    "recordings",
    [
        Parameter("quota_mb", "MB", 1, 10_000_000, 20_000, "Room for all recordings together.", "whole"),
        Parameter("longest_s", "s", 1, 86_400, 3600, "A recording ends by itself after this time.", "whole"),
        Parameter("upload_mb", "MB", 1, 100_000, 512, "Largest file that may be uploaded.", "whole"),
        Parameter("most", "", 1, 100_000, 2000, "Number of recordings.", "whole"),
    ],
)


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Values of `RECORDING_LIMITS`."""

    quota_mb: float = RECORDING_LIMITS["quota_mb"].default
    longest_s: float = RECORDING_LIMITS["longest_s"].default
    upload_mb: float = RECORDING_LIMITS["upload_mb"].default
    most: int = int(RECORDING_LIMITS["most"].default)

    @property
    def quota_bytes(self) -> int:
        """Room in bytes."""
        return int(self.quota_mb * 1e6)

    @property
    def upload_bytes(self) -> int:
        """Largest upload in bytes."""
        return int(self.upload_mb * 1e6)
