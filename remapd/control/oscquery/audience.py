"""Everybody who listens over a WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remapd.control.bulletin import Bulletin
from remapd.control.controller import Controller
from remapd.control.hub import Subscription
from remapd.control.osc.addresses import address_of
from remapd.control.oscquery.listener import Listener
from remapd.control.oscquery.structure import CHANGED, message, structure_messages


class Audience:
    """Brings changes of values and of the tree to all listeners.

    Parameters
    ----------
    controller : Controller
        Knows tree and values.
    bulletin : Bulletin
        Tells when models or presets came or went.
    """

    def __init__(self, controller: Controller, bulletin: Bulletin) -> None:
        self._controller, self._bulletin = controller, bulletin
        self._listeners: dict[Listener, Subscription] = {}
        self._ends: list[Callable[[], None]] = []
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._listeners)

    @property
    def dropped(self) -> int:
        """Answers that were not read in time, by anybody so far."""
        return self._dropped + sum(listener.dropped for listener in self._listeners)

    def join(self) -> Listener:
        """A new listener; it is the source of the changes that it makes, and does not hear of them."""
        listener = Listener(lambda: self._controller.tree)
        hub = self._controller.hub
        self._listeners[listener] = hub.subscribe(listener.take_values, listener, listener.wants)
        if not self._ends:
            self._ends = [hub.on_structure(self._on_structure), self._bulletin.subscribe(self._on_news)]
        return listener

    def leave(self, listener: Listener) -> None:
        """Tell a listener nothing more."""
        self._listeners.pop(listener).close()
        self._dropped += listener.dropped
        if not self._listeners:
            for end in self._ends:
                end()
            self._ends = []

    def _on_structure(self, added: set[str], removed: set[str]) -> None:
        messages = structure_messages(self._controller.tree, added, removed)
        for listener in self._listeners:
            listener.take_structure(messages, added)

    def _on_news(self, kind: str, data: dict[str, Any]) -> None:
        """Let clients ask anew which models and presets there are."""
        if kind != "library":
            return
        named = [control.path for control in self._controller.tree.values() if control.choices_of]
        messages = [message(CHANGED, address_of(path)) for path in named]
        for listener in self._listeners:
            listener.take_structure(messages)
