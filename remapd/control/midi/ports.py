"""MIDI ports that are open: our own, and those of other programs and devices that are wanted and there.

Nothing tells that a device was unplugged, so the names of what there is are read again and again; a port that comes
back is opened anew. Used in the reader's process alone, as rtmidi can take its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from remapd.audio.midi_interface import first_working, is_own, one_line, plain_names

#: Name under which other programs see us.
CLIENT_NAME = "remapd-midi"
#: Stands for every port.
ALL = "*"
#: Ports that are open at once.
MAX_PORTS = 32
QUEUE_MESSAGES = 1024


class Input(Protocol):
    """What we use of `rtmidi.MidiIn`."""

    def get_ports(self) -> list[str]: ...  # noqa: D102
    def open_port(self, port: int = 0, name: str | None = None) -> Any: ...  # noqa: D102
    def open_virtual_port(self, name: str | None = None) -> Any: ...  # noqa: D102
    def get_message(self) -> tuple[list[int], float] | None: ...  # noqa: D102
    def delete(self) -> None: ...  # noqa: D102


def is_wanted(name: str, wanted: Sequence[str]) -> bool:
    """Whether a port's name has one of the wanted parts, in any case; all but our own if that is ``*``."""
    folded = name.casefold()
    return any(not is_own(name) if part == ALL else part.casefold() in folded for part in wanted if part)


class Ports:
    """The ports of one interface.

    Parameters
    ----------
    rtmidi : module
        `rtmidi`, or what has its names.
    virtual_port : str
        Name of our own port; empty for none.
    wanted : sequence of str
        Parts of the names of ports to open, in any case; ``*`` is every one.

    Attributes
    ----------
    interface : str
        Name of the interface (``ALSA``, ``JACK``, ...).
    virtual : str
        Name of our own port, empty if the interface has no such ports.
    available : list of str
        Names of all ports that there are.
    faults : dict
        Why a wanted port is not open, by its name.

    Raises
    ------
    MidiUnavailableError
        If no interface works at the moment.
    """

    def __init__(self, rtmidi: Any, virtual_port: str, wanted: Sequence[str]) -> None:
        self._rtmidi, self._wanted = rtmidi, tuple(wanted)
        self._api, self._scout = first_working(rtmidi, lambda api: _made(rtmidi, api, CLIENT_NAME))
        self._open: dict[str, Input] = {}
        #: Of the ports of others: what the interface calls them.
        self._full_names: dict[str, str] = {}
        self.interface: str = rtmidi.get_api_display_name(self._api)
        self.virtual = ""
        self.available: list[str] = []
        self.faults: dict[str, str] = {}
        if virtual_port:
            self._open_virtual(virtual_port)

    @property
    def open(self) -> list[str]:
        """Names of the ports that are listened to."""
        return list(self._open)

    def scan(self) -> bool:
        """Open what has come and close what has gone; whether anything is different now."""
        listed = self._scout.get_ports()
        names = plain_names(listed)
        before = (self.available, self.open, dict(self.faults))
        self.available = names
        present = {name: index for index, name in enumerate(names) if is_wanted(name, self._wanted)}
        for name, full in list(self._full_names.items()):  # With other numbers it is another connection.
            if name not in present or listed[present[name]] != full:
                del self._full_names[name]
                self._open.pop(name).delete()
        self.faults = {}
        for name, index in present.items():
            if name not in self._open and self._open_port(name, index):
                self._full_names[name] = listed[index]
        return before != (self.available, self.open, self.faults)

    def drain(self, limit: int) -> dict[str, list[bytes]]:
        """Messages that have come, at most `limit` from each port, by its name."""
        found: dict[str, list[bytes]] = {}
        for name, port in self._open.items():
            messages = _drained(port, limit)
            if messages:
                found[name] = messages
        return found

    def close(self) -> None:
        """Close everything."""
        for port in {id(port): port for port in [*self._open.values(), self._scout]}.values():
            port.delete()
        self._open.clear()

    def _open_virtual(self, name: str) -> None:
        """The scout takes it: each input is a client of its own, which costs a JACK server time in every cycle."""
        try:
            self._scout.open_virtual_port(name)
        except Exception:  # rtmidi's own; Windows has no such ports.
            return
        self.virtual = name
        self._open[name] = self._scout

    def _open_port(self, name: str, index: int) -> bool:
        if len(self._open) >= MAX_PORTS:
            self.faults[name] = f"{MAX_PORTS} ports are open already"
            return False
        port = _made(self._rtmidi, self._api, f"{CLIENT_NAME}-in")
        try:
            port.open_port(index, name)
        except Exception as error:  # rtmidi's own, which differ from version to version.
            port.delete()
            self.faults[name] = one_line(error)
            return False
        self._open[name] = port
        return True


def _made(rtmidi: Any, api: int, name: str) -> Input:
    made: Input = rtmidi.MidiIn(api, name=name, queue_size_limit=QUEUE_MESSAGES)
    return made


def _drained(port: Input, limit: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < limit and (found := port.get_message()) is not None:
        messages.append(bytes(found[0]))
    return messages
