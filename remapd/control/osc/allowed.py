"""Who is heard: this machine, and whoever the settings name."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Sequence

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def hearing(allow: Sequence[str]) -> Callable[[str], bool]:
    """Test of addresses: those of this machine's loopback, and those in the networks of `allow`."""
    networks = [ipaddress.ip_network(text, strict=False) for text in allow]

    @functools.lru_cache(maxsize=1024)
    def is_heard(host: str) -> bool:
        address = _plain(host)
        return address.is_loopback or any(address in network for network in networks)

    return is_heard


def _plain(host: str) -> _Address:
    """Address of a socket's peer; one of IPv4 in the form of IPv6 is what it stands for."""
    address = ipaddress.ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
