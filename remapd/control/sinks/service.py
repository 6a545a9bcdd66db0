"""The sinks of the daemon: what clients make of them, what the engine is told, and how they fare."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from remapd.control.bulletin import Bulletin
from remapd.control.changer import Check, nothing_against
from remapd.control.controller import Controller
from remapd.control.events import EventHub
from remapd.control.host import EngineHost
from remapd.control.hub import Subscription
from remapd.control.sinks.names import Names, UnknownHostError
from remapd.control.sinks.plan_keeper import PlanKeeper
from remapd.control.sinks.profiled import all_with_profiles, with_profile
from remapd.control.sinks.sink_list import Entry, SinkList
from remapd.control.sinks.states import NO_ENGINE, NOT_TOLD, SinkState, SinkStates
from remapd.errors import ConflictError, FieldError, Told
from remapd.sinks.document import OscSink, Sink

_log = logging.getLogger("remapd.sinks")

#: What the engine gets to say that it has a new sink, before a test of it is refused.
READY_S = 3.0
_READY_POLL_S = 0.02
#: News: ``sink`` tells how one fares, ``sinks`` that there are others or that they are set otherwise.
ONE, ALL = "sink", "sinks"


class Sinks:
    """Everything about sinks in the control process; used in the loop's thread alone.

    Parameters
    ----------
    controller : Controller
        Sessions get a section ``sinks``; presets choose programs.
    bulletin : Bulletin
        Takes news.
    host : EngineHost
        Sends orders to the engine, and tells what it reports.
    events : EventHub
        Hits wait there for what sinks say of them.
    plan : Path
        File from which the engine takes its sinks.
    names : Names, optional
        Looks up hosts.

    Attributes
    ----------
    list : SinkList
        The sinks.
    states : SinkStates
        How they fare.
    outputs : list of str
        Names of the MIDI ports of others that a sink may name, as far as a MIDI sink has looked.
    on_change : list of callables
        Called when the sinks have changed.
    on_notice : list of callables
        Each takes lines for people, when a sink opens or cannot.
    """

    def __init__(
        self,
        controller: Controller,
        bulletin: Bulletin,
        host: EngineHost,
        events: EventHub,
        plan: Path,
        names: Names | None = None,
    ) -> None:
        self._controller, self._bulletin, self._host, self._events = controller, bulletin, host, events
        self._names = names or Names()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._presets: Subscription | None = None
        self.outputs: list[str] = []
        self.on_change: list[Callable[[], None]] = []
        self.on_notice: list[Callable[[str], None]] = []
        self.list = SinkList(self._sinks_changed)
        self.states = SinkStates(self._tell_state)
        self._keeper = PlanKeeper(plan, host, self._wanted, self._names, self._tell_unknown, self._tell_trouble)
        controller.sections["sinks"] = self.list

    async def start(self) -> None:
        """Have the engine send."""
        self._loop = asyncio.get_running_loop()
        self._host.on_report.append(self._on_report)
        wants_presets = self._controller.hub.subscribe(lambda changes: self._keeper.touch(), wants=_is_preset)
        self._presets = wants_presets
        await self._keeper.start()

    async def stop(self) -> None:
        """Change nothing any more; the engine sends on for as long as it plays."""
        if self._presets is not None:
            self._presets.close()
            self._presets = None
        if self._on_report in self._host.on_report:
            self._host.on_report.remove(self._on_report)
        await self._keeper.stop()

    # -- what clients want -------------------------------------------------------------------------------------------

    async def add(self, document: object, check: Check = nothing_against) -> Entry:
        """Append a sink; without ``id`` it gets one.

        Parameters
        ----------
        document : object
            As JSON has it.
        check : callable
            Called when all has been looked up; what it raises ends it with nothing changed.

        Raises
        ------
        RemapdError
            If something does not fit, its host has no address, or there are too many.
        """
        given = await asyncio.to_thread(with_profile, document, "sink", self._synths())
        sink = await asyncio.to_thread(self.list.parse, given)
        await self._check_host(sink, "sink")
        check()
        return self.list.add(sink, renames=given.get("id") is None)

    async def change(self, identity: str, document: object, check: Check = nothing_against) -> Entry:
        """Have another sink in place of one; parameters and errors are those of `add`, and there must be one."""
        self.list.entry(identity)
        given = await asyncio.to_thread(with_profile, document, "sink", self._synths())
        sink = await asyncio.to_thread(self.list.parse, given, "sink", identity)
        await self._check_host(sink, "sink")
        check()
        return self.list.change(sink)

    async def replace(self, document: object, check: Check = nothing_against) -> None:
        """Have these sinks and no others; parameters and errors are those of `add`."""
        given = await asyncio.to_thread(all_with_profiles, document, "sinks", self._synths())
        sinks = await asyncio.to_thread(self.list.parse_all, given)
        await asyncio.gather(*(self._check_host(sink, f"sinks[{at}]") for at, sink in enumerate(sinks)))
        check()
        self.list.replace(sinks)

    def fix(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Have sinks of options, which hold beside all others; before the loop runs. Raises as `add` does."""
        self.list.fix(all_with_profiles(documents, "sinks", self._synths()))

    async def test(self, identity: str) -> None:
        """Send a hit of medium loudness through one sink alone; one that was just made gets a moment to be ready.

        Raises
        ------
        NotFoundError
            If there is no sink of that name.
        ConflictError
            If it is not enabled or waits for something.
        DeviceError
            If no engine plays.
        """
        self.list.entry(identity)
        deadline_s = time.monotonic() + READY_S
        while self.states[identity].fault == NOT_TOLD and time.monotonic() < deadline_s:
            await asyncio.sleep(_READY_POLL_S)
        sink, state = self.list.entry(identity).sink, self.states[identity]
        # Nobody knows whether a UDP port is listened to until something is sent there.
        may_try = isinstance(sink, OscSink) and sink.transport == "udp" and state.figures
        if state.state == "off" or (state.state == "waiting" and not may_try):
            raise ConflictError("sink", "one that can send", Told(f"{identity}: {state.fault or 'it is not enabled'}"))
        self._host.order({"test_sink": identity})

    def _synths(self) -> dict[int, str]:
        """What each track plays."""
        numbers = range(1, self._controller.tracks + 1)
        return {number: self._controller.sound(number).model.synth for number in numbers}

    async def _check_host(self, sink: Sink, field: str) -> None:
        """Refuse a new host without an address; one that was found before, or is waited for, is known."""
        host = getattr(sink, "host", None)
        if host is None or any(getattr(entry.sink, "host", None) == host for entry in self.list):
            return
        try:
            await self._names.address(host)
        except UnknownHostError as error:
            raise FieldError(f"{field}.host", f"an address, or a name that is known ({error})", host) from None

    # -- what the engine is told -------------------------------------------------------------------------------------

    def _wanted(self) -> list[dict[str, Any]]:
        """Documents of all sinks that shall send."""
        return [self._with_program(entry.sink) for entry in self.list if entry.sink.enabled]

    def _with_program(self, sink: Sink) -> dict[str, Any]:
        """The sink with the program that belongs to the preset of its first track."""
        document = sink.document()
        programs = document.get("programs") or {}
        track = sink.tracks[0] if sink.tracks else 1
        preset = self._controller.values().get(f"/track/{track}/preset") if programs else None
        return {**document, "program": programs[preset]} if preset in programs else document

    def _sinks_changed(self) -> None:
        self.states.keep({entry.sink.id: entry.sink.enabled for entry in self.list})
        if self._host.engine_pid is None:
            self.states.wait_all(NO_ENGINE)
        self._events.settles = any(entry.sink.enabled for entry in self.list)
        self._keeper.touch()
        self._bulletin.post(ALL, {"ids": [entry.sink.id for entry in self.list]})
        for call in self.on_change:
            call()

    # -- how they fare -----------------------------------------------------------------------------------------------

    def _on_report(self, report: dict[str, Any]) -> None:
        """Called in the supervisor's thread; the loop may be at its end."""
        is_ours = not report.keys().isdisjoint(("sink", "midi_out", "ended"))
        if is_ours and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, report)

    def _take(self, report: Mapping[str, Any]) -> None:
        if isinstance(report.get("sink"), Mapping):
            self.states.report(report["sink"])
        elif isinstance(report.get("midi_out"), Mapping):
            self.outputs = [str(name) for name in report["midi_out"].get("outputs", ())]
        elif "ended" in report:
            self.states.wait_all(NO_ENGINE)

    def _tell_state(self, identity: str, former: SinkState, state: SinkState) -> None:
        self._bulletin.post(ONE, {"id": identity, "status": state.document()})
        if state.fault and state.fault not in (former.fault, NO_ENGINE, NOT_TOLD):
            self._tell("warning", f"sink {self._described(identity)}: {state.fault}")
        elif state.state == "open" and former.state != "open":
            self._tell("info", f"sink {self._described(identity)}: open")

    def _tell_unknown(self, faults: Mapping[str, str]) -> None:
        for identity, fault in faults.items():
            self.states.wait(identity, fault)

    def _tell_trouble(self, fault: str) -> None:
        if fault:
            self._tell("warning", f"sinks stay as they were: {fault}")

    def _tell(self, level: str, text: str) -> None:
        _log.log(logging.WARNING if level == "warning" else logging.INFO, "%s", text)
        self._bulletin.post("notice", {"level": level, "text": text})
        for call in self.on_notice:
            call(text)

    def _described(self, identity: str) -> str:
        """A sink in a few words."""
        entry = self.list.entry(identity)
        return f"{identity} ({entry.kind.upper()} to {entry.place})"


def _is_preset(path: str) -> bool:
    return path.startswith("/track/") and path.endswith("/preset")
