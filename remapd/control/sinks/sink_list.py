"""The sinks of a daemon: bounded, each with a name of its own, and a part of every session."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from remapd.control.sinks.limits import MAX_BYTES, MAX_SINKS, listed
from remapd.errors import FieldError, NotFoundError, TooLargeError
from remapd.fields import checked_choice, checked_object
from remapd.sinks.document import OscSink, Sink, sink_from

#: Who a sink comes from: clients and sessions, the config, or an option of the command.
Origin = Literal["session", "config", "flag"]
#: What a row of ours says beside the sink; clients may send it back.
ORIGIN, STATUS = "origin", "status"


@dataclass(frozen=True, slots=True)
class Entry:
    """A sink, and where it comes from."""

    sink: Sink
    origin: Origin = "session"

    @property
    def kind(self) -> str:
        """What it sends."""
        return "osc" if isinstance(self.sink, OscSink) else "midi"

    @property
    def place(self) -> str:
        """Where it sends, for people."""
        if isinstance(self.sink, OscSink):
            return f"{self.sink.host}:{self.sink.port}"
        own = "a port of our own" if self.sink.virtual else ""
        port = " ".join(part for part in (own, self.sink.port and repr(self.sink.port)) if part)
        device = f"{self.sink.profile} {self.sink.instrument}".strip()
        return f"{port}, {device}" if device else port

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it, with its origin."""
        return {**self.sink.document(), ORIGIN: self.origin}


