"""One controller of a MIDI sink: which number of a hit moves what on the device, and how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from remapd.errors import FieldError, Told
from remapd.fields import checked_choice, checked_flag, checked_members
from remapd.parameters import Parameter, ParameterTable
from remapd.sinks.sources import SourceRef, parse_source
from remapd.sinks.wire.packet import Source
from remapd.synth.base import Synth
from remapd.synth.registry import SYNTHS, get_synth

Kind = Literal["cc", "cc14", "nrpn", "nrpn7", "pitch_bend", "pressure", "poly_pressure", "note", "velocity"]
Curve = Literal["", "linear", "log", "slow", "fast"]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a kind of controller can say: its largest number, and its least and greatest value."""

    largest_number: int
    minimum: int
    maximum: int


REACH: dict[Kind, Reach] = {
    "cc": Reach(119, 0, 127),
    "cc14": Reach(31, 0, 16383),
    "nrpn": Reach(16383, 0, 16383),
    "nrpn7": Reach(16383, 0, 127),
    "pitch_bend": Reach(0, -8192, 8191),
    "pressure": Reach(0, 0, 127),
    "poly_pressure": Reach(0, 0, 127),
    "note": Reach(0, 0, 127),
    "velocity": Reach(0, 1, 127),
}
#: Controllers that select and set numbered parameters; as plain ones they would spoil those.
RESERVED = (6, 38, 98, 99, 100, 101)

