"""MIDI ports to send to, through rtmidi: what there is, what is open, and what has gone.

rtmidi holds Python's lock, and this process has one thread, while it opens a port (25 to 60 ms on JACK), so that a port
is opened only when there is something new. To read the names of all ports takes 20 us.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from remapd.audio.jack_watch import JackWatch
from remapd.audio.midi_interface import MidiUnavailableError, first_working, one_line, plain_names
from remapd.sinks.midi.jack_ring import JackRing

#: Name under which other programs see us; each further port is a client of its own with a number behind it.
CLIENT_NAME = "remapd-midi-out"
#: Of the port at our end of a connection.
_PORT_NAME = "out"
#: Cycles of a JACK server after which a new connection is there and what was sent is gone, and the longest wait.
_CYCLES, _LONGEST_S, _POLL_S = 4, 0.1, 0.001
#: Ports that are open at once.
MAX_PORTS = 32


class PortError(Exception):
    """A port that cannot be opened; its text says why."""


class Output(Protocol):
    """What we use of `rtmidi.MidiOut`."""

    def get_ports(self) -> list[str]: ...  # noqa: D102
    def open_port(self, port: int = 0, name: str | None = None) -> Any: ...  # noqa: D102
    def open_virtual_port(self, name: str | None = None) -> Any: ...  # noqa: D102
    def send_message(self, message: bytes) -> None: ...  # noqa: D102
    def close_port(self) -> None: ...  # noqa: D102
    def delete(self) -> None: ...  # noqa: D102


class OutPort:
    """A port that is open.

    Attributes
    ----------
    name : str
        Its own name.
    failures : int
        Messages that the interface did not take.
    """

    def __init__(
        self, output: Output, name: str, listed: str = "", identity: int = 0, ring: JackRing | None = None
    ) -> None:
        self.output, self.name, self._ring = output, name, ring
        #: What the interface calls it, numbers and all, and what JACK knows it by; nothing for one of our own.
        self.listed, self.identity = listed, identity
        self.failures = 0

    @property
    def loses_messages(self) -> bool:
        """Whether what was taken may be lost all the same, as JACK's may."""
        return self._ring is not None

    def send(self, messages: Sequence[bytes]) -> int:
        """Hand messages over in their order; returns how many the interface took."""
        if self._ring is not None and not self._ring.take(messages, time.monotonic()):
            self.failures += len(messages)
            return 0
        for place, message in enumerate(messages):
            try:
                self.output.send_message(message)
            except Exception:  # rtmidi's own, which differ from version to version.
                self.failures += 1
                return place
        return len(messages)


