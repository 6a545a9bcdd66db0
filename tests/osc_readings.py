"""What three libraries read in a packet: time tag, address, types and arguments of each message."""

from __future__ import annotations

from typing import Any

from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage

from remapd.osc.lines import tagged_messages
from remapd.osc.wire import BUNDLE

Reading = list[tuple[int, str, str, tuple[Any, ...]]]


def ours(data: bytes) -> Reading:
    """As our own decoder reads it."""
    return [
        (int(t.time_tag or 1), t.message.address, t.types[1:], tuple(t.message.arguments))
        for t in tagged_messages(data)
    ]


def python_osc(data: bytes) -> list[tuple[str, tuple[Any, ...]]]:
    """Addresses and arguments as python-osc reads them."""
    messages = list(OscBundle(data)) if data.startswith(BUNDLE) else [OscMessage(data)]
    return [(message.address, tuple(message.params)) for message in messages]
