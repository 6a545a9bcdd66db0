"""Mappings as JSON has them, checked member by member."""

from __future__ import annotations

from typing import get_args

from remapd.control.midi.mappings import Curve, Mapping, Press, Source
from remapd.control.midi.messages import BUTTONS, LARGEST_NUMBER, Kind
from remapd.control.tree import MAX_TEXT_LENGTH
from remapd.errors import FieldError
from remapd.fields import checked_choice, checked_flag, checked_members, checked_name, checked_text
from remapd.parameters import Parameter

MAX_NAMES = 16384

CHANNEL = Parameter("channel", "", 0.0, 16.0, 0.0, "MIDI channel from 1; 0 is any.", "whole")
BANK = Parameter("bank", "", 0.0, 16383.0, 0.0, "Bank of a program, 14 bits.", "whole")
_NUMBERS = {
    kind: Parameter("number", "", 0.0, largest or 1.0, 0.0, "", "whole") for kind, largest in LARGEST_NUMBER.items()
}


def parse_source(document: object, field: str) -> Source:
    """Check a source.

    Raises
    ------
    FieldError
        If a member is unknown, missing or does not fit.
    """
    members = checked_members(document, field, required=("kind",), optional=("number", "channel", "port", "bank"))
    kind = checked_choice(members["kind"], f"{field}.kind", tuple(LARGEST_NUMBER))
    number = int(_NUMBERS[kind].check(members.get("number", 0), f"{field}.number"))
    if number > LARGEST_NUMBER[kind]:
        raise FieldError(f"{field}.number", f"0, as there is one {kind} in a channel", number)
    bank = members.get("bank")
    if bank is not None and kind != "program":
        raise FieldError(f"{field}.bank", "none, as only programs have one", bank)
    return Source(
        kind,
        number,
        int(CHANNEL.check(members.get("channel", 0), f"{field}.channel")),
        checked_text(members.get("port", ""), f"{field}.port", MAX_TEXT_LENGTH),
        None if bank is None else int(BANK.check(bank, f"{field}.bank")),
    )


def parse_mapping(document: object, field: str, otherwise_id: str = "") -> Mapping:
    """Check a mapping by itself; `check_fits` holds it against its control.

    Parameters
    ----------
    document : object
        As `Mapping.document` gives it; what it lacks has its default.
    field : str
        Name of the whole, for errors.
    otherwise_id : str
        Its name if it brings none.

    Raises
    ------
    FieldError
        If a member is unknown, missing or does not fit.
    """
    optional = ("id", "minimum", "maximum", "invert", "curve", "pick_up", "press", "names")
    members = checked_members(document, field, required=("path", "source"), optional=optional)
    source = parse_source(members["source"], f"{field}.source")
    return Mapping(
        checked_name(members.get("id", otherwise_id), f"{field}.id"),
        checked_text(members["path"], f"{field}.path", MAX_TEXT_LENGTH, 1),
        source,
        _number(members.get("minimum"), f"{field}.minimum"),
        _number(members.get("maximum"), f"{field}.maximum"),
        checked_flag(members.get("invert", False), f"{field}.invert"),
        checked_choice(members.get("curve", ""), f"{field}.curve", get_args(Curve)),
        checked_flag(members.get("pick_up", False), f"{field}.pick_up"),
        checked_choice(members.get("press") or default_press(source.kind), f"{field}.press", get_args(Press)),
        _names(members.get("names", []), f"{field}.names"),
    )


def default_press(kind: Kind) -> Press:
    """What a button does unless it is said: notes and programs toggle, controllers tell both ends by themselves."""
    return "toggle" if kind in BUTTONS else "momentary"


def _number(value: object, field: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(field, "a number or null", value)
    try:
        return float(value)
    except OverflowError:
        raise FieldError(field, "a number in the control's range", value) from None


def _names(value: object, field: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_NAMES:
        raise FieldError(field, f"a list of at most {MAX_NAMES} names", value)
    return tuple(checked_name(name, f"{field}[{index}]") for index, name in enumerate(value))
