"""The sink that a profile stands for."""

from __future__ import annotations

from typing import Any

from remapd.sinks.profiles.mapping import control_document, fits
from remapd.sinks.profiles.profile import Instrument, Mapping, Profile
from remapd.synth.registry import SYNTHS


def sinks_from_profile(profile: Profile, instrument: str = "", synth: str = "") -> dict[str, Any]:
    """Document of a MIDI sink for one instrument of a profile; port, tracks and id are left to the caller.

    Parameters
    ----------
    profile : Profile
        The device.
    instrument : str
        Name of its instrument; empty takes the one that fits the synthesiser best.
    synth : str
        Synthesiser that the track plays; empty is not known. The sink has the controls for all of them.

    Raises
    ------
    FieldError
        If it has no such instrument.
    """
    chosen = profile.instrument(instrument) if instrument else profile.instrument_for(synth)
    document: dict[str, Any] = {
        "kind": "midi",
        "wire": profile.wire,
        "channel": chosen.channel,
        "note": chosen.note,
        "controls": _controls(profile, chosen),
        "profile": profile.name,
        "instrument": chosen.name,
    }
    if chosen.note_length_ms is not None:
        document["note_length_ms"] = chosen.note_length_ms
    return document


def _controls(profile: Profile, instrument: Instrument) -> list[dict[str, Any]]:
    lines = [line for line in profile.mappings if line.holds_for(instrument)]
    documents = []
    for line in lines:
        control = instrument.control(line.control)
        if control is not None:
            documents += [control_document(line, control, synth) for synth in _synths(line, lines)]
    return documents


def _synths(line: Mapping, lines: list[Mapping]) -> list[str]:
    """Synthesisers for which a line holds: its own, or all that no other line of its control names; empty is any."""
    if line.synths:
        return list(line.synths)
    named = {synth for other in lines if other.control == line.control for synth in other.synths}
    return [synth for synth in SYNTHS if synth not in named and fits(line, synth)] if named else [""]
