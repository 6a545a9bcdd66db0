"""What a device profile is: the instruments of a device, what moves their sound, and what of a hit moves it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from remapd.errors import FieldError, RemapdError
from remapd.fields import near
from remapd.sinks.midi.control import Kind
from remapd.sinks.midi.document import Wire


class ProfileError(RemapdError):
    """A profile that cannot be used; the text names the file, and the field and line that do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceControl:
    """Something on the device that MIDI moves.

    Parameters
    ----------
    name : str
        Its name on the device; unique in its instrument.
    kind : str
        How it is addressed, as controls of MIDI sinks are.
    number : int
        Controller or parameter, from 0; coarse half times 128 plus fine half for numbered parameters.
    minimum, maximum : int
        What the device takes, in its numbers.
    centre : int, optional
        The neutral place of what goes both ways.
    default : int, optional
        Where it stands when nobody moved it.
    sounds : str
        What it sounds like, for people.
    """

    name: str
    kind: Kind
    number: int
    minimum: int
    maximum: int
    centre: int | None = None
    default: int | None = None
    sounds: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One drum of the device.

    Parameters
    ----------
    name : str
        Short name, as printed on the device.
    title : str
        What it is, for people.
    channel : int
        MIDI channel, from 1.
    note : int
        Note that plays it.
    note_length_ms : float, optional
        Time from note on to note off that it needs; None is the sink's own.
    synths : tuple of str
        Synthesisers whose sound it comes nearest to.
    controls : tuple of DeviceControl
        What moves its sound, those of the whole device included.
    """

    name: str
    title: str = ""
    channel: int
    note: int
    note_length_ms: float | None = None
    synths: tuple[str, ...] = ()
    controls: tuple[DeviceControl, ...] = ()

    def control(self, name: str) -> DeviceControl | None:
        """Its control of a name, if it has one."""
        return next((control for control in self.controls if control.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """One line from a number of a hit to a control of some instruments.

    Parameters
    ----------
    control : str
        Name of the control.
    source : str
        Number of a hit, as sinks name it.
    instruments : tuple of str
        For which it holds; none means all that have the control.
    synths : tuple of str
        While the track plays one of these; none means all that no other line of the control names.
    settings : mapping
        The rest of a sink's control, by its names: range, centre, curve and so on.
    """

    control: str
    source: str
    instruments: tuple[str, ...] = ()
    synths: tuple[str, ...] = ()
    settings: tuple[tuple[str, Any], ...] = ()

    def holds_for(self, instrument: Instrument) -> bool:
        """Whether it moves a control of an instrument."""
        named = not self.instruments or instrument.name in self.instruments
        return named and instrument.control(self.control) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A device as far as MIDI moves it, and how hits should move it.

    Parameters
    ----------
    name : str
        Name of the profile, that of its file.
    manufacturer, device : str
        Whose it is and what it is called.
    sources : tuple of str
        Titles of the documents that its numbers were taken from.
    licence, attribution : str
        Of the profile itself; SPDX where there is a name.
    wire : {"usb", "din"}
        What it is most often connected by.
    notes : str
        What to set on the device, and what is not known; lines of text.
    instruments : tuple of Instrument
        Its drums.
    mappings : tuple of Mapping
        What of a hit moves what.
    """

    name: str
    manufacturer: str
    device: str
    sources: tuple[str, ...]
    licence: str
    attribution: str = ""
    wire: Wire = "usb"
    notes: str = ""
    instruments: tuple[Instrument, ...]
    mappings: tuple[Mapping, ...] = ()

    @property
    def title(self) -> str:
        """Manufacturer and device."""
        return f"{self.manufacturer} {self.device}".strip()

    def instrument(self, name: str, field: str = "instrument") -> Instrument:
        """Return the instrument of a name; case does not matter.

        Raises
        ------
        FieldError
            If it has none of that name; it says which there are.
        """
        for instrument in self.instruments:
            if instrument.name.casefold() == name.casefold():
                return instrument
        known = [instrument.name for instrument in self.instruments]
        raise FieldError(field, f"an instrument of {self.name}: {', '.join(known)}{near(name, known)}", name)

    def instrument_for(self, synth: str) -> Instrument:
        """Return the first instrument that comes near to a synthesiser, else the first."""
        return next((one for one in self.instruments if synth in one.synths), self.instruments[0])

    def describe(self) -> dict[str, Any]:
        """Give all of it as JSON has it."""
        mappings = [
            {"control": m.control, "source": m.source, "instruments": list(m.instruments), "synths": list(m.synths)}
            | dict(m.settings)
            for m in self.mappings
        ]
        return asdict(self) | {"sources": list(self.sources), "mappings": mappings}

    def summary(self) -> dict[str, Any]:
        """Give what a list of profiles shows."""
        names = ("name", "manufacturer", "device", "licence", "attribution")
        return {name: getattr(self, name) for name in names} | {"instruments": [one.name for one in self.instruments]}