class SinkList:
    """Sinks in the order in which they were made; whatever changes them does so as a whole or not at all.

    Parameters
    ----------
    changed : callable
        Called after every change.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._entries: tuple[Entry, ...] = ()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, identity: str) -> Entry:
        """Find one by its name.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        for entry in self._entries:
            if entry.sink.id == identity:
                return entry
        raise NotFoundError("sink", "the name of a sink", identity)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def document(self) -> list[dict[str, Any]]:
        """Give all that belong into a session: those of options come and go with the options."""
        return [entry.document() for entry in self._entries if entry.origin != "flag"]

    def check(self, document: object) -> None:
        """Raise a `FieldError` if something in a session does not fit."""
        parsed_entries(document)

    def restore(self, document: object) -> None:
        """Take all of them from a session; those of options stay, and win over one of the same name.

        Raises
        ------
        FieldError
            If something does not fit; then nothing is changed.
        """
        fixed = [entry for entry in self._entries if entry.origin == "flag"]
        taken = {entry.sink.id for entry in fixed}
        entries = [entry for entry in parsed_entries(document) if entry.sink.id not in taken]
        self._install([*fixed, *entries][:MAX_SINKS])

    def fix(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Have those of options, in place of all others of options.

        Raises
        ------
        FieldError
            If one does not fit; then nothing is changed.
        """
        fixed = [Entry(sink_from(one, f"sinks[{at}]"), "flag") for at, one in enumerate(documents)]
        taken = {entry.sink.id for entry in fixed}
        others = [entry for entry in self._entries if entry.origin != "flag" and entry.sink.id not in taken]
        self._install([*fixed, *others])

    # -- clients -----------------------------------------------------------------------------------------------------

    def parse(self, document: object, field: str = "sink", identity: str | None = None) -> Sink:
        """Check what a client says of a sink.

        Parameters
        ----------
        document : object
            As JSON has it.
        field : str
            Name of the whole, for errors.
        identity : str, optional
            The name that it must have, or else gets; by default its own, or one that is free.

        Raises
        ------
        FieldError
            If something does not fit.
        """
        given = own_members(document, field)
        name = given.get("id")
        if name is None:
            name = identity or self._free_id()
        if identity is not None and name != identity:
            raise FieldError(f"{field}.id", f"{identity!r}, as in the path, or none", name)
        return sink_from({**given, "id": name}, field)

    def parse_all(self, document: object, field: str = "sinks") -> list[Sink]:
        """Check what a client says of all sinks; raises as `parse` does."""
        given = listed(document, field)
        named = zip(given, names_of(given), strict=True)
        return [_named(one, f"{field}[{at}]", name) for at, (one, name) in enumerate(named)]

    def replace(self, sinks: Sequence[Sink]) -> None:
        """Have these; those of a known name stay what they were, of the config or an option.

        Raises
        ------
        FieldError
            If two have one name; then nothing is changed.
        TooLargeError
            If all together are too long.
        """
        origins = {entry.sink.id: entry.origin for entry in self._entries}
        self._take([Entry(sink, origins.get(sink.id, "session")) for sink in sinks])

    def add(self, sink: Sink, renames: bool = False) -> Entry:
        """Append one; `renames` gives it a free name if there is one of its name by now.

        Raises
        ------
        FieldError
            If there is one of its name.
        TooLargeError
            If there are too many.
        """
        if renames and any(entry.sink.id == sink.id for entry in self._entries):
            sink = dataclasses.replace(sink, id=self._free_id())
        entry = Entry(sink)
        self._take([*self._entries, entry], "sink")
        return entry

    def change(self, sink: Sink) -> Entry:
        """Have this one in place of the one of its name.

        Raises
        ------
        NotFoundError
            If there is none.
        TooLargeError
            If all together are too long.
        """
        former = self.entry(sink.id)
        entry = dataclasses.replace(former, sink=sink)
        self._take([entry if one is former else one for one in self._entries])
        return entry

    def remove(self, identity: str) -> None:
        """Take one away; raises a `NotFoundError` if there is none."""
        gone = self.entry(identity)
        self._install([entry for entry in self._entries if entry is not gone])

    def _take(self, entries: Sequence[Entry], field: str = "sinks") -> None:
        """Have these from a client, unless they are more than a session has room for."""
        if len(json.dumps([entry.document() for entry in entries])) > MAX_BYTES:
            raise TooLargeError(f"{field}: there is room for {MAX_BYTES // 1024} KiB")
        self._install(entries, field)

    def _install(self, entries: Sequence[Entry], field: str = "sinks") -> None:
        if len(entries) > MAX_SINKS:
            raise TooLargeError(f"{field}: there is room for {MAX_SINKS} sinks")
        seen: set[str] = set()
        for entry in entries:
            if entry.sink.id in seen:
                raise FieldError(f"{field}.id", "a name that no other sink has", entry.sink.id)
            seen.add(entry.sink.id)
        self._entries = tuple(entries)
        self._changed()

    def _free_id(self) -> str:
        return _free({entry.sink.id for entry in self._entries})


def parsed_entries(document: object, field: str = "sinks") -> list[Entry]:
    """Sinks of a session; what has no origin comes from clients.

    Raises
    ------
    FieldError
        If something does not fit.
    """
    given = listed(document, field)
    named = zip(given, names_of(given), strict=True)
    return [parsed_entry(one, f"{field}[{at}]", name) for at, (one, name) in enumerate(named)]


def parsed_entry(document: object, field: str, name: object) -> Entry:
    """One sink of a session, of a name; raises a `FieldError` if something does not fit."""
    origin = checked_object(document, field).get(ORIGIN, "session")
    return Entry(_named(document, field, name), checked_choice(origin, f"{field}.{ORIGIN}", get_args(Origin)))


def names_of(given: Sequence[object]) -> list[Any]:
    """The name of each sink, or one that is free."""
    said = [one.get("id") if isinstance(one, Mapping) else None for one in given]
    taken = {name for name in said if isinstance(name, str)}
    names: list[Any] = []
    for name in said:
        names.append(_free(taken) if name is None else name)
        taken.add(str(names[-1]))
    return names


def own_members(document: object, field: str) -> dict[str, Any]:
    """What a document says of the sink itself."""
    return {name: value for name, value in checked_object(document, field).items() if name not in (ORIGIN, STATUS)}


def _named(document: object, field: str, name: object) -> Sink:
    own = {**own_members(document, field), "id": name}
    try:
        return _parsed(json.dumps(own), field)
    except (TypeError, ValueError, RecursionError):  # No JSON: its own field says so.
        return sink_from(own, field)


@functools.lru_cache(maxsize=4 * MAX_SINKS)
def _parsed(text: str, field: str) -> Sink:
    """Sink of a text; remembered, as large ones take some ms and are checked before they are taken up."""
    return sink_from(json.loads(text), field)


def _free(taken: set[str]) -> str:
    return next(name for name in map(str, range(1, len(taken) + 2)) if name not in taken)
