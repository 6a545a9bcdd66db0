"""What is true at the moment: the tree, the value of each control, what the tracks play; and telling who watches."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Container, Hashable, Mapping

from remapd.control.hub import ChangeHub
from remapd.control.sounds import Sounds, TrackSound
from remapd.control.tree import Tree, Value, build_tree
from remapd.errors import FieldError, RemapdError, Told


class State:
    """Values by path; read by all, changed through the `Controller` that builds on it.

    Parameters
    ----------
    sounds : Sounds
        The library of models and presets.

    Attributes
    ----------
    tree : Tree
        What there is at the moment.
    revision : int
        Grows with every change, also from one start of the daemon to the next: it is the entity tag of the tree.
    hub : ChangeHub
        Tells of changes.
    followers : dict
        Called with the new value of a path that is not the engine's (``/log_level``).
    """

    def __init__(self, sounds: Sounds) -> None:
        self._sounds = sounds
        self._playing: list[TrackSound] = []
        self._values: dict[str, Value] = {}
        self.tree: Tree = build_tree([])
        self.revision = time.time_ns() // 1_000_000
        self.hub = ChangeHub(self.values)
        self.followers: dict[str, Callable[[Value], None]] = {}
        self._preset_synths: dict[str, tuple[object, str]] = {}

    @property
    def tracks(self) -> int:
        """How many tracks there are."""
        return len(self._playing)

    def value(self, path: str) -> Value:
        """The value of a control.

        Raises
        ------
        FieldError
            If there is none of that path, or it is an action.
        """
        control = self.tree[path]
        if control.kind == "action":
            raise FieldError(path, "a control with a value", Told("an action"))
        return self._values[path]

    def values(self, container: str = "/") -> dict[str, Value]:
        """All values below a container, by path."""
        return {c.path: self._values[c.path] for c in self.tree.under(container) if c.kind != "action"}

    def choices(self, path: str) -> list[str]:
        """Values that a text may have; empty if it is free."""
        control = self.tree[path]
        if control.choices_of == "models":
            return list(self._sounds.models())
        if control.choices_of == "presets":
            return self._presets_for(self.sound(control.track).model.synth)
        return list(control.choices)

    def _presets_for(self, synth: str) -> list[str]:
        return [name for name, entry in self._sounds.presets().items() if self._synth_of(name, entry) == synth]

    def _synth_of(self, name: str, entry: object) -> str:
        """Synth of a preset, remembered until its file changes; empty for a damaged one, which is no choice."""
        known = self._preset_synths.get(name)
        if known is None or known[0] != entry:
            synth = ""
            with contextlib.suppress(RemapdError):
                synth = self._sounds.preset(name).synth
            known = self._preset_synths[name] = entry, synth
        return known[1]

    def sound(self, number: int) -> TrackSound:
        """What track `number`, from 1, plays.

        Raises
        ------
        FieldError
            If there is no such track.
        """
        if not 1 <= number <= self.tracks:
            raise FieldError("track", f"1 to {self.tracks}", number)
        return self._playing[number - 1]

    def _settle(
        self, tree: Tree, values: Mapping[str, Value], given: Container[str], source: Hashable | None
    ) -> dict[str, Value]:
        """Take new values for true and tell everybody; whoever sent them hears of their consequences only."""
        before, self.tree = self.tree, tree
        added, removed = _differences(before, tree)
        for path in removed:
            self._values.pop(path, None)
        defaults = {path: tree[path].default for path in added}
        values = {**{path: value for path, value in defaults.items() if value is not None}, **values}
        changed = {path: value for path, value in values.items() if self._values.get(path) != value}
        self._values |= changed
        if not (changed or added or removed):
            return {}
        self.revision += 1
        if added or removed:
            self.hub.publish_structure(added, removed)
        self.hub.publish({p: v for p, v in changed.items() if p in given}, source)
        self.hub.publish({p: v for p, v in changed.items() if p not in given})
        for path in changed.keys() & self.followers.keys():
            self.followers[path](changed[path])
        return changed


def _differences(before: Tree, after: Tree) -> tuple[set[str], set[str]]:
    """Paths that came and went; one whose control is another now has done both."""
    if before is after:
        return set(), set()
    added = {path for path, control in after.items() if path not in before or before[path] != control}
    removed = {path for path, control in before.items() if path not in after or after[path] != control}
    return added, removed
