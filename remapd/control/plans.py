"""Tracks and settings as a session or a client describes them, checked and loaded before anything is changed."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from remapd.control.sounds import ANY_FILE, CHANNEL, MODEL, PRESET, Sounds, TrackSound, load_sound
from remapd.control.tree import Control, Value, build_tree, track_tree
from remapd.engine.control import TrackSetup
from remapd.engine.layout import MAX_TRACKS
from remapd.errors import FieldError, RemapdError, Told
from remapd.fields import shown
from remapd.mapping.default_model import DEFAULT_MODEL

_TRACK_ROOT = "/track/"
_NUMBERS = {str(number) for number in range(1, MAX_TRACKS + 1)}

#: Takes what had to be replaced; None where nothing may be.
Notes = list[str] | None


@dataclass(frozen=True)
class TrackPlan:
    """A track as it shall be: what it plays, and all its values by name within the track."""

    sound: TrackSound
    values: Mapping[str, Value]

    def paths(self, number: int) -> dict[str, Value]:
        """The values by path when it is track `number`, from 1."""
        return {f"{_TRACK_ROOT}{number}/{name}": value for name, value in self.values.items()}

    def setup(self, number: int) -> TrackSetup:
        """What the engine is told."""
        tree = track_tree(number, self.sound.model.synth)
        settings = {tree[path].setting: float(v) for path, v in self.paths(number).items() if tree[path].setting}
        return TrackSetup(self.sound.model, self.sound.preset, int(self.values[CHANNEL]) - 1, settings)


def plan_tracks(
    values: Mapping[str, object], sounds: Sounds, files: Container[str] = (), lenient: bool = False
) -> tuple[list[TrackPlan], list[str]]:
    """Turn values by path into tracks; what is not given has its default.

    Parameters
    ----------
    values : mapping
        Values by path; those outside ``/track`` are left alone.
    sounds : Sounds
        The library.
    files : container of str
        Paths of models and presets that may be named besides those of the library.
    lenient : bool
        Whether what does not fit is replaced by its default and told, rather than refused.

    Returns
    -------
    list of TrackPlan, list of str
        The tracks, and what had to be replaced.

    Raises
    ------
    RemapdError
        If something does not fit; its text names the path.
    """
    notes: list[str] = []
    given = _by_track(values, notes if lenient else None)
    plans = [
        plan_track(number, given.get(number, {}), sounds, files, notes if lenient else None)
        for number in range(1, max(given, default=1) + 1)
    ]
    return plans, notes


def plan_track(
    number: int, given: Mapping[str, object], sounds: Sounds, files: Container[str] = (), notes: Notes = None
) -> TrackPlan:
    """Turn values by name within a track into that track; what is not given has its default.

    Raises
    ------
    RemapdError
        If something does not fit; its text names the path.
    """
    sound = _sound(number, given, sounds, files, notes)
    tree, root = track_tree(number, sound.model.synth), f"{_TRACK_ROOT}{number}/"
    values = {control.path: control.default for control in tree.values() if control.default is not None}
    values |= sound.values(number)
    for name, value in given.items():
        if name not in (MODEL, PRESET):
            _take(values, tree, root + name, value, notes)
    return TrackPlan(sound, {path.removeprefix(root): value for path, value in values.items()})


def plan_once(values: Mapping[str, object], lenient: bool) -> tuple[dict[str, Value], list[str]]:
    """Take from values by path those that there are once, the rest with their defaults.

    Returns
    -------
    dict, list of str
        Values by path, and what had to be replaced.

    Raises
    ------
    FieldError
        If something does not fit and `lenient` is false.
    """
    notes: list[str] = []
    tree = build_tree([])
    planned = {control.path: control.default for control in tree.values() if control.default is not None}
    for path, value in values.items():
        if not path.startswith(_TRACK_ROOT):
            _take(planned, tree, path, value, notes if lenient else None)
    return planned, notes


def misfits(values: Mapping[str, object], sounds: Sounds) -> list[str]:
    """What a lenient start has to replace of these values by path."""
    return [*plan_tracks(values, sounds, files=ANY_FILE, lenient=True)[1], *plan_once(values, lenient=True)[1]]


def _take(values: dict[str, Value], tree: Mapping[str, Control], path: str, value: object, notes: Notes) -> None:
    try:
        values[path] = tree[path].check(value)
    except FieldError as error:
        _refuse(error, notes)


def _by_track(values: Mapping[str, object], notes: Notes) -> dict[int, dict[str, object]]:
    tracks: dict[int, dict[str, object]] = {}
    for path, value in values.items():
        if not path.startswith(_TRACK_ROOT):
            continue
        number, _, name = path.removeprefix(_TRACK_ROOT).partition("/")
        if number in _NUMBERS and name:
            tracks.setdefault(int(number), {})[name] = value
        else:
            _refuse(FieldError(shown(path), "/track/NUMBER/NAME", Told("none of that name")), notes)
    return tracks


def _sound(number: int, given: Mapping[str, object], sounds: Sounds, files: Container[str], notes: Notes) -> TrackSound:
    defaults = {MODEL: DEFAULT_MODEL, PRESET: ""}
    model, preset = (
        _text(number, name, given.get(name, default), default, notes) for name, default in defaults.items()
    )
    for attempt in dict.fromkeys(((model, preset), (model, ""))):
        try:
            return load_sound(sounds, *attempt, files=files)
        except RemapdError as error:
            _refuse(error, notes, f"track {number}: ")
    return load_sound(sounds, DEFAULT_MODEL)


def _text(number: int, name: str, value: object, default: str, notes: Notes) -> str:
    if isinstance(value, str):
        return value
    _refuse(FieldError(f"{_TRACK_ROOT}{number}/{name}", "a name", value), notes)
    return default


def _refuse(error: RemapdError, notes: Notes, prefix: str = "") -> None:
    if notes is None:
        raise error
    notes.append(prefix + str(error))
