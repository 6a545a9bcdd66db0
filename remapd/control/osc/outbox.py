"""Values on their way to one peer: the latest of each path, in bundles that fit a network's packets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping

from remapd.control.osc.addresses import address_of
from remapd.control.osc.encoding import encode, encode_bundle
from remapd.control.osc.values import arguments_of
from remapd.control.tree import Tree, Value

#: Longest bundle of more than one message: it passes any network in one piece.
MAX_BUNDLE_BYTES = 1400
#: Values that are sent in one turn of the loop, and the pause after it.
VALUES_AT_ONCE = 200
PAUSE_S = 0.002

_BUNDLE_HEAD_BYTES, _ELEMENT_HEAD_BYTES = 16, 4


class Outbox:
    """Sends values without ever holding up the loop or growing beyond the tree.

    Parameters
    ----------
    tree : callable
        Gives the tree as it is now.
    send : callable
        Sends a packet, or drops it.
    bundle_bytes : int
        Longest bundle; 0 sends each message by itself.
    """

    def __init__(
        self, tree: Callable[[], Tree], send: Callable[[bytes], None], bundle_bytes: int = MAX_BUNDLE_BYTES
    ) -> None:
        self._tree, self._send, self._bundle_bytes = tree, send, bundle_bytes
        self._waiting: dict[str, Value] = {}
        self._timer: asyncio.Handle | None = None
        self._held = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, values: Mapping[str, Value]) -> None:
        """Send values by path, soon."""
        self._waiting |= values
        self._schedule(0.0)

    def forget(self, paths: Iterable[str]) -> None:
        """Do not send what waits for these paths."""
        for path in paths:
            self._waiting.pop(path, None)

    def hold(self) -> None:
        """Send nothing until `release`: the peer does not keep up."""
        self._held = True

    def release(self) -> None:
        """Send on."""
        self._held = False
        self._schedule(0.0)

    def close(self) -> None:
        """Send nothing any more."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, delay_s: float) -> None:
        if self._timer is None and self._waiting and not self._held:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if self._held:
            return
        paths = [path for path, _ in zip(self._waiting, range(VALUES_AT_ONCE), strict=False)]
        for packet in packets(self._tree(), {path: self._waiting.pop(path) for path in paths}, self._bundle_bytes):
            self._send(packet)
        self._schedule(PAUSE_S)


def packets(tree: Tree, values: Mapping[str, Value], bundle_bytes: int) -> Iterator[bytes]:
    """Packets that tell values by path; paths that are gone are left out."""
    messages: list[bytes] = []
    size = _BUNDLE_HEAD_BYTES
    for path, value in values.items():
        if path not in tree:
            continue
        message = encode(address_of(path), arguments_of(tree[path], value))
        if messages and size + _ELEMENT_HEAD_BYTES + len(message) > bundle_bytes:
            yield _together(messages)
            messages, size = [], _BUNDLE_HEAD_BYTES
        messages.append(message)
        size += _ELEMENT_HEAD_BYTES + len(message)
    if messages:
        yield _together(messages)


def _together(messages: list[bytes]) -> bytes:
    return messages[0] if len(messages) == 1 else encode_bundle(messages)
