"""An OSC sink as JSON has it, checked member by member."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from remapd.errors import FieldError, Told
from remapd.fields import checked_choice, checked_flag, checked_members
from remapd.sinks.common import COMMON_MEMBERS, parse_common
from remapd.sinks.osc.arguments import PLAIN_WORDS
from remapd.sinks.osc.forms import FORMS
from remapd.sinks.osc.messages import parse_messages
from remapd.sinks.osc.packets import messages
from remapd.sinks.osc.sink import COMMON_OF_FORMS, SETTINGS, OscSink, Transport, Values
from remapd.sinks.osc.words import parse_text
from remapd.sinks.sources import SINGLE
from remapd.sinks.velocity import VelocityCurve, parse_velocity
from remapd.synth.registry import SYNTHS

__all__ = ["OscSink", "parse_host", "parse_osc_sink"]

_OF_ONE_FORM = tuple(name for form in FORMS.values() for name in form.members)
#: A name or an address, of IPv6 too, perhaps with a zone.
_HOST = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,252}")
_LONGEST_TRACK = int(SINGLE["track"].maximum)


def parse_osc_sink(document: object, field: str = "sink") -> OscSink:
    """Check an OSC sink.

    Parameters
    ----------
    document : object
        As `OscSink.document` gives it; what it lacks has its default.
    field : str
        Name of the whole, for errors.

    Raises
    ------
    FieldError
        If a member is unknown or does not fit, or its packets would be too long.
    """
    members = checked_members(document, field, ("kind",), (*COMMON_MEMBERS, *COMMON_OF_FORMS, *_OF_ONE_FORM))
    checked_choice(members["kind"], f"{field}.kind", ("osc",))
    form = checked_choice(members.get("form", "vector"), f"{field}.form", tuple(FORMS))
    _check_fits_form(members, form, field)
    sink = OscSink(
        **parse_common(members, field),
        **_of_form(members, form, field),
        host=parse_host(members.get("host", OscSink().host), f"{field}.host"),
        port=int(SETTINGS["port"].check(members.get("port", OscSink().port), f"{field}.port")),
        transport=checked_choice(members.get("transport", "udp"), f"{field}.transport", get_args(Transport)),
        form=form,
        values=checked_choice(members.get("values", "units"), f"{field}.values", get_args(Values)),
        bundle=checked_flag(members.get("bundle", True), f"{field}.bundle"),
        latency_ms=_latency_ms(members.get("latency_ms"), f"{field}.latency_ms"),
        velocity=parse_velocity(members.get("velocity", VelocityCurve().document()), f"{field}.velocity"),
    )
    _check_whole(sink, field)
    return sink


def parse_host(value: object, field: str = "host") -> str:
    """Check a name or address; whether it can be reached shows later."""
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise FieldError(field, "a name or an IP address", value)
    return value


def _check_fits_form(members: Mapping[str, Any], form: str, field: str) -> None:
    for name, only in ((name, other) for other in FORMS for name in FORMS[other].members):
        if name in members and only != form:
            raise FieldError(f"{field}.{name}", f"none, as only the form {only} has it", members[name])
    if form == "custom" and "values" in members:
        raise FieldError(f"{field}.values", "none, as custom messages name values.* or unit.*", members["values"])


def _of_form(members: Mapping[str, Any], form: str, field: str) -> dict[str, Any]:
    """What only this form has."""
    if form == "custom":
        return {"messages": parse_messages(members.get("messages"), f"{field}.messages")}
    if form != "supercollider":
        return {}
    given = {name: members.get(name, getattr(OscSink(), name)) for name in FORMS["supercollider"].members}
    return {
        "synthdef": parse_text(given["synthdef"], f"{field}.synthdef", PLAIN_WORDS).template,
        "group": int(SETTINGS["group"].check(given["group"], f"{field}.group")),
        "first_node": _first_node(given["first_node"], f"{field}.first_node"),
    }


def _first_node(value: object, field: str) -> int | None:
    return None if value is None else int(SETTINGS["first_node"].check(value, field))


def _latency_ms(value: object, field: str) -> float | None:
    return None if value is None else SETTINGS["latency_ms"].check(value, field)


def _check_whole(sink: OscSink, field: str) -> None:
    """Check what no single member can be blamed for."""
    if not sink.bundle and (sink.latency_ms is not None or FORMS[sink.form].needs_bundle):
        reason = "the form" if FORMS[sink.form].needs_bundle else "a time tag"
        raise FieldError(f"{field}.bundle", f"true, as {reason} needs one", sink.bundle)
    # The ready-made ones fit any synth.
    if sink.form == "custom":
        _check_messages(sink, field)


def _check_messages(sink: OscSink, field: str) -> None:
    try:
        for at, template in enumerate(sink.messages):
            if not any(any(template.messages(1, synth)) for synth in SYNTHS.values()):
                raise FieldError(f"messages[{at}]", "parameters that one synthesiser has", Told("a mixture"))
        for synth in SYNTHS.values():
            messages(sink, _LONGEST_TRACK, synth)
    except FieldError as error:
        raise FieldError(f"{field}.{error.field}", error.expected, error.got) from None
