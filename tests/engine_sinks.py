"""A real engine process that hears hits without end, and receivers for its sinks."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import soundfile

from remapd.audio.backend import StreamSettings
from remapd.daemon.child import EngineChild
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.shared import SharedBlock
from remapd.engine_process import Spec
from remapd.mapping.library import load_model_named
from remapd.sinks.plan_file import write_plan
from tests.engines import RATE, hits
from tests.live_run import PATIENCE_S

#: Hits in the loop that the engine hears, and how often one comes.
HITS_S = [0.05, 0.15, 0.25, 0.35]
LOOP_S = 0.4
HIT_PERIOD_S = LOOP_S / len(HITS_S)


class EngineWithSinks:
    """An engine process on a virtual device; a context manager that ends it."""

    def __init__(self, folder: Path, *sinks: dict[str, Any]) -> None:
        self.folder, self.plan = folder, folder / "sinks.json"
        sound = folder / "hits.wav"
        soundfile.write(sound, hits(HITS_S, LOOP_S), round(RATE))
        self.block = SharedBlock.create()
        self.control = EngineControl(self.block)
        self.control.set_up([TrackSetup(load_model_named("velocity"))])
        self.reports: list[dict[str, Any]] = []
        self._new = threading.Condition()
        stream = StreamSettings(backend="virtual", input_file=str(sound), loop=True)
        write_plan(self.plan, sinks)
        self.child = EngineChild(Spec(str(self.block.path), stream, sinks=str(self.plan)))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for report in self.child.reports():
            with self._new:
                self.reports.append(report)
                self._new.notify_all()

    def __enter__(self) -> EngineWithSinks:
        self.await_report("playing")
        return self

    def __exit__(self, *exception: object) -> None:
        self.child.stop()
        self._reader.join()
        self.block.close()

    def order(self, **order: Any) -> None:
        self.child.order(order)

    def sinks(self, *sinks: dict[str, Any]) -> int:
        """Have these sinks; returns a place in the reports for `await_sink`."""
        write_plan(self.plan, sinks)
        place = len(self.reports)
        self.order(sinks=str(self.plan))
        return place

    def await_report(self, key: str, since: int = 0, wanted: Any = lambda content: True) -> Any:
        """The content of the first report of a kind that is as wanted."""
        deadline = time.monotonic() + PATIENCE_S
        with self._new:
            while True:
                for report in self.reports[since:]:
                    if key in report and wanted(report[key]):
                        return report[key]
                assert self._new.wait(deadline - time.monotonic()), (key, self.reports[since:][-5:])

    def await_sink(self, name: str, since: int = 0, **wanted: Any) -> Any:
        """The first report of a sink with these members; a number is the least that is wanted."""

        def fits(sink: dict[str, Any]) -> bool:
            given = {key: sink.get(key) for key in wanted}
            if sink["id"] != name:
                return False
            return all(given[k] == w if isinstance(w, str) else given[k] and given[k] >= w for k, w in wanted.items())

        return self.await_report("sink", since, fits)


def osc(name: str, port: int, **members: Any) -> dict[str, Any]:
    """Document of an OSC sink in a plan."""
    document = {"id": name, "kind": "osc", "host": "127.0.0.1", "port": port, **members}
    return {**document, "resolved": ["127.0.0.1", port]}


@contextlib.contextmanager
def udp_receiver(port: int = 0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", port))
        receiver.settimeout(PATIENCE_S)
        yield receiver


def port_of(receiver: socket.socket) -> int:
    return int(receiver.getsockname()[1])


class TcpReceiver:
    """Listens for one connection at a time; a context manager that closes it all."""

    def __init__(self, port: int = 0, room: int | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        if room is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self._listener.settimeout(PATIENCE_S)
        self.port = port_of(self._listener)
        self._connection: socket.socket | None = None
        self._data = b""

    def __enter__(self) -> TcpReceiver:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._listener.close()

    def accept(self) -> None:
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(PATIENCE_S)

    def _fill(self, wanted: int) -> None:
        assert self._connection is not None
        while len(self._data) < wanted:
            new = self._connection.recv(65536)
            assert new, "the sender closed the connection"
            self._data += new

    def packet(self) -> bytes:
        """The next packet with its length before it."""
        self._fill(4)
        (size,) = struct.unpack(">i", self._data[:4])
        self._fill(4 + size)
        packet, self._data = self._data[4 : 4 + size], self._data[4 + size :]
        return packet

    def slip_packet(self) -> bytes:
        """The next packet between two marks."""
        while self._data.count(b"\xc0") < 2:
            self._fill(len(self._data) + 1)
        empty, packet, self._data = self._data.split(b"\xc0", 2)
        assert empty == b""
        return packet.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
