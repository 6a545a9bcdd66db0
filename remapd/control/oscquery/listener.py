"""One client on a WebSocket: what it listens to, and what waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from remapd.control.osc.addresses import ROOT, address_of
from remapd.control.osc.values import arguments_of
from remapd.control.oscquery.namespace import path_of
from remapd.control.oscquery.structure import CHANGED, message
from remapd.control.tree import Tree, Value
from remapd.errors import FieldError, Told
from remapd.fields import checked_object, parsed_json
from remapd.osc.encoding import encode

#: Messages and answers that wait for one client.
MAX_WAITING = 256
#: Values that are sent before other clients have their turn.
VALUES_AT_ONCE = 64

LISTEN, IGNORE = "LISTEN", "IGNORE"
Frame = str | bytes


class Listener:
    """What one client wants, and its frames that wait; all of it is bounded by the tree or by `MAX_WAITING`.

    A client that reads slowly gets the latest value of each path, and is told to look at everything anew where it
    missed messages about the structure.

    Parameters
    ----------
    tree : callable
        Gives the tree as it is now.

    Attributes
    ----------
    dropped : int
        Answers that it did not read in time.
    """

    def __init__(self, tree: Callable[[], Tree]) -> None:
        self._tree = tree
        self._paths: set[str] = set()
        # What comes to these is listened to as well.
        self._containers: set[str] = set()
        self._values: dict[str, Value] = {}
        self._messages: deque[str] = deque()
        self._answers: deque[bytes] = deque()
        self._ready = asyncio.Event()
        self.dropped = 0

    def wants(self, path: str) -> bool:
        """Whether it listens to a path."""
        return path in self._paths

    def command(self, text: str) -> str | None:
        """Do what a message says; returns the path to which it began to listen, if it did.

        Raises
        ------
        FieldError
            If it is none, or names what there is not.
        """
        name, path = _command_of(text)
        if name == IGNORE:
            self._ignore(path)
            return None
        self._listen(path)
        return path

    def take_structure(self, messages: Sequence[str], added: Iterable[str] = ()) -> None:
        """Tell of nodes that came and went; listen to what came, and forget what went."""
        tree = self._tree()
        self._paths = {path for path in self._paths if path in tree}
        self._paths |= {path for path in added if any(_is_below(path, container) for container in self._containers)}
        messages = [text for text in messages if CHANGED not in text or text not in self._messages]
        if len(self._messages) + len(messages) > MAX_WAITING:
            self._messages.clear()
            messages = [message(CHANGED, ROOT)]
        self._messages.extend(messages)
        self._ready.set()

    def take_values(self, values: Mapping[str, Value]) -> None:
        """Tell values, soon."""
        self._values |= values
        self._ready.set()

    def answer(self, packet: bytes) -> None:
        """Send a packet that answers one of its own."""
        if len(self._answers) >= MAX_WAITING:
            self.dropped += 1
            return
        self._answers.append(packet)
        self._ready.set()

    async def frames(self) -> list[Frame]:
        """Wait for what is to be sent next; texts are messages, bytes are OSC."""
        while not (self._messages or self._answers or self._values):
            self._ready.clear()
            await self._ready.wait()
        frames: list[Frame] = [*self._messages, *self._answers]
        self._messages.clear()
        self._answers.clear()
        tree = self._tree()
        paths = [path for path, _ in zip(self._values, range(VALUES_AT_ONCE), strict=False)]
        values = {path: self._values.pop(path) for path in paths}
        # One message in each frame: clients in browsers take no bundles.
        return frames + [_packet(tree, path, value) for path, value in values.items() if path in tree]

    def _listen(self, path: str) -> None:
        tree = self._tree()
        if tree.is_container(path):
            self._containers.add(path)
        elif path not in tree:
            raise FieldError("DATA", "an address that there is", address_of(path))
        self._paths |= {control.path for control in tree.under(path)}

    def _ignore(self, path: str) -> None:
        """Listen no more to a path and what is below; it may have gone in the meantime."""
        self._paths = {own for own in self._paths if not _is_below(own, path)}
        self._containers = {own for own in self._containers if not _is_below(own, path)}
        self._values = {own: value for own, value in self._values.items() if own in self._paths}


def _is_below(path: str, container: str) -> bool:
    """Whether a path is that of a node or of one below it."""
    return path == container or path.startswith(container.rstrip("/") + "/")


def _packet(tree: Tree, path: str, value: Value) -> bytes:
    return encode(address_of(path), arguments_of(tree[path], value))


def _command_of(text: str) -> tuple[str, str]:
    """Command and path of a message such as ``{"COMMAND": "LISTEN", "DATA": "/remapd/track/1/mute"}``."""
    try:
        members = checked_object(parsed_json(text), "message")
    except ValueError as error:
        raise FieldError("message", "a JSON object", Told(str(error))) from None
    name, address = members.get("COMMAND"), members.get("DATA")
    if name not in (LISTEN, IGNORE):
        raise FieldError("COMMAND", f"{LISTEN} or {IGNORE}", name)
    path = path_of(address) if isinstance(address, str) else None
    if path is None:
        raise FieldError("DATA", f"an address below {ROOT}", address)
    return str(name), path