SETTINGS = ParameterTable(
    "control",
    [
        Parameter("smoothing", "ratio", 0.0, 0.99, 0.0, "Share of the former position that a hit leaves."),
        Parameter("threshold", "", 0.0, 16383.0, 0.0, "Steps of the device below which a change is not sent.", "whole"),
        Parameter("weight", "ratio", 0.0, 100.0, 1.0, "How much it matters, times what was measured."),
    ],
)
_REQUIRED = ("source", "kind")
_OPTIONAL = (
    "number", "minimum", "maximum", "centre", "curve", "invert", "source_minimum", "source_maximum", "synth",
    *SETTINGS.names,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One controller.

    Parameters
    ----------
    source : SourceRef
        The number of a hit that moves it.
    kind : str
        A key of `REACH`. ``nrpn7`` is a numbered parameter of 7 bits, ``note`` and ``velocity`` are those of the
        sink's own note.
    number : int
        Controller or parameter, from 0; coarse half times 128 plus fine half for numbered parameters.
    minimum, maximum : int
        Part of the device's range, in its numbers.
    centre : int, optional
        The device's number in the middle of the way; None is half way from `minimum` to `maximum`.
    curve : {"", "linear", "log", "slow", "fast"}
        How the source runs through the range: as its parameter does, evenly, by ratios, or evenly with a late or an
        early rise.
    invert : bool
        Whether it runs the other way round.
    source_minimum, source_maximum : float, optional
        Part of the source's range that is heard, in its unit; None is its end.
    smoothing : float
        Share 0..0.99 of the former position that a hit leaves.
    threshold : int
        Steps of the device below which a change is not sent.
    weight : float
        How much it matters beside the others, times what was measured of its parameter.
    synth : str
        It moves only while the track plays this synthesiser; empty is any.
    """

    source: SourceRef
    kind: Kind
    number: int = 0
    minimum: int = 0
    maximum: int = 127
    centre: int | None = None
    curve: Curve = ""
    invert: bool = False
    source_minimum: float | None = None
    source_maximum: float | None = None
    smoothing: float = 0.0
    threshold: int = 0
    weight: float = 1.0
    synth: str = ""

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        settings = {name: getattr(self, name) for name in (*_REQUIRED, *_OPTIONAL) if name != "source"}
        return {"source": self.source.text, **settings}


def parse_control(document: object, field: str) -> Control:
    """Check one controller.

    Raises
    ------
    FieldError
        If a member is unknown, missing or does not fit.
    """
    members = checked_members(document, field, _REQUIRED, _OPTIONAL)
    source = parse_source(members["source"], f"{field}.source")
    kind: Kind = checked_choice(members["kind"], f"{field}.kind", get_args(Kind))
    minimum = _in_reach(members.get("minimum"), f"{field}.minimum", kind, REACH[kind].minimum)
    maximum = _in_reach(members.get("maximum"), f"{field}.maximum", kind, REACH[kind].maximum)
    if minimum >= maximum:
        raise FieldError(f"{field}.maximum", f"more than the minimum {minimum} (invert turns it round)", maximum)
    centre = members.get("centre")
    control = Control(
        source=source,
        kind=kind,
        number=_number(members.get("number"), f"{field}.number", kind),
        minimum=minimum,
        maximum=maximum,
        centre=None if centre is None else int(_whole(minimum, maximum).check(centre, f"{field}.centre")),
        curve=checked_choice(members.get("curve", ""), f"{field}.curve", get_args(Curve)),
        invert=checked_flag(members.get("invert", False), f"{field}.invert"),
        source_minimum=_of_source(members.get("source_minimum"), f"{field}.source_minimum", source),
        source_maximum=_of_source(members.get("source_maximum"), f"{field}.source_maximum", source),
        smoothing=_setting(members, "smoothing", field),
        threshold=int(_setting(members, "threshold", field)),
        weight=_setting(members, "weight", field),
        synth=_synth(members.get("synth", ""), f"{field}.synth", source),
    )
    _check_source_range(control, field)
    return control


def _setting(members: Any, name: str, field: str) -> float:
    return SETTINGS[name].check(members.get(name, SETTINGS[name].default), f"{field}.{name}")


def _whole(minimum: float, maximum: float) -> Parameter:
    return Parameter("number", "", minimum, maximum, minimum, "", "whole")


def _in_reach(value: object, field: str, kind: Kind, otherwise: int) -> int:
    reach = REACH[kind]
    return otherwise if value is None else int(_whole(reach.minimum, reach.maximum).check(value, field))


def _number(value: object, field: str, kind: Kind) -> int:
    largest = REACH[kind].largest_number
    if largest == 0:
        if value not in (None, 0):
            raise FieldError(field, f"0, as there is one {kind} in a channel", value)
        return 0
    if value is None:
        raise FieldError(field, _whole(0, largest).range_text(), Told("none"))
    number = int(_whole(0, largest).check(value, field))
    if kind in ("cc", "cc14") and number in RESERVED:
        raise FieldError(field, "a controller other than 6, 38 and 98 to 101, which set numbered parameters", number)
    return number


def _of_source(value: object, field: str, source: SourceRef) -> float | None:
    if value is None:
        return None
    ranges = [source.range(synth.table) for synth in _synths_with(source)]
    least, greatest = min(r[0] for r in ranges), max(r[1] for r in ranges)
    unit = "" if source.as_position or source.kind in (Source.SCALED, Source.MODULATION) else source.parameter().unit
    return Parameter("source", unit, least, greatest, least, "").check(value, field)


def _synths_with(source: SourceRef) -> list[Synth]:
    return [synth for synth in SYNTHS.values() if source.resolve(synth.table) is not None]


def _synth(value: object, field: str, source: SourceRef) -> str:
    if value == "":
        return ""
    if not isinstance(value, str):
        raise FieldError(field, "the name of a synthesiser", value)
    synth = get_synth(value, field)
    if source.resolve(synth.table) is None:
        raise FieldError(field, f"a synthesiser with the parameter {source.name}", value)
    return synth.name


def _check_source_range(control: Control, field: str) -> None:
    """Hold the part of the source that is heard against itself and the curve."""
    table = get_synth(control.synth).table if control.synth else None
    low, high = control.source.range(table)
    low = low if control.source_minimum is None else control.source_minimum
    high = high if control.source_maximum is None else control.source_maximum
    if not low < high:
        raise FieldError(f"{field}.source_maximum", f"more than {low:g}, where the source begins", high)
    if control.curve == "log" and low <= 0.0:
        raise FieldError(f"{field}.curve", f"another, as a log curve cannot begin at {low:g}", control.curve)
