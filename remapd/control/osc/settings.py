"""What the OSC server needs to be told; the section ``osc`` of the config has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class OscSettings(Protocol):
    """Settings as the server sees them."""

    @property
    def enabled(self) -> bool:
        """Whether there are ports at all."""

    @property
    def host(self) -> str:
        """Address to listen on."""

    @property
    def udp(self) -> bool:
        """Whether there is a UDP port."""

    @property
    def udp_port(self) -> int:
        """UDP port; 0 takes any."""

    @property
    def tcp(self) -> bool:
        """Whether there is a TCP port."""

    @property
    def tcp_port(self) -> int:
        """TCP port; 0 takes any."""

    @property
    def allow(self) -> Sequence[str]:
        """Addresses and networks beyond this machine that are heard."""

    @property
    def max_ahead_s(self) -> float:
        """How far ahead a bundle may be planned."""

    @property
    def peers(self) -> int:
        """UDP peers that get feedback at a time."""

    @property
    def connections(self) -> int:
        """TCP connections at a time."""

    @property
    def expire_s(self) -> float:
        """Silence after which feedback over UDP ends."""

    @property
    def idle_s(self) -> float:
        """Silence that ends a TCP connection; 0: none does."""

    @property
    def rate_per_s(self) -> int:
        """Values that a peer may touch in a second."""
