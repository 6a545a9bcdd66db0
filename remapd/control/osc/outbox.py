"""Values on their way to one peer: the latest of each path, in bundles that fit a network's packets."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

from remapd.control.osc.addresses import address_of
from remapd.control.osc.values import argument_of
from remapd.control.tree import Kind, Tree, Value
from remapd.osc.encoding import encode, encode_bundle

#: Longest bundle of more than one message: it passes any network in one piece.
MAX_BUNDLE_BYTES = 1400
#: Values that are sent in one turn of the loop, to all peers together, and the pause after it.
VALUES_AT_ONCE = 200
PAUSE_S = 0.002

_BUNDLE_HEAD_BYTES, _ELEMENT_HEAD_BYTES = 16, 4


class Post:
    """Sends what outboxes hold, in turn, so that however many there are the loop is not held up.

    Parameters
    ----------
    tree : callable
        Gives the tree as it is now.
    """

    def __init__(self, tree: Callable[[], Tree]) -> None:
        self.tree = tree
        self._full: dict[Outbox, None] = {}
        self._timer: asyncio.Handle | None = None

    def collect(self, outbox: Outbox) -> None:
        """Send soon what an outbox holds."""
        self._full[outbox] = None
        self._schedule(0.0)

    def skip(self, outbox: Outbox) -> None:
        """Send nothing of an outbox until it is to be collected again."""
        self._full.pop(outbox, None)

    def _schedule(self, delay_s: float) -> None:
        if self._timer is None and self._full:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._turn)

    def _turn(self) -> None:
        self._timer = None
        left = VALUES_AT_ONCE
        while self._full and left > 0:
            outbox = next(iter(self._full))
            del self._full[outbox]
            left -= outbox.empty(left)
            if len(outbox):
                self._full[outbox] = None
        self._schedule(PAUSE_S)


class Outbox:
    """Values for one peer; never more than the tree has.

    Parameters
    ----------
    post : Post
        Collects them.
    send : callable
        Sends a packet, or drops it.
    bundle_bytes : int
        Longest bundle; 0 sends each message by itself.
    """

    def __init__(self, post: Post, send: Callable[[bytes], None], bundle_bytes: int = MAX_BUNDLE_BYTES) -> None:
        self._post, self._send, self._bundle_bytes = post, send, bundle_bytes
        self._waiting: dict[str, Value] = {}
        self._is_held = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, values: Mapping[str, Value]) -> None:
        """Send values by path, soon."""
        self._waiting |= values
        if not self._is_held:
            self._post.collect(self)

    def forget(self, paths: Iterable[str]) -> None:
        """Do not send what waits for these paths."""
        for path in paths:
            self._waiting.pop(path, None)

    def hold(self) -> None:
        """Send nothing until `release`: the peer does not keep up."""
        self._is_held = True
        self._post.skip(self)

    def release(self) -> None:
        """Send on."""
        self._is_held = False
        self._post.collect(self)

    def close(self) -> None:
        """Send nothing of what waits."""
        self._waiting.clear()
        self._post.skip(self)

    def empty(self, most: int) -> int:
        """Send up to a number of values; returns how many."""
        paths = list(itertools.islice(self._waiting, most))
        tree = self._post.tree()
        for packet in packets(tree, {path: self._waiting.pop(path) for path in paths}, self._bundle_bytes):
            self._send(packet)
        return len(paths)


def packets(tree: Tree, values: Mapping[str, Value], bundle_bytes: int) -> Iterator[bytes]:
    """Packets that tell values by path; paths that are gone are left out."""
    messages: list[bytes] = []
    size = _BUNDLE_HEAD_BYTES
    for path, value in values.items():
        if path not in tree:
            continue
        message = _message(path, tree[path].kind, value)
        if messages and size + _ELEMENT_HEAD_BYTES + len(message) > bundle_bytes:
            yield _together(messages)
            messages, size = [], _BUNDLE_HEAD_BYTES
        messages.append(message)
        size += _ELEMENT_HEAD_BYTES + len(message)
    if messages:
        yield _together(messages)


@functools.lru_cache(maxsize=4096, typed=True)
def _message(path: str, kind: Kind, value: Value) -> bytes:
    """Message that tells a value; many peers are told the same."""
    return encode(address_of(path), [argument_of(kind, value)])


def _together(messages: list[bytes]) -> bytes:
    return messages[0] if len(messages) == 1 else encode_bundle(messages)