class OutPorts:
    """The outputs of one interface.

    Parameters
    ----------
    rtmidi : module
        `rtmidi`, or what has its names.
    wake : callable
        Called, in another thread, when ports have changed or the interface has ended; only JACK tells.

    Attributes
    ----------
    interface : str
        Name of the interface (``ALSA``, ``JACK``, ...).
    names : list of str
        Names of all ports of others at the last look.

    Raises
    ------
    MidiUnavailableError
        If no interface works at the moment.
    """

    def __init__(self, rtmidi: Any, wake: Callable[[], None]) -> None:
        self._rtmidi, self._wake = rtmidi, wake
        self._watch: JackWatch | None = None
        self._open: list[OutPort] = []
        #: Shows what there is while none is open, and is opened next: on JACK each costs time in every cycle.
        self._spare: Output | None
        self._api, self._spare = first_working(rtmidi, self._first)
        self.interface: str = rtmidi.get_api_display_name(self._api)
        self.names: list[str] = []
        self._listed: list[str] = []

    @property
    def has_ended(self) -> bool:
        """Whether the interface is gone; then nothing of it may be used any more, and not even closed."""
        return self._watch is not None and self._watch.ended.is_set()

    def look(self) -> bool:
        """Read what there is; whether anything is different now."""
        before = self._listed
        self._listed = self._lister().get_ports()
        self.names = plain_names(self._listed)
        return self._listed != before

    def take_vanished(self) -> list[OutPort]:
        """Close the ports that were open and are no longer what they were, and return them."""
        gone = self._watch.taken_away() if self._watch is not None else set()
        vanished = [port for port in self._open if port.listed and self._has_vanished(port, gone)]
        for port in vanished:
            self.close(port)
        return vanished

    def _has_vanished(self, port: OutPort, gone: set[int]) -> bool:
        """With other numbers, or another identity, it is another port of the same name."""
        return port.listed not in self._listed or (port.identity != 0 and port.identity in gone)

    def open(self, name: str) -> OutPort:
        """Open a port of another program or device, by one of `names`.

        Raises
        ------
        PortError
            If it cannot be.
        """
        index = self.names.index(name)
        listed = self._listed[index]
        identity = self._watch.identity(listed) if self._watch is not None else 0
        before = self._peers(identity)
        output = self._made(lambda made: made.open_port(index, _PORT_NAME))
        self.drain()
        # rtmidi does not say that JACK refused, as it does while the other program is still starting.
        if identity and not self._peers(identity) - before:
            _delete(output)
            raise PortError("JACK does not connect it yet")
        return self._kept(OutPort(output, name, listed, identity, self._ring()))

    def _peers(self, identity: int) -> set[str]:
        return self._watch.peers(identity) if self._watch is not None else set()

    def open_virtual(self, name: str) -> OutPort:
        """Open a port of our own.

        Raises
        ------
        PortError
            If it cannot be; not every interface has such ports.
        """
        output = self._made(lambda made: made.open_virtual_port(name))
        return self._kept(OutPort(output, name, ring=self._ring()))

    def close(self, port: OutPort) -> None:
        """Close a port, once all that was sent is on its way (rtmidi waits for JACK at most a second)."""
        self._open.remove(port)
        self.drain()
        if not self._open and self._spare is None:  # First the next one, so that there always is one.
            with contextlib.suppress(Exception):
                self._spare = _output(self._rtmidi, self._api)
        _delete(port.output)

    def drain(self) -> None:
        """Wait for a few cycles of a JACK server.

        It has surely taken what was sent then; rtmidi closes in the very cycle that takes it. And what is sent before
        a new connection has come into its graph is lost.
        """
        if self._watch is None:
            return
        deadline, cycle, changes = time.monotonic() + _LONGEST_S, self._watch.cycle(), 0
        while changes < _CYCLES and time.monotonic() < deadline and not self.has_ended:
            time.sleep(_POLL_S)
            before, cycle = cycle, self._watch.cycle()
            changes += cycle != before

    def close_all(self) -> None:
        """Close everything."""
        self.drain()
        for port in self._open:
            _delete(port.output)
        if self._spare is not None:
            self._spare.delete()
        if self._watch is not None:
            self._watch.close()
        self._open, self._spare, self._watch = [], None, None

    def _first(self, api: int) -> Output:
        """The first output, and for JACK somebody who watches the server."""
        if api == self._rtmidi.API_UNIX_JACK:
            # It also asks whether there is a server: rtmidi loses memory each time there is none.
            self._watch = JackWatch(f"{CLIENT_NAME}-watch", self._wake)
            if self._watch.found_none:
                raise MidiUnavailableError("no server is running")
        return _output(self._rtmidi, api)

    def _lister(self) -> Output:
        if self._spare is None and not self._open:
            self._spare = _output(self._rtmidi, self._api)
        return self._spare or self._open[0].output

    def _made(self, open_it: Callable[[Output], object]) -> Output:
        """An output that is open."""
        if len(self._open) >= MAX_PORTS:
            raise PortError(f"{MAX_PORTS} ports are open already")
        output, self._spare = self._spare, None
        try:
            output = output or _output(self._rtmidi, self._api)
            open_it(output)
        except Exception as error:  # rtmidi's own, which differ from version to version.
            self._put_back(output)
            raise PortError(one_line(error)) from None
        return output

    def _put_back(self, output: Output | None) -> None:
        """Keep an output that could not be opened if it is the only one."""
        if self._open and output is not None:
            output.delete()
        else:
            self._spare = output

    def _ring(self) -> JackRing | None:
        return JackRing(self._watch.cycle) if self._watch is not None and self._watch.cycle() else None

    def _kept(self, port: OutPort) -> OutPort:
        self._open.append(port)
        return port


def _delete(output: Output) -> None:
    with contextlib.suppress(Exception):
        output.close_port()
    output.delete()


def _output(rtmidi: Any, api: int) -> Output:
    made: Output = rtmidi.MidiOut(api, name=CLIENT_NAME)
    return made
