"""Bars made of characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

_LEVEL_CELLS = 40
_LEVEL_RANGE_DB = 60.0
_HALF_CELLS = 10


@dataclass(frozen=True, slots=True)
class Bars:
    """Characters to draw bars with.

    Parameters
    ----------
    full, empty, middle : str
        One character each.
    """

    full: str
    empty: str
    middle: str

    @classmethod
    def for_encoding(cls, encoding: str) -> Self:
        """Blocks where the terminal's encoding has them, plain ASCII elsewhere."""
        blocks = cls("█", "·", "│")
        try:
            f"{blocks.full}{blocks.empty}{blocks.middle}".encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return cls("#", ".", "|")
        return blocks

    def level(self, level_db: float) -> str:
        """Draw a level of -60 to 0 dB, from the left."""
        part = min(1.0, max(0.0, 1.0 + level_db / _LEVEL_RANGE_DB))
        filled = round(part * _LEVEL_CELLS)
        return self.full * filled + self.empty * (_LEVEL_CELLS - filled)

    def modulation(self, amount: float, reach: float = 1.0) -> str:
        """Draw an amount of -reach to reach, from the middle."""
        filled = round(min(1.0, abs(amount) / reach) * _HALF_CELLS)
        side = self.full * filled + self.empty * (_HALF_CELLS - filled)
        blank = self.empty * _HALF_CELLS
        return f"{blank}{self.middle}{side}" if amount >= 0.0 else f"{side[::-1]}{self.middle}{blank}"
