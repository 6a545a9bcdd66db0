"""The few addresses below the root that are not of the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from remapd.control.controller import Controller
from remapd.control.osc.addresses import ERROR, PING, PONG, SNAPSHOT, SUBSCRIBE, UNSUBSCRIBE
from remapd.control.osc.peer import Peer
from remapd.errors import FieldError, Told
from remapd.osc.arguments import Argument
from remapd.osc.encoding import encode

Word = Callable[[Sequence[Argument], Peer], None]


class Words:
    """What peers can ask for besides the values of the tree.

    Parameters
    ----------
    controller : Controller
        Whose values they are told.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._words: dict[str, Word] = {
            PING: self._ping,
            SUBSCRIBE: self._subscribe,
            UNSUBSCRIBE: self._unsubscribe,
            SNAPSHOT: self._snapshot,
            # What we send ourselves: an answer to it would have no end.
            PONG: self._ignore,
            ERROR: self._ignore,
        }

    def find(self, address: str) -> Word | None:
        """What an address asks for, if it is one of these."""
        return self._words.get(address)

    def cost(self, address: str) -> int:
        """How many values it takes to answer."""
        return len(self._controller.tree) if address in (SNAPSHOT, SUBSCRIBE) else 1

    def _ping(self, arguments: Sequence[Argument], peer: Peer) -> None:
        peer.send(encode(PONG, arguments))

    def _subscribe(self, arguments: Sequence[Argument], peer: Peer) -> None:
        """Begin feedback, to another port if one is named, with everything as it is."""
        port = arguments[0] if arguments else None
        is_port = isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65535
        if len(arguments) > 1 or not (port is None or is_port):
            raise FieldError(SUBSCRIBE, "nothing, or a port from 1 to 65535", Told(repr(port)[:40]))
        peer.subscribe(port if isinstance(port, int) else None)
        self._snapshot((), peer)

    def _unsubscribe(self, arguments: Sequence[Argument], peer: Peer) -> None:
        peer.unsubscribe()

    def _snapshot(self, arguments: Sequence[Argument], peer: Peer) -> None:
        peer.outbox.put(self._controller.values())

    def _ignore(self, arguments: Sequence[Argument], peer: Peer) -> None:
        """Do nothing."""
