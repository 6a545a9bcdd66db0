"""How each sink fares, from what the engine reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

State = Literal["open", "waiting", "failed", "off"]
_STATES = get_args(State)

#: What is said while no engine runs that could send anything.
NO_ENGINE = "no engine plays"
#: What is said of a new sink until the engine tells.
NOT_TOLD = "the engine has not told of it yet"
#: What a sink that counts nothing has counted.
COUNTS = ("sent", "dropped", "coalesced")


@dataclass(frozen=True, slots=True)
class SinkState:
    """How a sink fares.

    Parameters
    ----------
    state : {"open", "waiting", "failed", "off"}
        Waiting is for a name, a peer, a port or an engine that may come; off is a sink that is not enabled.
    fault : str
        Why it is not open; empty if it is.
    figures : dict
        What it has counted since the engine began, and how late its messages were.
    """

    state: State = "waiting"
    fault: str = NOT_TOLD
    figures: Mapping[str, Any] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """A number that only grows as long as an engine runs."""
        number = self.figures.get(name, 0)
        return number if isinstance(number, int) else 0

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        counts = {name: self.count(name) for name in COUNTS}
        return {"state": self.state, "fault": self.fault, **counts, **self.figures}


_UNKNOWN = SinkState()

#: Takes the name of a sink, how it fared, and how it fares now.
Told = Callable[[str, SinkState, SinkState], None]


class SinkStates:
    """States by the name of the sink.

    Parameters
    ----------
    told : callable
        Called with each state that is another than before.
    """

    def __init__(self, told: Told) -> None:
        self._told = told
        self._states: dict[str, SinkState] = {}

    def __getitem__(self, identity: str) -> SinkState:
        return self._states.get(identity, _UNKNOWN)

    def keep(self, enabled: Mapping[str, bool]) -> None:
        """Know these sinks and no others; one that is not enabled is off, one that was is waited for."""
        self._states = {name: state for name, state in self._states.items() if name in enabled}
        for name, is_on in enabled.items():
            if not is_on:
                self._become(name, SinkState("off", ""))
            elif name not in self._states or self[name].state == "off":
                self._become(name, SinkState())

    def wait(self, identity: str, fault: str) -> None:
        """A sink cannot send for now, and why."""
        if identity in self._states and self[identity].state != "off":
            self._become(identity, SinkState("waiting", fault, self[identity].figures))

    def wait_all(self, fault: str) -> None:
        """No sink can send for now, and why."""
        for identity in list(self._states):
            self.wait(identity, fault)

    def report(self, report: Mapping[str, Any]) -> None:
        """Take what the engine says of one sink; of one that is not known any more it is nobody's news."""
        identity, state = str(report.get("id")), report.get("state", "")
        if identity not in self._states or self[identity].state == "off" or state not in _STATES:
            return
        figures = {name: value for name, value in report.items() if name not in ("id", "state", "fault")}
        self._become(identity, SinkState(state, str(report.get("fault") or ""), figures))

    def _become(self, identity: str, state: SinkState) -> None:
        former, self._states[identity] = self._states.get(identity, _UNKNOWN), state
        if former != state:
            self._told(identity, former, state)
