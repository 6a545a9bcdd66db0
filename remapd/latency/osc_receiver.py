"""Hits of an engine as OSC to a socket of this process, which tells when each came in by the system's own clock."""

from __future__ import annotations

import contextlib
import socket
import struct
import types
from typing import Self

from remapd.audio.priority import REALTIME_PRIORITY, request_realtime_priority
from remapd.engine.engine import Engine
from remapd.engine.wake import Wake
from remapd.osc.encoding import encode
from remapd.sinks.wire.packet import Field, Packet, Patch, Source
from remapd.sinks.wire.plan import Destination, Routes
from remapd.sinks.wire.sender import WireSender, wall_clock_offset_ns
from remapd.synth.registry import SYNTHS

#: Linux's, which the socket module does not name; a packet then comes with the time at which the system took it in.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_NUMBER = struct.Struct(">i")
_ROOM_BYTES = 1 << 20
_PACKET_BYTES = 64


class OscReceiver:
    """The native sender of an engine and a receiver on this machine; a context manager.

    Parameters
    ----------
    engine : Engine
        Its callback wakes the sender; to be made before `Engine.userdata_address` is asked for.
    """

    def __init__(self, engine: Engine) -> None:
        self._wake = Wake()
        engine.wake_descriptor = self._wake.write_descriptor
        self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM_BYTES)
        self._receiver.bind(("127.0.0.1", 0))
        self._receiver.setblocking(False)
        with contextlib.suppress(OSError):  # Not on other systems: then packets have no times.
            self._receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(self._receiver.getsockname())
        self._sender = WireSender(engine.shared.record, self._wake, _below_the_audio)

    def __enter__(self) -> Self:
        self._sender.start()
        self._sender.apply([Destination("latency", self._socket, routes=Routes(_packets()))])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._sender.stop()
        self._socket.close()
        self._receiver.close()
        # The engine's callback may still write there; the descriptor ends with the process.

    def received_ns(self) -> dict[int, int]:
        """When the packet of each hit came in, by the hit's number from 1, on the monotonic clock."""
        offset_ns, times = wall_clock_offset_ns(), {}
        with contextlib.suppress(BlockingIOError):
            while True:
                data, extras, _, _ = self._receiver.recvmsg(_PACKET_BYTES, socket.CMSG_SPACE(_TIMESPEC.size))
                (number,) = _NUMBER.unpack(data[-_NUMBER.size :])
                for _, kind, content in extras:
                    if kind == _SO_TIMESTAMPNS:
                        seconds, ns = _TIMESPEC.unpack(content)
                        times[number] = seconds * 1_000_000_000 + ns - offset_ns
        return times


def _below_the_audio() -> None:
    request_realtime_priority(REALTIME_PRIORITY - 1)


def _packets() -> dict[tuple[int, str], tuple[Packet, ...]]:
    """A message with the hit's number, whatever the synth."""
    data = encode("/remapd/1/hit", (0,))
    patch = Patch(len(data) - _NUMBER.size, Field.INT32, Source.HIT)
    return {(0, name): (Packet(data, (patch,)),) for name in SYNTHS}
