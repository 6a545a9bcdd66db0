"""OSC addresses of the tree's controls, and those that a pattern stands for."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.patterns import DESCENT, Descent, NamePattern, is_pattern, levels
from remapd.control.tree import Tree
from remapd.errors import FieldError, Told

#: All addresses of this daemon are below this one.
ROOT = "/remapd"
#: What there is besides the tree.
PING, PONG, SNAPSHOT = f"{ROOT}/ping", f"{ROOT}/pong", f"{ROOT}/snapshot"
SUBSCRIBE, UNSUBSCRIBE, ERROR = f"{ROOT}/subscribe", f"{ROOT}/unsubscribe", f"{ROOT}/error"
#: Patterns whose addresses are remembered, and how many new ones are looked up in a second.
REMEMBERED_PATTERNS = 256
NEW_PATTERNS_PER_S = 20.0
NEW_PATTERNS_AT_ONCE = 40.0

_Level = NamePattern | Descent
# What is below a name; for a control, its path.
_Node = dict[str, "_Node | str"]


def address_of(path: str) -> str:
    """OSC address of a path of the tree."""
    return ROOT + path


class Addresses:
    """Finds controls by address or pattern.

    Parameters
    ----------
    tree : callable
        Gives the tree as it is now.
    """

    def __init__(self, tree: Callable[[], Tree]) -> None:
        self._tree = tree
        self._known: OrderedDict[tuple[str, bool], tuple[str, ...]] = OrderedDict()
        self._nodes: _Node | None = None
        self._new_patterns = TokenBucket(NEW_PATTERNS_PER_S, NEW_PATTERNS_AT_ONCE)

    def forget(self) -> None:
        """Look everything up anew: the tree has changed."""
        self._known.clear()
        self._nodes = None

    def path(self, address: str) -> str | None:
        """Path of the one control that has this address."""
        path = address[len(ROOT) :] if address.startswith(ROOT) else ""
        return path if path in self._tree() else None

    def paths(self, address: str, expands: bool = False) -> tuple[str, ...]:
        """Paths of all controls that an address or a pattern stands for.

        Parameters
        ----------
        address : str
            What a message was sent to.
        expands : bool
            Whether a container stands for all that is below it.

        Raises
        ------
        FieldError
            If there is none, if it is no pattern, or if too many new patterns came in a short time.
        """
        path = self.path(address)
        if path is not None:
            return (path,)
        found = self._remembered(address, expands)
        if not found:
            raise FieldError("address", "one that there is", Told(address))
        return found

    def hint(self, address: str) -> str:
        """What might have been meant by an address that there is not; takes some time."""
        if is_pattern(address):
            return ""
        node, place = self._root(), ""
        for name in address[1:].split("/"):
            below = node.get(name)
            if not isinstance(below, dict):
                near = difflib.get_close_matches(name, node, n=1)
                return f" (did you mean {place}/{near[0]}?)" if near else ""
            node, place = below, f"{place}/{name}"
        return ""

    def _remembered(self, address: str, expands: bool) -> tuple[str, ...]:
        if not is_pattern(address):
            return tuple(self._below(address)) if expands else ()
        key = address, expands
        if key not in self._known:
            self._known[key] = self._look_up(address, expands)
            if len(self._known) > REMEMBERED_PATTERNS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def _look_up(self, pattern: str, expands: bool) -> tuple[str, ...]:
        if not self._new_patterns.take():
            raise FieldError("pattern", f"at most {NEW_PATTERNS_PER_S:g} new ones a second", Told("more"))
        return tuple(_Search(levels(pattern), expands).paths(self._root()))

    def _below(self, address: str) -> Iterator[str]:
        """Paths below the container that has this address."""
        node: _Node | str | None = self._root()
        for name in address.strip("/").split("/") if address != "/" else ():
            node = node.get(name) if isinstance(node, dict) else None
        return _leaves(node) if isinstance(node, dict) else iter(())

    def _root(self) -> _Node:
        if self._nodes is None:
            self._nodes = {}
            for path in self._tree():
                *names, last = address_of(path)[1:].split("/")
                node = self._nodes
                for name in names:
                    below = node.setdefault(name, {})
                    assert isinstance(below, dict), path
                    node = below
                node[last] = path
        return self._nodes


class _Search:
    """Search for what a pattern describes.

    Parameters
    ----------
    pattern : tuple
        Patterns of the levels.
    expands : bool
        Whether a container stands for all that is below.
    """

    def __init__(self, pattern: tuple[_Level, ...], expands: bool) -> None:
        self._pattern, self._expands = pattern, expands
        self._known: dict[tuple[int, str], bool] = {}

    def paths(self, node: _Node | str, reached: Iterable[int] = (0,)) -> Iterator[str]:
        """Paths at or below a node, where each of the levels at `reached` may be the next."""
        reached = self._with_descents(reached)
        if len(self._pattern) in reached and (self._expands or isinstance(node, str)):
            yield from _leaves(node)
        elif isinstance(node, dict):
            for name, below in node.items():
                if after := self._after(name, reached):
                    yield from self.paths(below, after)

    def _with_descents(self, reached: Iterable[int]) -> set[int]:
        """Levels that may be the next where a descent may be one of none."""
        return {*reached, *(i + 1 for i in reached if i < len(self._pattern) and self._pattern[i] is DESCENT)}

    def _after(self, name: str, reached: set[int]) -> set[int]:
        """Levels that may be the next below a name."""
        descents = {i for i in reached if i < len(self._pattern) and self._pattern[i] is DESCENT}
        return descents | {i + 1 for i in reached - descents if i < len(self._pattern) and self._matches(i, name)}

    def _matches(self, index: int, name: str) -> bool:
        found = self._known.get((index, name))
        if found is None:
            level = self._pattern[index]
            found = self._known[index, name] = isinstance(level, NamePattern) and level.matches(name)
        return found


def _leaves(node: _Node | str) -> Iterator[str]:
    if isinstance(node, str):
        yield node
        return
    for below in node.values():
        yield from _leaves(below)
