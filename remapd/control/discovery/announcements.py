"""What is told to a network about the ports of this daemon: names, addresses and services. Nothing here sends."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from zeroconf import ServiceInfo

import remapd

#: Longest label of DNS, in bytes; a name that is taken needs room for a number.
_LABEL_BYTES = 63
_NUMBER_BYTES = len(" (99)")
_MAX_ADDRESSES = 16
_OUTSIDE_HOST_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One port that others may find.

    Parameters
    ----------
    kind : str
        Its type to DNS-SD (``_osc._udp``).
    host : str
        Address that the port is bound to.
    port : int
        Its number.
    text : tuple of (str, str)
        What else is told of it.
    """

    kind: str
    host: str
    port: int
    text: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """An endpoint with the addresses under which a network reaches it."""

    endpoint: Endpoint
    addresses: tuple[str, ...]

    def service(self, name: str, host_name: str) -> ServiceInfo:
        """Records for it under `name`."""
        kind = f"{self.endpoint.kind}.local."
        return ServiceInfo(
            kind, f"{name}.{kind}", port=self.endpoint.port, properties=dict(self.endpoint.text),
            server=f"{host_name}.", parsed_addresses=list(self.addresses),
        )  # fmt: skip


def http_endpoints(host: str, port: int) -> list[Endpoint]:
    """The HTTP port, as the address space of OSC in JSON and as a page with an interface for programs."""
    api = (("path", "/"), ("api", "/api/v1"), ("version", remapd.__version__))
    return [Endpoint("_oscjson._tcp", host, port), Endpoint("_http._tcp", host, port, api)]


def osc_endpoints(host: str, udp_port: int | None, tcp_port: int | None) -> list[Endpoint]:
    """The ports of OSC that there are."""
    text = (("txtvers", "1"), ("version", "1.1"), ("types", "ifsTF"), ("uri", "/remapd"))
    ports = (("_osc._udp", udp_port), ("_osc._tcp", tcp_port))
    return [Endpoint(kind, host, port, text) for kind, port in ports if port]


def announcements(endpoints: Iterable[Endpoint], present: Iterable[str]) -> tuple[Announcement, ...]:
    """What can be told of `endpoints` on a machine that has the addresses `present`; ports on loopback are left out."""
    there = sorted(address for address in set(present) if is_reachable(address))
    found = (Announcement(endpoint, _addresses(endpoint.host, there)) for endpoint in endpoints)
    return tuple(announcement for announcement in found if announcement.addresses)


def is_reachable(address: str) -> bool:
    """Whether other machines can use an address as it is written: loopback is ours alone, fe80:: needs an interface."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    nobodys = parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast
    return not nobodys and not (parsed.version == 6 and parsed.is_link_local)


def _addresses(host: str, there: list[str]) -> tuple[str, ...]:
    """Addresses of this machine at which a socket that is bound to `host` listens."""
    try:
        bound = ipaddress.ip_address(host)
    except ValueError:
        return ()
    if bound.is_unspecified:
        same = [address for address in there if ipaddress.ip_address(address).version == bound.version]
        return tuple(same[:_MAX_ADDRESSES])
    return (host,) if host in there else ()


def instance_name(configured: str, machine: str) -> str:
    """Name under which people find this daemon: theirs, or that of the machine; it leaves room for a number."""
    text = configured or f"remapd on {machine.partition('.')[0] or 'a nameless machine'}"
    # A dot would begin another label.
    printable = "".join(c if c.isprintable() and c != "." else " " for c in text)
    return _cut(" ".join(printable.split()) or "remapd", _LABEL_BYTES - _NUMBER_BYTES)


def numbered(name: str, number: int) -> str:
    """Name for the `number`-th that would have `name`."""
    return name if number == 1 else f"{name} ({number})"


def own_host_name(name: str) -> str:
    """Name of this machine's addresses, without the last dot.

    It is not the machine's own ``.local`` name: that belongs to the system's responder, which would take ours for a
    clash. The last four digits keep machines apart that are copies of each other.
    """
    slug = _OUTSIDE_HOST_NAME.sub("-", name.lower()).strip("-")[:48].strip("-") or "remapd"
    return f"{slug}-{uuid.getnode() & 0xFFFF:04x}.local"


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore").rstrip()
