"""Time tags: seconds since 1900 in 64 bits, half of them for the fraction."""

from __future__ import annotations

#: From the epoch of time tags (1900) to that of `time.time` (1970).
_EPOCH_S = 2_208_988_800
_FRACTION = 1 << 32
_END = 1 << 64


class TimeTag(int):
    """Moment as it is in a packet: 32 bits of seconds since 1900 and 32 bits of their fraction.

    In 2036 the seconds begin anew. As nobody means the years before 1968, a tag in the lower half is after that.
    """

    @classmethod
    def at(cls, time_s: float) -> TimeTag:
        """Time tag of a moment of `time.time`, in s."""
        return cls(round((time_s + _EPOCH_S) * _FRACTION) % _END)

    @property
    def time_s(self) -> float:
        """The moment in s, as `time.time` has it; before all times for `IMMEDIATELY`, and for 0, which some send."""
        if self <= IMMEDIATELY:
            return float("-inf")
        count = int(self) if self >= _END // 2 else int(self) + _END
        return count / _FRACTION - _EPOCH_S


#: The time tag that asks for no delay.
IMMEDIATELY = TimeTag(1)
