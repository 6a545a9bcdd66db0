"""MIDI sinks from a file: one document, or a list of them, in TOML or JSON."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from remapd.errors import ConfigError, FieldError
from remapd.fields import checked_members, checked_object, checked_text, parsed_json
from remapd.files import read_capped
from remapd.sinks.midi.document import MidiSink, parse_midi_sink

_MAX_FILE_BYTES = 1024 * 1024
_MAX_SINKS = 64


def load_midi_sinks(path: Path) -> tuple[MidiSink, ...]:
    """Sinks of a file: a document of one, or ``sinks``, a list of them; each may name a profile.

    Raises
    ------
    RemapdError
        If the file cannot be read, is neither JSON nor TOML as its name says, or a sink does not fit.
    """
    members = checked_object(_parsed(path), path.name)
    if "sinks" not in members:
        return (_sink(members, "sink"),)
    found = checked_members(members, path.name, ("sinks",))["sinks"]
    if not isinstance(found, list) or not 0 < len(found) <= _MAX_SINKS:
        raise FieldError("sinks", f"a list of 1 to {_MAX_SINKS} sinks", found)
    return tuple(_sink(one, f"sinks[{at}]") for at, one in enumerate(found))


def _parsed(path: Path) -> object:
    content = read_capped(path, _MAX_FILE_BYTES, "file of sinks")
    try:
        if path.suffix.lower() == ".json":
            return parsed_json(content)
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"file of sinks {str(path)!r}: {error}") from None


def _sink(document: object, field: str) -> MidiSink:
    """The sink of a document; a profile stands in for what that leaves open."""
    given: dict[str, Any] = {"kind": "midi", **checked_object(document, field)}
    if given.get("profile"):
        from remapd.sinks.profiles.library import load_profile_named
        from remapd.sinks.profiles.sinks import sinks_from_profile

        profile = load_profile_named(checked_text(given["profile"], f"{field}.profile", 64))
        instrument = checked_text(given.get("instrument", ""), f"{field}.instrument", 64)
        given = {**sinks_from_profile(profile, instrument), **given}
    return parse_midi_sink(given, field)
