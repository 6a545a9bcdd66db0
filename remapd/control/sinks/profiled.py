"""Sinks that name a device's profile: it stands in for what the document leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remapd.control.sinks.limits import listed
from remapd.errors import FieldError, NotFoundError
from remapd.fields import checked_object
from remapd.sinks.midi.document import parse_midi_sink

#: Synthesiser by track, from 1.
Synths = Mapping[int, str]
NO_SYNTHS: Synths = {}

_NAMED = ("kind", "tracks", "profile", "instrument")


def with_profile(document: object, field: str, synths: Synths = NO_SYNTHS) -> dict[str, Any]:
    """Document of a sink with everything that the profile says which it names; it reads a file.

    What the document says itself holds, so that one that was written in full stays as it is. Without an instrument it
    gets the one that suits what its first track plays.

    Parameters
    ----------
    document : object
        As JSON has it.
    field : str
        Name of the whole, for errors.
    synths : mapping of int to str
        Synthesiser that a track plays, as far as that is known.

    Raises
    ------
    FieldError
        If there is no such profile, or it has no such instrument.
    """
    given = dict(checked_object(document, field))
    if given.get("kind") != "midi" or not given.get("profile"):
        return given
    if given.get("instrument") == "":
        del given["instrument"]
    return {**_of_profile(given, field, synths), **given}


def all_with_profiles(document: object, field: str, synths: Synths = NO_SYNTHS) -> list[dict[str, Any]]:
    """Do so with each of a list; raises as `with_profile` does."""
    return [with_profile(one, f"{field}[{at}]", synths) for at, one in enumerate(listed(document, field))]


def _of_profile(given: Mapping[str, Any], field: str, synths: Synths) -> dict[str, Any]:
    from remapd.sinks.profiles.library import load_profile_named
    from remapd.sinks.profiles.sinks import sinks_from_profile

    named = parse_midi_sink({name: given[name] for name in _NAMED if name in given}, field)
    try:
        profile = load_profile_named(named.profile)
    except NotFoundError as error:
        # The sink is at fault, not the path of a request.
        raise FieldError(f"{field}.profile", error.expected, error.got) from None
    try:
        return sinks_from_profile(profile, named.instrument, synths.get((named.tracks or (1,))[0], ""))
    except FieldError as error:
        raise FieldError(f"{field}.{error.field}", error.expected, error.got) from None
