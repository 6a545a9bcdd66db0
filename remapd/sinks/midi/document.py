"""A MIDI sink as JSON has it: the port, the note of a hit, and the controllers that go before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from remapd.errors import FieldError, Told
from remapd.fields import checked_choice, checked_flag, checked_members, checked_name, checked_object, checked_text
from remapd.parameters import Parameter, ParameterTable
from remapd.sinks.common import COMMON_MEMBERS, Common, parse_common
from remapd.sinks.midi.control import Control, parse_control
from remapd.sinks.velocity import STRAIGHT, VelocityCurve, parse_velocity

Wire = Literal["usb", "din"]

MAX_CONTROLS = 128
MAX_PROGRAMS = 1024
_LONGEST_TEXT = 128

SETTINGS = ParameterTable(
    "midi sink",
    [
        Parameter("channel", "", 1.0, 16.0, 10.0, "MIDI channel, from 1.", "whole"),
        Parameter("note", "", 0.0, 127.0, 38.0, "Note of a hit.", "whole"),
        Parameter("note_length_ms", "ms", 1.0, 60000.0, 100.0, "Time from note on to note off."),
        Parameter("minimum_velocity", "", 1.0, 127.0, 1.0, "Velocity at the curve's 0.", "whole"),
        Parameter("maximum_velocity", "", 1.0, 127.0, 127.0, "Velocity at the curve's 1.", "whole"),
        Parameter("late_ms", "ms", 0.0, 1000.0, 1.0, "How long a note may wait for controllers that go before it."),
        Parameter("mpe_channels", "", 1.0, 15.0, 15.0, "Channels of notes below MPE's manager channel 1.", "whole"),
    ],
)
_BANK = Parameter("bank", "", 0.0, 16383.0, 0.0, "Bank of the program, 14 bits.", "whole")
_PROGRAM = Parameter("program", "", 0.0, 127.0, 0.0, "Program, from 0.", "whole")
_MEMBERS = (
    "port", "virtual", "wire", *SETTINGS.names, "choke", "velocity", "controls", "mpe", "bank", "program", "programs",
    "profile", "instrument",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MidiSink(Common):
    """What is sent to one instrument behind a MIDI port.

    Parameters
    ----------
    port : str
        Name of the port or part of it; of a virtual one its own name.
    virtual : bool
        Whether the port is one of our own, to which others connect.
    wire : {"usb", "din"}
        What the port feeds: a DIN cable takes a third of a ms for a byte.
    channel : int
        From 1.
    note : int
        Note of a hit, unless a control chooses it.
    note_length_ms : float
        Time from note on to note off.
    choke : bool
        Whether a hit ends the notes that still sound.
    velocity : VelocityCurve
        From loudness to velocity.
    minimum_velocity, maximum_velocity : int
        Velocities 1..127 at the curve's 0 and 1.
    controls : tuple of Control
        What moves with a hit.
    late_ms : float
        How long a note may wait for controllers that go before it.
    mpe : bool
        Whether each note has a channel of its own, for its own pitch bend, pressure and controller 74.
    mpe_channels : int
        Channels of notes; they begin with channel 2.
    bank, program : int, optional
        What is selected when the port opens, from 0; None leaves the device as it is.
    programs : mapping of str to int
        Program by name of preset, for whoever sets `program`.
    profile, instrument : str
        What it was made from, for people.
    """

    port: str = ""
    virtual: bool = True
    wire: Wire = "usb"
    channel: int = int(SETTINGS["channel"].default)
    note: int = int(SETTINGS["note"].default)
    note_length_ms: float = SETTINGS["note_length_ms"].default
    choke: bool = False
    velocity: VelocityCurve = STRAIGHT
    minimum_velocity: int = int(SETTINGS["minimum_velocity"].default)
    maximum_velocity: int = int(SETTINGS["maximum_velocity"].default)
    controls: tuple[Control, ...] = ()
    late_ms: float = SETTINGS["late_ms"].default
    mpe: bool = False
    mpe_channels: int = int(SETTINGS["mpe_channels"].default)
    bank: int | None = None
    program: int | None = None
    programs: tuple[tuple[str, int], ...] = ()
    profile: str = ""
    instrument: str = ""

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        own = {name: getattr(self, name) for name in _MEMBERS}
        nested = {
            "velocity": self.velocity.document(),
            "controls": [control.document() for control in self.controls],
            "programs": dict(self.programs),
        }
        return self.common_document("midi") | own | nested


def parse_midi_sink(document: object, field: str = "sink") -> MidiSink:
    """Check a MIDI sink.

    Parameters
    ----------
    document : object
        As `MidiSink.document` gives it; what it lacks has its default. Without a port it has a virtual one.
    field : str
        Name of the whole, for errors.

    Raises
    ------
    FieldError
        If a member is unknown or does not fit.
    """
    members = checked_members(document, field, ("kind",), (*COMMON_MEMBERS, *_MEMBERS))
    checked_choice(members["kind"], f"{field}.kind", ("midi",))
    port = checked_text(members.get("port", ""), f"{field}.port", _LONGEST_TEXT)
    sink = MidiSink(
        **parse_common(members, field),
        **_settings(members, field),
        port=port,
        virtual=checked_flag(members.get("virtual", not port), f"{field}.virtual"),
        wire=checked_choice(members.get("wire", "usb"), f"{field}.wire", get_args(Wire)),
        choke=checked_flag(members.get("choke", False), f"{field}.choke"),
        velocity=parse_velocity(members.get("velocity", STRAIGHT.document()), f"{field}.velocity"),
        controls=_controls(members.get("controls", []), f"{field}.controls"),
        mpe=checked_flag(members.get("mpe", False), f"{field}.mpe"),
        bank=_optional(_BANK, members, field),
        program=_optional(_PROGRAM, members, field),
        programs=_programs(members.get("programs", {}), f"{field}.programs"),
        profile=checked_text(members.get("profile", ""), f"{field}.profile", _LONGEST_TEXT),
        instrument=checked_text(members.get("instrument", ""), f"{field}.instrument", _LONGEST_TEXT),
    )
    _check_whole(sink, field)
    return sink


def _settings(members: Mapping[str, Any], field: str) -> dict[str, Any]:
    """The members of `SETTINGS`; MPE is managed on channel 1 unless told otherwise."""
    defaults = SETTINGS.mapping(SETTINGS.default)
    if members.get("mpe") is True:
        defaults["channel"] = 1.0
    found = {p.name: p.check(members.get(p.name, defaults[p.name]), f"{field}.{p.name}") for p in SETTINGS}
    return {name: int(value) if SETTINGS[name].curve == "whole" else value for name, value in found.items()}


def _optional(parameter: Parameter, members: Mapping[str, Any], field: str) -> int | None:
    value = members.get(parameter.name)
    return None if value is None else int(parameter.check(value, f"{field}.{parameter.name}"))


def _programs(value: object, field: str) -> tuple[tuple[str, int], ...]:
    members = checked_object(value, field)
    if len(members) > MAX_PROGRAMS:
        raise FieldError(field, f"at most {MAX_PROGRAMS} presets", len(members))
    return tuple(
        (checked_name(name, field), int(_PROGRAM.check(program, f"{field}.{name}")))
        for name, program in members.items()
    )


def _controls(value: object, field: str) -> tuple[Control, ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_CONTROLS:
        raise FieldError(field, f"a list of at most {MAX_CONTROLS} controls", value)
    controls = tuple(parse_control(one, f"{field}[{at}]") for at, one in enumerate(value))
    for at, control in enumerate(controls):
        for before, other in enumerate(controls[:at]):
            if _collide(control, other):
                expected = f"another than {field}[{before}], or each only with a synth of its own"
                raise FieldError(f"{field}[{at}]", expected, Told(f"{control.kind} {control.number} twice"))
    return controls


def _collide(one: Control, other: Control) -> bool:
    """Whether two controls would move the same thing at the same time."""
    if one.synth and other.synth and one.synth != other.synth:
        return False
    return not _addresses(one).isdisjoint(_addresses(other))


def _addresses(control: Control) -> set[tuple[str, int]]:
    if control.kind == "cc14":
        return {("cc", control.number), ("cc", control.number + 32)}
    return {("nrpn" if control.kind == "nrpn7" else control.kind, control.number)}


def _check_whole(sink: MidiSink, field: str) -> None:
    if not sink.virtual and not sink.port:
        raise FieldError(f"{field}.port", "the name of a port or part of it, or virtual: true", sink.port)
    if sink.minimum_velocity > sink.maximum_velocity:
        expected = f"{sink.minimum_velocity} (minimum_velocity) or more"
        raise FieldError(f"{field}.maximum_velocity", expected, sink.maximum_velocity)
    if sink.mpe and sink.channel != 1:
        raise FieldError(f"{field}.channel", "1, the manager channel of MPE's lower zone", sink.channel)
    for at, control in enumerate(sink.controls):
        if sink.mpe and control.kind == "poly_pressure":
            raise FieldError(
                f"{field}.controls[{at}].kind", "pressure, as each note of MPE has a channel", control.kind
            )
    if sink.bank is not None and sink.program is None:
        raise FieldError(f"{field}.bank", "a program too, as a bank alone selects nothing", sink.bank)
