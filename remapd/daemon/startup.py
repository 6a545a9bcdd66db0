"""What the daemon starts with: flags, the config, and the session it had when it ended or was ended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from remapd.control.sounds import MODEL, PRESET

Values = Mapping[str, object]

_BACKEND = "/device/backend"
#: What a virtual device was told that a real one need not have.
_OF_VIRTUAL = (_BACKEND, "/device/sample_rate_hz", "/device/block_size")
_TRACK = re.compile(r"/track/([0-9]+)/(.+)")
#: What a model or a preset brings: it does not outlive another one.
_OF_MODEL = (PRESET, "synth/", "depth/", "lock/")
_OF_PRESET = ("synth/",)


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says of what is played.

    Parameters
    ----------
    values : mapping
        By path.
    tracks : sequence of mapping
        By name within each track; if there are any, they are all the tracks.
    each_track : mapping
        By name within a track, for every track there is.
    sinks : sequence of mapping
        Documents of sinks, which hold beside those of the config and the session.
    """

    values: Values = field(default_factory=dict)
    tracks: Sequence[Values] = ()
    each_track: Values = field(default_factory=dict)
    sinks: Sequence[Values] = ()


def starting_values(
    config: Values, session: Values, flags: Flags, resumes: bool, plays_on: bool = False
) -> dict[str, object]:
    """Bring together by path what is said where.

    An engine that plays on is left as it is. Else flags hold above all. After a crash all else is as it was; after an
    ordinary end what the config says holds, and the rest is as it was, but for a virtual device: a trial without
    hardware is no wish for the next time.

    Parameters
    ----------
    config, session : mapping
        Values by path.
    flags : Flags
        What the command line says.
    resumes : bool
        Whether the session is that of a daemon that did not end as it should.
    plays_on : bool
        Whether the engine of that daemon was found playing.
    """
    if not resumes and session.get(_BACKEND) == "virtual":
        session = {path: value for path, value in session.items() if path not in _OF_VIRTUAL}
    values = merged(config, session) if resumes else merged(session, config)
    if plays_on:
        return values
    if flags.tracks:
        values = {path: value for path, value in values.items() if not _TRACK.fullmatch(path)}
    for number, track in enumerate(flags.tracks, 1):
        values |= {f"/track/{number}/{name}": value for name, value in track.items()}
    for number in _numbers(values) or [1]:
        values = merged(values, {f"/track/{number}/{name}": value for name, value in flags.each_track.items()})
    return merged(values, flags.values)


def merged(earlier: Values, later: Values) -> dict[str, object]:
    """Values of `earlier` with those of `later` in their place; what another model or preset would bring is dropped."""
    stale: list[str] = []
    for path, value in later.items():
        track = _TRACK.fullmatch(path)
        if track and track[2] in (MODEL, PRESET) and earlier.get(path) not in (None, value):
            names = _OF_MODEL if track[2] == MODEL else _OF_PRESET
            stale += [f"/track/{track[1]}/{name}" for name in names]
    kept = {path: value for path, value in earlier.items() if not path.startswith(tuple(stale))}
    return {**kept, **later}


def _numbers(values: Values) -> list[int]:
    return sorted({int(track[1]) for track in map(_TRACK.fullmatch, values) if track})
