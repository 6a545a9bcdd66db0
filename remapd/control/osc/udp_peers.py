"""Peers on UDP: who talks gets feedback, until he is silent for long."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from typing import Any

from remapd.control.controller import Controller
from remapd.control.osc.addresses import SUBSCRIBE
from remapd.control.osc.counters import Counters
from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.outbox import Post
from remapd.control.osc.peer import Peer
from remapd.control.osc.settings import OscSettings
from remapd.errors import FieldError, Told

#: How often silent peers are looked for.
SWEEP_S = 1.0
#: A peer that was heard over so long a time stays; one that was heard once makes room for others.
STEADY_S = 1.0
#: Snapshots for those who talk for the first time.
SNAPSHOTS_PER_S = 4.0
SNAPSHOTS_AT_ONCE = 8.0

_log = logging.getLogger("remapd.osc")

Send = Callable[[bytes, "UdpPeer"], None]
#: Host and port, and two more numbers with IPv6.
Address = tuple[Any, ...]


class UdpPeer(Peer):
    """Whoever sends from one address and port.

    Parameters
    ----------
    controller, post, budget
        See `Peer`.
    address : tuple
        Where he sends from.
    send : callable
        Sends a packet to a peer.
    on_contact : callable
        Called whenever he says something to us.

    Attributes
    ----------
    target : tuple
        Where he listens.
    first_s, last_s : float
        When he was heard first and last.
    has_place : bool
        Whether he is one of those who may get feedback.
    """

    def __init__(
        self,
        controller: Controller,
        post: Post,
        address: Address,
        send: Send,
        budget: TokenBucket,
        on_contact: Callable[[UdpPeer], None],
    ) -> None:
        super().__init__(controller, post, ("osc/udp", *address[:2]), functools.partial(_send_to, send, self), budget)
        self.address = self.target = address
        self._on_contact = on_contact
        self.first_s = self.last_s = time.monotonic()
        self.has_place = self._asked = False

    def contact(self) -> None:
        """Note that he said something to us."""
        self.last_s = time.monotonic()
        self._on_contact(self)

    def subscribe(self, port: int | None = None) -> None:
        """Tell him of changes from now on, at another port if he names one.

        Raises
        ------
        FieldError
            If there is no room for him.
        """
        if not self.has_place:
            raise FieldError(SUBSCRIBE, "fewer others who want feedback", Told("too many"))
        if port is not None:
            self.target = (self.address[0], port, *self.address[2:])
        self._asked = True
        super().subscribe()

    def unsubscribe(self) -> None:
        """Tell him of changes no more, until he asks for it."""
        self._asked = False
        super().unsubscribe()

    @property
    def stays(self) -> bool:
        """Whether he keeps his place when others come."""
        return self._asked or self.last_s - self.first_s > STEADY_S


def _send_to(send: Send, peer: UdpPeer, data: bytes) -> None:
    send(data, peer)


class UdpPeers:
    """Those who talk, up to a number.

    Parameters
    ----------
    controller : Controller
        Whose values they are told.
    post : Post
        Sends them.
    settings : OscSettings
        How many there may be, how much each may send, and when they are forgotten.
    send : callable
        Sends a packet to a peer.
    counters : Counters
        Count those for whom there is no room.
    """

    def __init__(
        self, controller: Controller, post: Post, settings: OscSettings, send: Send, counters: Counters
    ) -> None:
        self._post = post
        self._controller, self._settings, self._send, self._counters = controller, settings, send, counters
        self._peers: dict[Address, UdpPeer] = {}
        self._strangers = self._new_budget()
        self._snapshots = TokenBucket(SNAPSHOTS_PER_S, SNAPSHOTS_AT_ONCE)
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._peers)

    def start(self) -> None:
        """Look for silent peers from now on."""
        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def stop(self) -> None:
        """Forget everybody."""
        if self._timer is not None:
            self._timer.cancel()
        for address in list(self._peers):
            self._forget(address)

    def find(self, address: Address) -> UdpPeer:
        """Whoever sends from an address; strangers share one budget."""
        known = self._peers.get(address)
        return known or UdpPeer(self._controller, self._post, address, self._send, self._strangers, self._admit)

    def _admit(self, peer: UdpPeer) -> None:
        """Give a peer a place and feedback when he talks for the first time."""
        if peer.address in self._peers:
            return
        if len(self._peers) >= self._settings.peers and not self._make_room():
            self._counters.turned_away += 1
            return
        peer.budget, peer.has_place = self._new_budget(), True
        self._peers[peer.address] = peer
        _log.debug("%s port %d talks OSC over UDP", *peer.address[:2])
        Peer.subscribe(peer)
        if self._snapshots.take():
            peer.outbox.put(self._controller.values())

    def _make_room(self) -> bool:
        """Forget the one of those who were heard once that was silent for longest."""
        passing = [peer for peer in self._peers.values() if not peer.stays]
        if passing:
            self._forget(min(passing, key=lambda peer: peer.last_s).address)
        return bool(passing)

    def _sweep(self) -> None:
        earliest_s = time.monotonic() - self._settings.expire_s
        for address in [a for a, peer in self._peers.items() if peer.last_s < earliest_s]:
            self._forget(address)
        self.start()

    def _forget(self, address: Address) -> None:
        peer = self._peers.pop(address)
        peer.has_place = False
        Peer.unsubscribe(peer)
        _log.debug("%s port %d is no longer told of changes", *address[:2])

    def _new_budget(self) -> TokenBucket:
        return TokenBucket(self._settings.rate_per_s, self._settings.rate_per_s)
