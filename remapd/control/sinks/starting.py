"""Which sinks the daemon begins with: those of the config, and those that it had when it ended or was ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from remapd.control.sinks.limits import MAX_SINKS, listed
from remapd.control.sinks.profiled import NO_SYNTHS, Synths, with_profile
from remapd.control.sinks.sink_list import ORIGIN, names_of, parsed_entry
from remapd.errors import FieldError
from remapd.sinks.document import sink_from

Document = Mapping[str, Any]


def starting_sinks(
    config: Sequence[Document], saved: object, resumes: bool, synths: Synths = NO_SYNTHS
) -> tuple[list[dict[str, Any]], list[str]]:
    """Bring together what is said where, as the section of a session.

    After a crash, and where the engine plays on, sinks are as they were, and what is new in the config comes to them.
    After an ordinary end the config says which sinks of the config there are, and the others are as they were.

    Parameters
    ----------
    config : sequence of mapping
        Sinks of the config, checked.
    saved : object
        The section of the session, of unknown origin; None where there is none.
    resumes : bool
        Whether the session is that of a daemon that did not end as it should.
    synths : mapping of int to str
        What tracks play, for sinks that leave the instrument of a profile open.

    Returns
    -------
    sinks : list of dict
        Those that fit.
    notes : list of str
        What had to be left out, for people.
    """
    kept, notes = _readable(saved)
    said = [{**with_profile(sink, f"sinks.{at}", synths), ORIGIN: "config"} for at, sink in enumerate(config, 1)]
    others = [sink for sink in kept if sink[ORIGIN] != "config"]
    sinks = _joined(kept, said) if resumes else _joined(said, others)
    if len(sinks) > MAX_SINKS:
        notes.append(f"sinks: there is room for {MAX_SINKS}; {len(sinks) - MAX_SINKS} of the session are left out")
    return sinks[:MAX_SINKS], notes


def _joined(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both, without those of the second whose name the first has."""
    named = {sink["id"] for sink in first}
    return [*first, *(sink for sink in second if sink["id"] not in named)]


def config_sinks(given: object) -> list[dict[str, Any]]:
    """Sinks of a config, checked, each with a name.

    Raises
    ------
    FieldError
        If something does not fit.
    """
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > MAX_SINKS:
        raise FieldError("sinks", f"at most {MAX_SINKS} sinks, each begun by [[sinks]]", given)
    named: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(given, 1):
        field = f"sinks.{number}"
        sink = sink_from({"id": f"config-{number}", **with_profile(one, field)}, field)
        if sink.id in named:
            raise FieldError(f"{field}.id", "a name that no other sink has", sink.id)
        named[sink.id] = {"id": sink.id, **one}
    return list(named.values())


def _readable(saved: object) -> tuple[list[dict[str, Any]], list[str]]:
    """Sinks of a session that fit, each by itself, and what is wrong with the others."""
    if saved is None:
        return [], []
    try:
        given = listed(saved, "session.sinks")
    except FieldError as error:
        return [], [str(error)]
    sinks: dict[str, dict[str, Any]] = {}
    notes = []
    for at, (one, name) in enumerate(zip(given, names_of(given), strict=True)):
        field = f"session.sinks[{at}]"
        try:
            entry = parsed_entry(one, field, name)
            if entry.sink.id in sinks:
                raise FieldError(f"{field}.id", "a name that no other sink has", entry.sink.id)
            sinks[entry.sink.id] = entry.document()
        except FieldError as error:
            notes.append(f"{error}; this sink is left out")
    return list(sinks.values()), notes
