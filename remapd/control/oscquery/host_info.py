"""What OSCQuery calls HOST_INFO: who this is, where it takes OSC, and what of the protocol it has."""

from __future__ import annotations

import ipaddress
from typing import Any

from remapd.control.oscquery.attributes import ATTRIBUTES

_REQUIRED = ("FULL_PATH", "CONTENTS", "TYPE")

#: What clients may rely on.
EXTENSIONS = {
    **{name: has for name, has in ATTRIBUTES.items() if name not in _REQUIRED},
    "HTML": True,
    "LISTEN": True,
    "IGNORE": True,
    "PATH_CHANGED": True,
    "PATH_ADDED": True,
    "PATH_REMOVED": True,
    "PATH_RENAMED": False,
    "OSC_STREAMING": False,
    "ECHO": False,
}


def host_info(name: str, host: str, udp_port: int | None, tcp_port: int | None) -> dict[str, Any]:
    """Describe the server.

    Parameters
    ----------
    name : str
        For people.
    host : str
        Address that OSC is bound to. One that stands for many is left out: the client is right to take the one at
        which it reached HTTP, and so it is with the WebSocket and its port.
    udp_port, tcp_port : int or None
        Where OSC is taken.
    """
    info: dict[str, Any] = {"NAME": name, "EXTENSIONS": EXTENSIONS}
    if udp_port or tcp_port:
        info |= {"OSC_PORT": udp_port or tcp_port, "OSC_TRANSPORT": "UDP" if udp_port else "TCP"}
        if _is_one_address(host):
            info["OSC_IP"] = host
    return info


def _is_one_address(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
