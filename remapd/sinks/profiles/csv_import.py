"""A profile from a table of controllers of midi.guide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from remapd.errors import FieldError, TooLargeError
from remapd.fields import checked_name, checked_text, shown
from remapd.sinks.profiles.csv_control import control_name, control_of
from remapd.sinks.profiles.csv_table import Problem, Row, read_table
from remapd.sinks.profiles.parsing import LONGEST_LINE, MAX_CONTROLS
from remapd.sinks.profiles.profile import DeviceControl, Instrument, Profile, ProfileError
from remapd.sinks.profiles.writing import toml_value

LICENCE = "CC-BY-SA-4.0"
ATTRIBUTION = "midi.guide, the MIDI CC and NRPN database by Pencil Research and contributors"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettings:
    """What the table does not say.

    Parameters
    ----------
    name : str
        Name of the profile; empty makes one of manufacturer and device.
    channel : int
        MIDI channel, from 1.
    note : int
        Note that plays the device.
    licence, attribution : str
        Of the table, which the profile keeps.
    prefers_nrpn : bool
        Whether a line with both becomes a numbered parameter and not a controller.
    skips_bad : bool
        Whether lines that do not fit are left out; else the table is refused.
    """

    name: str = ""
    channel: int = 10
    note: int = 38
    licence: str = LICENCE
    attribution: str = ATTRIBUTION
    prefers_nrpn: bool = False
    skips_bad: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """A profile, what of the table did not fit, and remarks on what did."""

    profile: Profile | None
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]


def import_table(content: bytes, origin: str, settings: ImportSettings) -> Imported:
    """Make a profile of a table, without mappings: which drum moves what is for a person to say.

    Parameters
    ----------
    content : bytes
        The CSV file.
    origin : str
        Its name.
    settings : ImportSettings
        What the table does not say.

    Returns
    -------
    Imported
        Without a profile if lines do not fit and none may be left out, or nothing is left.

    Raises
    ------
    RemapdError
        If it is no such table at all, or a setting does not fit.
    """
    rows, problems = read_table(content, origin)
    rows, strangers = _of_one_device(rows)
    controls, wrong, remarks = _controls(rows, settings.prefers_nrpn)
    found = sorted([*problems, *strangers, *wrong], key=lambda problem: problem.line)
    if not controls or (found and not settings.skips_bad):
        return Imported(None, tuple(found), tuple(remarks))
    return Imported(_profile(rows[0], controls, origin, settings), tuple(found), tuple(remarks))


def _of_one_device(rows: list[Row]) -> tuple[list[Row], list[Problem]]:
    """Lines of the device of the first line, and what is wrong with the others."""
    kept: list[Row] = []
    problems = []
    for row in rows:
        wrong = [problem for name in ("manufacturer", "device") for problem in _stranger(row, name, kept)]
        problems += wrong
        kept += [] if wrong else [row]
    return kept, problems


def _stranger(row: Row, name: str, kept: list[Row]) -> Iterator[Problem]:
    try:
        value = checked_text(row.texts[name], name, LONGEST_LINE, 1)
    except FieldError as error:
        yield Problem(row.line, name, str(error).partition(": ")[2])
        return
    if kept and value != kept[0].texts[name]:
        expected, got = shown(kept[0].texts[name]), shown(value)
        yield Problem(row.line, name, f"expected {expected!r} as in line {kept[0].line}, got {got!r}")


def _controls(rows: list[Row], prefers_nrpn: bool) -> tuple[list[DeviceControl], list[Problem], list[Problem]]:
    if len(rows) > MAX_CONTROLS:
        raise TooLargeError(f"at most {MAX_CONTROLS} controls are taken, and the table has {len(rows)}")
    controls: dict[str, DeviceControl] = {}
    problems: list[Problem] = []
    remarks: list[Problem] = []
    for row in rows:
        control, wrong, remarked = control_of(row, control_name(row, set(controls)), prefers_nrpn)
        problems += wrong
        remarks += remarked
        if control is not None:
            controls[control.name] = control
    return list(controls.values()), problems, remarks


def _profile(row: Row, controls: list[DeviceControl], origin: str, settings: ImportSettings) -> Profile:
    manufacturer, device = row.texts["manufacturer"], row.texts["device"]
    instrument = Instrument(
        name="1", title=device, channel=settings.channel, note=settings.note, controls=tuple(controls)
    )
    return Profile(
        name=checked_name(settings.name or profile_name(f"{manufacturer} {device}"), "name"),
        manufacturer=manufacturer,
        device=device,
        sources=(checked_text(f"Table {shown(origin)} of midi.guide", "sources", LONGEST_LINE),),
        licence=checked_text(settings.licence, "licence", LONGEST_LINE, 1),
        attribution=checked_text(settings.attribution, "attribution", LONGEST_LINE),
        instruments=(instrument,),
    )


def profile_name(text: str) -> str:
    """Name of a profile as the shipped ones are written: small letters, digits and hyphens."""
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in text.lower())
    return "-".join(part for part in kept.split("-") if part)[:64] or "profile"


def template(profile: Profile) -> Iterator[str]:
    """Remarks for the end of the file: a line for each control, for a person to complete."""
    yield "The table says neither which note plays which drum, nor what of a hit should move what."
    yield "Notes: write an [[instrument]] for each drum above. Mappings: take the mark # away and complete the source,"
    yield 'such as values.osc1.freq (with synths = ["snare808"]), scaled.centroid or velocity.'
    for control in profile.instruments[0].controls:
        yield ""
        yield "[[mapping]]"
        yield f"control = {toml_value(control.name)}"
        yield 'source = ""'


def refuse(imported: Imported, origin: str) -> ProfileError:
    """Error for a table that was not taken."""
    if not imported.problems:
        return ProfileError(f"table {origin!r} has no line with a controller")
    many = f" and {len(imported.problems) - 1} more" if len(imported.problems) > 1 else ""
    return ProfileError(f"table {origin!r}: {imported.problems[0]}{many}")
