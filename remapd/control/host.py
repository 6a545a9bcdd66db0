"""What the control plane needs of whoever keeps the engine process alive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from remapd.audio.backend import StreamSettings
from remapd.engine_process import Playing

ReportReader = Callable[[dict[str, Any]], None]


class EngineHost(Protocol):
    """The supervisor, as front ends see it.

    Attributes
    ----------
    on_report : list of callable
        Each is called, in the supervisor's thread, with what the engine process reports.
    """

    on_report: list[ReportReader]

    @property
    def playing(self) -> Playing | None:
        """What plays; None while no engine does."""

    @property
    def stream(self) -> StreamSettings:
        """The device as it was asked for."""

    @property
    def engine_pid(self) -> int | None:
        """Number of the engine's process, if there is one."""

    @property
    def starts(self) -> int:
        """How many engine processes there have been."""

    def reopen(self, stream: StreamSettings) -> None:
        """Play on another device; on the former one if that cannot be had. Returns at once."""

    def order(self, message: dict[str, Any]) -> None:
        """Send an order to the engine process.

        Raises
        ------
        DeviceError
            If there is none.
        """
