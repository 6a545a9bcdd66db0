"""The two program slots of each track: which one may be filled, and filling it while the engine plays the other."""

from __future__ import annotations

import time
from typing import Any

from remapd.engine import program
from remapd.engine.layout import RUNNING
from remapd.errors import DeviceError
from remapd.mapping.bundle import Model

#: Longest wait for a running engine to take a change of program.
_FLIP_TIMEOUT_S = 2.0
_FLIP_POLL_S = 0.001


class ProgramSlots:
    """Programs of all tracks, as the control side sees them.

    Parameters
    ----------
    record : record
        The shared block.
    """

    def __init__(self, record: Any) -> None:
        self._record = record

    def is_free(self, track: int) -> bool:
        """Whether a slot can be filled without waiting: the engine plays what it was last told, or there is none."""
        if not self._record["words"][RUNNING] or track >= int(self._record["mailbox"]["tracks"]):
            return True
        return bool(self._record["status"]["program"][track] == self._published(track))

    def free(self, track: int, drafted: int) -> int:
        """The slot that the engine neither plays nor was told to play; it must first have taken what it was told.

        Raises
        ------
        DeviceError
            If a running engine does not take it in time.
        """
        if drafted != self._published(track):
            return drafted  # Filled within this change: no engine knows of it yet.
        deadline = time.monotonic() + _FLIP_TIMEOUT_S
        while not self.is_free(track):
            if time.monotonic() > deadline:
                raise DeviceError(f"track {track + 1}: the engine does not answer; the model was not changed")
            time.sleep(_FLIP_POLL_S)
        return 1 - self._published(track)

    def write(self, track: int, slot: int, model: Model) -> None:
        """Fill a slot for the engine's sample rate, again if an engine of another rate starts meanwhile."""
        rate = -1.0
        while rate != float(self._record["status"]["sample_rate"]):
            rate = float(self._record["status"]["sample_rate"])
            program.write(self._record["programs"][track, slot], model, rate)

    def copy(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        """Fill a slot (track, number) with what another holds."""
        self._record["programs"][target] = self._record["programs"][source]

    def _published(self, track: int) -> int:
        return int(self._record["mailbox"]["track"]["program"][track])
