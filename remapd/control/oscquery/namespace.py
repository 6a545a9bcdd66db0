"""Answers to queries: a node with all that is below it, or some of its attributes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from remapd.control.controller import Controller
from remapd.control.osc.addresses import ROOT
from remapd.control.oscquery.attributes import ATTRIBUTES, NO_VALUE, attributes_json, attributes_of
from remapd.control.tree import Control, Tree, Value
from remapd.errors import FieldError

#: Controls that are described in one turn of the loop.
AT_ONCE = 64
# Some clients write `?VALUE=1`.
_YES = ("", "1", "true")
#: Asked in the place of an attribute: who this is, and the page for people.
HOST_INFO, HTML = "HOST_INFO", "HTML"
_KNOWN = (*ATTRIBUTES, HOST_INFO, HTML)

Choices = Callable[[Iterable[Control]], Awaitable[Mapping[str, list[str]]]]


class _State(NamedTuple):
    """The tree at one moment."""

    tree: Tree
    values: Mapping[str, Value]
    choices: Mapping[str, list[str]]

    def has(self, path: str) -> bool:
        """Whether there is something at a path."""
        return path in self.tree or self.tree.is_container(path)

    def leaf(self, path: str) -> tuple[Control, Value | None, list[str]]:
        """Everything about one control."""
        control = self.tree[path]
        return control, self.values.get(path), self.choices.get(path, list(control.choices))


class Namespace:
    """Describes the tree.

    Parameters
    ----------
    controller : Controller
        Knows tree and values.
    choices : callable
        Gives the names that models and presets may have, by path.
    """

    def __init__(self, controller: Controller, choices: Choices) -> None:
        self._controller, self._choices = controller, choices

    def has(self, address: str) -> bool:
        """Whether there is something at an address."""
        path = path_of(address)
        return path is not None and (path in self._controller.tree or self._controller.tree.is_container(path))

    async def node(self, address: str) -> str | None:
        """JSON object of the node at an address with everything below; None if there is none."""
        path = path_of(address)
        state = await self._state(path)
        if path is None or not state.has(path):
            return None
        if path in state.tree:
            return attributes_json(*state.leaf(path))
        text = await _Writer(state).text(path)
        return _wrapped(text) if _is_root(address) else text

    async def attributes(self, address: str, names: Collection[str]) -> dict[str, Any] | None:
        """Those of the named attributes that a node has; None if there is no node."""
        path = path_of(address)
        state = await self._state(path)
        if path is None or not state.has(path):
            return None
        if path in state.tree:
            found = attributes_of(*state.leaf(path))
        else:
            found = {"FULL_PATH": "/" if _is_root(address) else address.rstrip("/"), "ACCESS": NO_VALUE}
        if "CONTENTS" in names and path not in state.tree:
            found = json.loads(await self.node(address) or "{}")
        return {name: found[name] for name in names if name in found}

    async def _state(self, path: str | None) -> _State:
        """State of what is at or below a path, all of one moment; names of files are read before."""
        controls = self._controller.tree.under(path) if path is not None else []
        choices = await self._choices([control for control in controls if control.choices_of])
        tree = self._controller.tree
        return _State(tree, self._controller.values(path) if path is not None else {}, choices)


def names_of_query(query: str) -> list[str]:
    """Names in the query of a URL (``VALUE``, ``VALUE&RANGE``, ``HOST_INFO=1``).

    Raises
    ------
    FieldError
        If one is none that OSCQuery has.
    """
    names = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name not in _KNOWN or value not in _YES:
            raise FieldError("query", f"one of {', '.join(_KNOWN)}", part)
        names.append(name)
    return names


def path_of(address: str) -> str | None:
    """Path in the tree of an address; None if it can be none. Both roots have the path ``/``."""
    whole = address.rstrip("/")
    if whole in ("", ROOT):
        return "/"
    return whole.removeprefix(ROOT) if whole.startswith(ROOT + "/") else None


def _is_root(address: str) -> bool:
    return not address.strip("/")


class _Writer:
    """Writes nodes as JSON.

    Parameters
    ----------
    state : _State
        What is described.
    """

    def __init__(self, state: _State) -> None:
        self._state = state
        self._parts: list[str] = []
        self._since = 0

    async def text(self, path: str) -> str:
        """JSON of the node at a path; the loop gets its turn between large pieces."""
        await self._write(path, path.rstrip("/"))
        return "".join(self._parts)

    async def _write(self, path: str, below: str) -> None:
        if self._since > AT_ONCE:
            self._since = 0
            await asyncio.sleep(0)
        state, parts = self._state, self._parts
        parts.append(f'{{"FULL_PATH": "{ROOT}{below}", "ACCESS": {NO_VALUE}, "CONTENTS": {{')
        separator = ""
        for name in state.tree.children(path):
            inner = f"{below}/{name}"
            parts.append(f'{separator}"{name}": ')
            separator = ", "
            if inner in state.tree:
                parts.append(attributes_json(*state.leaf(inner)))
                self._since += 1
            else:
                await self._write(inner, inner)
        parts.append("}}")


def _wrapped(node: str) -> str:
    """The root of all addresses, with our own below it."""
    return f'{{"FULL_PATH": "/", "ACCESS": {NO_VALUE}, "CONTENTS": {{"{ROOT[1:]}": {node}}}}}'
