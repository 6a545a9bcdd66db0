"""Parts of the config that are controls of the tree: their names, ranges and defaults are those declared there."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping

from remapd.control.tree import Control, Value, track_tree
from remapd.errors import FieldError
from remapd.fields import shown
from remapd.synth.registry import SYNTHS

#: Nothing sensible has more levels.
_MAX_DEPTH = 8


class ControlValues:
    """Checks a section whose keys are controls.

    Parameters
    ----------
    section : str
        Name of the section, for errors.
    controls : iterable of Control
        What may be in it; the last part of a path is the key.
    """

    def __init__(self, section: str, controls: Iterable[Control]) -> None:
        self.section = section
        self.controls = {control.path.rpartition("/")[2]: control for control in controls}

    def defaults(self) -> dict[str, Value]:
        """Value of each key where none is given."""
        return {name: control.default for name, control in self.controls.items() if control.default is not None}

    def __call__(self, given: object) -> dict[str, Value]:
        """Return the values that are given, as their controls have them.

        Raises
        ------
        FieldError
            If a key is unknown or a value does not fit.
        """
        if not isinstance(given, Mapping):
            raise FieldError(self.section, "a section", given)
        values: dict[str, Value] = {}
        for name, value in given.items():
            if name not in self.controls:
                raise unknown_key(f"{self.section}.{shown(str(name))}", str(name), self.controls)
            control = self.controls[name]
            values[name] = control.check(from_text(control, value), f"{self.section}.{name}")
        return values


def from_text(control: Control, value: object) -> object:
    """Number or switch of its text, as the environment has it; anything else as it is."""
    if not isinstance(value, str) or control.parameter is None:
        return value
    word = value.strip().lower()
    if control.kind == "switch" and word in ("true", "false", "on", "off"):
        return word in ("true", "on")
    try:
        return float(word)
    except ValueError:
        return value


def unknown_key(field: str, name: str, known: Iterable[str]) -> FieldError:
    """Error for a key that there is not; it says which one is near."""
    known = list(known)
    near = difflib.get_close_matches(name[:100], known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known[:20])}"
    return FieldError(field, f"a setting that there is ({hint})", name)


def track_values(given: object, field: str) -> dict[str, Value]:
    """Values of a track by their path below ``/track/N/``.

    Parameters
    ----------
    given : mapping
        By path (``onset/hold_ms``), by the name that the command line has (``onset.hold_ms``, ``osc1.freq``), or in
        tables within tables.
    field : str
        Name of the track, for errors.

    Raises
    ------
    FieldError
        If no synth has such a control, or the value does not fit any that has.
    """
    values: dict[str, Value] = {}
    for name, value in _flattened(given, field, 0):
        path = _paths().get(name.replace("/", "."))
        if path is None:
            raise unknown_key(f"{field}.{shown(name)}", name.replace("/", "."), _paths())
        if path in values:
            raise FieldError(f"{field}.{name}", "one value", "two")
        values[path] = _checked(_controls()[path], value, f"{field}.{name}")
    return values


def _flattened(given: object, field: str, depth: int) -> Iterator[tuple[str, object]]:
    if not isinstance(given, Mapping) or depth > _MAX_DEPTH:
        raise FieldError(field, "a table of settings", given)
    for key, value in given.items():
        if isinstance(value, Mapping):
            for name, inner in _flattened(value, f"{field}.{shown(str(key))}", depth + 1):
                yield f"{key}.{name}", inner
        else:
            yield str(key), value


def _checked(controls: list[Control], value: object, field: str) -> Value:
    """Value as the first control has it that takes it: the range of a synth's parameter depends on the synth."""
    refusals = []
    for control in controls:
        try:
            return control.check(from_text(control, value), field)
        except FieldError as refusal:
            refusals.append(refusal)
    raise refusals[0]


@functools.cache
def _controls() -> dict[str, list[Control]]:
    found: dict[str, list[Control]] = {}
    for synth in SYNTHS:
        for control in track_tree(1, synth).values():
            found.setdefault(control.path.removeprefix("/track/1/"), []).append(control)
    return found


@functools.cache
def _paths() -> dict[str, str]:
    """Path below a track by each name that it may have, dotted."""
    names = {path.replace("/", "."): path for path in _controls()}
    settings = {controls[0].setting: path for path, controls in _controls().items()}
    return {name: path for name, path in (settings | names).items() if name}
