"""Plays hits on the ports of all MIDI sinks: opens what is there, forgets what has gone, and says how it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from remapd.engine.events import HitEvent
from remapd.sinks.common import STALE_NS
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.midi.line import Line, Planner
from remapd.sinks.midi.out_ports import OutPort, OutPorts, PortError
from remapd.sinks.midi.port_names import choose

#: Between two looks at the ports, and before the next try if one is not opened because notes are about to end.
LOOK_S, CALM_S = 0.5, 0.05
#: Longest that opening a port waits for a moment without notes.
PATIENCE_S = 1.0
#: Name of our own port where the sink has none.
OWN_PORT = "remapd"

#: One port that sinks want: whether it is one of our own, and its name.
_Target = tuple[bool, str]


class PortPlayer:
    """All MIDI sinks.

    Parameters
    ----------
    make_planner : callable
        Makes the planner of a port from its sinks.

    Attributes
    ----------
    fault : str
        Why there are no ports at all; empty if there are.
    """

    def __init__(self, make_planner: Callable[[Sequence[MidiSink]], Planner]) -> None:
        self._make_planner = make_planner
        self._ports: OutPorts | None = None
        self._sinks: tuple[MidiSink, ...] = ()
        self._lines: dict[_Target, Line] = {}
        self._faults: dict[str, tuple[str, str]] = {}
        self._sent: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._wanted_since_s: float | None = None
        self._is_settled = False
        self.fault = ""

    @property
    def next_due_s(self) -> float | None:
        """When there is something to send next, by the monotonic clock."""
        return min((due for line in self._lines.values() if (due := line.planner.next_due_s) is not None), default=None)

    def use(self, ports: OutPorts) -> None:
        """Take these ports from now on."""
        self._ports, self._is_settled, self.fault = ports, False, ""

    def lose(self, fault: str) -> None:
        """Forget all ports: the interface is not there, for this reason."""
        self._ports, self._lines, self._faults, self.fault = None, {}, {}, fault

    def set_sinks(self, sinks: Sequence[MidiSink]) -> None:
        """Play these sinks from the next `look` on, and no others."""
        self._sinks, self._is_settled = tuple(sinks), False

    def hit(self, hit: HitEvent, now_ns: int, sink_id: str | None = None) -> int:
        """Play a hit on all ports, or through one sink alone; returns when the last had it, in ns, or 0."""
        is_stale = hit.published_ns > 0 and now_ns - hit.published_ns > STALE_NS
        done = {} if is_stale else {target: line.hit(hit, sink_id) for target, line in self._lines.items()}
        played = {sink.id for target, at_ns in done.items() if at_ns for sink in self._lines[target].sinks}
        for sink in self._sinks:
            if sink.id == sink_id or (sink_id is None and sink.hears(hit.track + 1)):
                (self._sent if sink.id in played else self._dropped)[sink.id] += 1
        return max(done.values(), default=0)

    def send_due(self, now_s: float) -> None:
        """Send what it is time for."""
        for line in self._lines.values():
            line.send_due(now_s)

    def panic(self, now_s: float) -> None:
        """End all notes."""
        for line in self._lines.values():
            line.silence(now_s)

    def look(self, now_s: float) -> float:
        """See what ports have come and gone; returns in how many seconds to look again."""
        if self._ports is None:
            return LOOK_S
        is_new = self._ports.look()
        vanished = self._ports.take_vanished()
        self._lines = {target: line for target, line in self._lines.items() if line.port not in vanished}
        for line in self._lines.values():
            line.mend(now_s)
        if is_new or vanished or not self._is_settled:
            return self._settle(self._ports, now_s)
        return LOOK_S

    def close(self, now_s: float) -> None:
        """End all notes and close everything, once that has gone out.

        It is said twice, as a JACK server on a busy machine may lose a cycle.
        """
        self.panic(now_s)
        if self._ports is not None:
            self._ports.drain()
            self.panic(now_s)
            self._ports.close_all()
        self._ports, self._lines = None, {}

    # -- which port is open for whom -------------------------------------------------------------------------------

    def _settle(self, ports: OutPorts, now_s: float) -> float:
        """Make what is open what is wanted, one port at a time; returns in how many seconds to look again."""
        wanted = self._wanted(ports.names)
        for target in [target for target in self._lines if target not in wanted]:
            self._shut(ports, target, now_s)
        for target, line in self._lines.items():
            if line.sinks != wanted[target]:
                line.change(wanted[target], now_s)
        missing = [target for target in wanted if target not in self._lines]
        self._is_settled = not missing
        if missing and not self._is_calm(now_s):
            return CALM_S
        self._wanted_since_s = None
        return self._open_first(ports, missing, wanted, now_s)

    def _open_first(
        self, ports: OutPorts, missing: Sequence[_Target], wanted: dict[_Target, tuple[MidiSink, ...]], now_s: float
    ) -> float:
        """Open the first of the missing ports that can be opened: hits come before the next."""
        for target in missing:
            try:
                port = _opened(ports, target)
            except PortError as error:
                if ports.look():  # It went away in the meantime.
                    return 0.0
                self._faults |= {sink.id: ("failed", str(error)) for sink in wanted[target]}
                continue
            self._begin(target, port, wanted[target], now_s)
            return 0.0
        return LOOK_S

    def _begin(self, target: _Target, port: OutPort, sinks: tuple[MidiSink, ...], now_s: float) -> None:
        line = self._lines[target] = Line(port, self._make_planner(sinks), sinks)
        line.begin(now_s)

    def _shut(self, ports: OutPorts, target: _Target, now_s: float) -> None:
        line = self._lines.pop(target)
        line.silence(now_s)
        ports.close(line.port)

    def _wanted(self, names: Sequence[str]) -> dict[_Target, tuple[MidiSink, ...]]:
        """The sinks of each port that is there; those whose port is not get a fault."""
        wanted: dict[_Target, tuple[MidiSink, ...]] = {}
        self._faults = {}
        for sink in self._sinks:
            if not sink.enabled:
                continue
            target: _Target = (True, sink.port or OWN_PORT)
            if not sink.virtual:
                choice = choose(sink.port, names)
                if not choice.name:
                    self._faults[sink.id] = ("failed" if choice.is_ambiguous else "waiting", choice.fault)
                    continue
                target = (False, choice.name)
            wanted[target] = (*wanted.get(target, ()), sink)
        return wanted

    def _is_calm(self, now_s: float) -> bool:
        """Whether no note is about to end, or that has been waited for long enough."""
        since_s = self._wanted_since_s = self._wanted_since_s if self._wanted_since_s is not None else now_s
        due_s = self.next_due_s
        return due_s is None or due_s > now_s + CALM_S or now_s - since_s >= PATIENCE_S

    # -- what is told ----------------------------------------------------------------------------------------------

    def outputs(self) -> dict[str, Any]:
        """The interface and the ports of others that there are."""
        ports = self._ports
        found = {"interface": ports.interface, "outputs": ports.names} if ports else {"interface": "", "outputs": []}
        return found | {"fault": self.fault}

    def states(self) -> list[dict[str, str]]:
        """How each sink is: the members that are told at once when they change."""
        lines = {sink.id: line for line in self._lines.values() for sink in line.sinks}
        return [{"id": sink.id, **self._state(sink, lines.get(sink.id))} for sink in self._sinks]

    def _state(self, sink: MidiSink, line: Line | None) -> dict[str, str]:
        if line is not None:
            return {"state": "failed" if line.fault else "open", "fault": line.fault, "port": line.port.name}
        if not sink.enabled:
            return {"state": "off", "fault": "", "port": ""}
        state, fault = self._faults.get(sink.id, ("waiting", self.fault))
        return {"state": state, "fault": fault, "port": ""}

    def counts(self) -> dict[str, dict[str, Any]]:
        """Figures of each sink, by its name: its hits, and the messages of its port."""
        lines = {sink.id: line for line in self._lines.values() for sink in line.sinks}
        return {sink.id: self._counts(sink.id, lines.get(sink.id)) for sink in self._sinks}

    def _counts(self, identity: str, line: Line | None) -> dict[str, Any]:
        hits = {"sent": self._sent[identity], "dropped": self._dropped[identity]}
        if line is None:
            return hits
        return {**line.planner.counts, **hits, "failures": line.port.failures, "late_us": line.lateness.as_dict()}


def _opened(ports: OutPorts, target: _Target) -> OutPort:
    is_own, name = target
    return ports.open_virtual(name) if is_own else ports.open(name)
