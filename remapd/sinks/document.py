"""Sinks as JSON has them, whatever their kind."""

from __future__ import annotations

from collections.abc import Callable

from remapd.errors import FieldError, Told
from remapd.fields import checked_choice, checked_object
from remapd.sinks.midi.document import MidiSink, parse_midi_sink
from remapd.sinks.osc.document import OscSink, parse_osc_sink

__all__ = ["KINDS", "MidiSink", "OscSink", "Sink", "sink_from"]

Sink = OscSink | MidiSink

#: Kinds of sink, and what checks the document of one.
KINDS: dict[str, Callable[[object, str], Sink]] = {"osc": parse_osc_sink, "midi": parse_midi_sink}


def sink_from(document: object, field: str = "sink") -> Sink:
    """Check a sink.

    Parameters
    ----------
    document : object
        As the sink's ``document`` gives it; what it lacks, but for ``kind``, has its default.
    field : str
        Name of the whole, for errors.

    Raises
    ------
    FieldError
        If a member is unknown, missing or does not fit.
    """
    members = checked_object(document, field)
    if "kind" not in members:
        raise FieldError(f"{field}.kind", f"one of {', '.join(KINDS)}", Told("none"))
    return KINDS[checked_choice(members["kind"], f"{field}.kind", KINDS)](members, field)
