"""Time tags: seconds since 1900 in 64 bits, half of them for the fraction."""

from __future__ import annotations

#: From the epoch of time tags (1900) to that of `time.time` (1970).
_EPOCH_S = 2_208_988_800
_FRACTION = 1 << 32


class TimeTag(int):
    """Moment as it is in a packet: 32 bits of seconds since 1900 and 32 bits of their fraction."""

    @classmethod
    def at(cls, time_s: float) -> TimeTag:
        """Time tag of a moment of `time.time`, in s."""
        return cls(min(max(0, round((time_s + _EPOCH_S) * _FRACTION)), (1 << 64) - 1))

    @property
    def time_s(self) -> float:
        """The moment in s, as `time.time` has it."""
        return int(self) / _FRACTION - _EPOCH_S


#: The time tag that asks for no delay.
IMMEDIATELY = TimeTag(1)
