"""MIDI in: what the reader hears goes through the decoder to whoever learns, and else to the mappings."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from remapd.control.bulletin import Bulletin
from remapd.control.controller import Controller
from remapd.control.midi.decoder import Decoder
from remapd.control.midi.desk import Desk, SessionShelf
from remapd.control.midi.learning import Learning
from remapd.control.midi.mapper import Mapper
from remapd.control.midi.mapping_list import MappingList
from remapd.control.midi.messages import Movement
from remapd.control.midi.reader_process import Hear, ReaderProcess

_log = logging.getLogger("remapd.midi")


class Reader(Protocol):
    """Tells of ports and messages (`ReaderProcess`)."""

    async def start(self) -> None:
        """Start reading."""

    async def stop(self) -> None:
        """End it."""


@dataclass
class PortsStatus:
    """What the reader has told of ports.

    Parameters
    ----------
    enabled : bool
        Whether MIDI is listened to at all.
    interface : str
        ``ALSA``, ``JACK``, ...; empty while there is none.
    virtual : str
        Name of our own port; empty if there is none.
    available, open : list of str
        Names of the ports of others that there are, and of all that are listened to.
    wanted : list of str
        Parts of names that are waited for.
    faults : dict of str to str
        Why a port is not open, by its name.
    fault : str
        Why there is no MIDI; empty if there is.
    """

    enabled: bool
    wanted: list[str]
    interface: str = ""
    virtual: str = ""
    available: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    fault: str = ""


class MidiInput:
    """Everything about MIDI that comes in; used in the loop's thread alone.

    Parameters
    ----------
    controller : Controller
        What movements change; sessions get a section ``midi``.
    bulletin : Bulletin
        Takes news: ``midi`` (ports) and ``midi_learn``.
    enabled : bool
        Whether to listen to MIDI; mappings can be edited all the same.
    virtual_port : str
        Name of our own port; empty for none.
    ports : sequence of str
        Parts of the names of ports to listen to, in any case; ``*`` is every one.
    sessions : SessionShelf, optional
        Sessions that a program may load.
    make_reader : callable
        Makes the reader from what takes its lines.

    Attributes
    ----------
    mappings : MappingList
        What moves what.
    learning : Learning
        What is being learnt.
    ports : PortsStatus
        What there is to listen to.
    on_change : list of callables
        Called when the mappings have changed.
    messages, overflows : int
        Messages that came in, and times when a port had more than can be kept.
    """

    def __init__(
        self,
        controller: Controller,
        bulletin: Bulletin,
        enabled: bool = True,
        virtual_port: str = "remapd",
        ports: tuple[str, ...] | list[str] = (),
        sessions: SessionShelf | None = None,
        make_reader: Callable[[Hear], Reader] | None = None,
    ) -> None:
        self._controller, self._bulletin = controller, bulletin
        self.ports = PortsStatus(enabled, list(ports))
        settings = {"virtual_port": virtual_port, "ports": list(ports)}
        self._reader = (make_reader or (lambda hear: ReaderProcess(settings, hear)))(self.hear)
        self._decoder = Decoder()
        self._mapper = Mapper(lambda: controller.tree)
        self._flush: asyncio.TimerHandle | None = None
        self._end_structure: Callable[[], None] = lambda: None
        self.on_change: list[Callable[[], None]] = []
        self.mappings = MappingList(lambda: controller.tree, self._mappings_changed)
        self.learning = Learning(lambda: controller.tree, self.mappings, bulletin)
        self._desk = Desk(controller, self._keeping(sessions), self._refused)
        self.messages = self.overflows = 0
        controller.sections["midi"] = self.mappings

    async def start(self) -> None:
        """Listen."""
        self._end_structure = self._controller.hub.on_structure(lambda added, removed: self._rebind())
        self._rebind()
        if self.ports.enabled:
            await self._reader.start()

    async def stop(self) -> None:
        """Listen no more."""
        self._end_structure()
        self.learning.cancel()
        if self.ports.enabled:
            await self._reader.stop()
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        await self._desk.stop()

    @property
    def counts(self) -> dict[str, int]:
        """Messages, those of no use, changes made and refused, and overflows of a port."""
        return {
            "messages": self.messages,
            "ignored": self._decoder.ignored,
            "changes": self._desk.changes,
            "refused": self._desk.refusals,
            "overflows": self.overflows,
        }

    def is_active(self, identity: str) -> bool:
        """Whether the mapping of this name has a control at the moment that it can change."""
        return any(mapping.id == identity and self._mapper.is_bound(mapping) for mapping in self.mappings)

    def hear(self, line: Mapping[str, Any]) -> None:
        """Take a line of the reader."""
        if "messages" in line:
            self._take(line["port"], line["messages"])
        elif "overflow" in line:
            self.overflows += 1
        elif "interface" in line:
            self._show_ports(line)
        elif "fault" in line:
            self._show_fault(line["fault"])
        elif "ended" in line:
            self._show_end(line["ended"])

    def _take(self, port: str, messages: list[str]) -> None:
        """Messages of one port, as one change."""
        now_s = time.monotonic()
        self.messages += len(messages)
        for message in messages:
            self._move(self._decoder.decode(bytes.fromhex(message), port, now_s), now_s)
        self._release(now_s)

    def _release(self, now_s: float) -> None:
        """Coarse halves that are alone, and what has come together."""
        self._move(self._decoder.flush(now_s), now_s)
        self._desk.flush()
        if self._decoder.due_s is not None and self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(self._decoder.due_s - now_s, self._release_late)

    def _release_late(self) -> None:
        self._flush = None
        self._release(time.monotonic())

    def _move(self, movements: list[Movement], now_s: float) -> None:
        for movement in movements:
            if self.learning.is_waiting:
                self.learning.offer(movement, now_s)
            else:
                self._mapper.act(movement, self._desk)

    def _show_ports(self, line: Mapping[str, Any]) -> None:
        gone = [name for name in self.ports.open if name not in line["open"]]
        for name in gone:
            self._decoder.forget(name)
        new = [name for name in line["open"] if name not in self.ports.open]
        self.ports.interface, self.ports.virtual = line["interface"], line["virtual"]
        self.ports.available, self.ports.open = list(line["available"]), list(line["open"])
        self.ports.faults, self.ports.fault = dict(line["faults"]), ""
        if new:
            _log.info("MIDI: listening to %s (%s)", ", ".join(new), self.ports.interface)
        if gone:
            _log.info("MIDI: %s went away", ", ".join(gone))
        self._post_ports()

    def _show_fault(self, fault: str) -> None:
        if fault != self.ports.fault:
            _log.warning("MIDI: %s", fault)
        self._show_nothing(fault)

    def _show_end(self, status: int) -> None:
        self._show_nothing(self.ports.fault or f"the reader of MIDI ended with status {status}; it is started again")

    def _show_nothing(self, fault: str) -> None:
        is_news = fault != self.ports.fault or bool(self.ports.open)
        for name in self.ports.open:
            self._decoder.forget(name)
        self.ports = PortsStatus(self.ports.enabled, self.ports.wanted, fault=fault)
        if is_news:
            self._post_ports()

    def _post_ports(self) -> None:
        ports = self.ports
        self._bulletin.post("midi", {"interface": ports.interface, "open": ports.open, "fault": ports.fault})

    def _refused(self, text: str) -> None:
        _log.info("MIDI: refused: %s", text)

    def _rebind(self) -> None:
        self._mapper.rebind(self.mappings)

    def _mappings_changed(self) -> None:
        self._rebind()
        for call in self.on_change:
            call()

    def _keeping(self, sessions: SessionShelf | None) -> SessionShelf | None:
        return None if sessions is None else _Keeping(sessions, self.mappings)


class _Keeping:
    """Sessions that, when MIDI loads them, leave it the mappings by which it loads the next."""

    def __init__(self, sessions: SessionShelf, mappings: MappingList) -> None:
        self._sessions, self._mappings = sessions, mappings

    async def names(self) -> list[str]:
        return await self._sessions.names()

    async def load(self, name: str) -> None:
        kept = self._mappings.of_sessions()
        await self._sessions.load(name)
        self._mappings.keep(kept)
