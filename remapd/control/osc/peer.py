"""Somebody who talks OSC to us, however he is connected."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from remapd.control.controller import Controller
from remapd.control.hub import Subscription
from remapd.control.osc.addresses import ERROR, SUBSCRIBE
from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.outbox import MAX_BUNDLE_BYTES, Outbox, Post
from remapd.errors import FieldError, Told
from remapd.osc.encoding import encode

#: Refusals that are told in a second.
ERRORS_PER_S = 10.0


class Peer:
    """A sender: what he may send, and the way back to him.

    Parameters
    ----------
    controller : Controller
        Whose values he is told.
    post : Post
        Sends them.
    source : hashable
        Who he is; what he changes himself is not told to him.
    send : callable
        Sends him a packet, or drops it.
    budget : TokenBucket
        Values he may touch.
    bundle_bytes : int
        Longest bundle that is sent to him; 0 sends each message by itself.
    """

    def __init__(
        self,
        controller: Controller,
        post: Post,
        source: Hashable,
        send: Callable[[bytes], None],
        budget: TokenBucket,
        bundle_bytes: int = MAX_BUNDLE_BYTES,
    ) -> None:
        self._controller = controller
        self.source, self.send, self.budget = source, send, budget
        self.errors = TokenBucket(ERRORS_PER_S, ERRORS_PER_S)
        self.outbox = Outbox(post, send, bundle_bytes)
        self._subscription: Subscription | None = None

    def contact(self) -> None:
        """Note that he said something to us."""

    def subscribe(self, port: int | None = None) -> None:
        """Tell him of changes from now on.

        Parameters
        ----------
        port : int, optional
            Where he listens, if not where he sends from.

        Raises
        ------
        FieldError
            If he cannot name a port.
        """
        if port is not None:
            raise FieldError(SUBSCRIBE, "no port, but over UDP", port)
        if self._subscription is None:
            self._subscription = self._controller.hub.subscribe(self.outbox.put, self.source)

    def unsubscribe(self) -> None:
        """Tell him of changes no more."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self.outbox.close()

    def refuse(self, address: str, text: str) -> None:
        """Tell him why something was not done."""
        self.send(encode(ERROR, [address, text]))


class Guest(Peer):
    """Somebody who is connected by other means, and told of changes by those."""

    def subscribe(self, port: int | None = None) -> None:
        """Refuse.

        Raises
        ------
        FieldError
            Always: whoever connected him tells him of changes.
        """
        raise FieldError(SUBSCRIBE, "LISTEN, or a message over UDP or TCP", Told("a message here"))
