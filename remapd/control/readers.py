"""Callables that want to be told, each until it says otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, ParamSpec

_log = logging.getLogger("remapd.control")

Told = ParamSpec("Told")


class Readers(Generic[Told]):
    """Calls every reader with what there is to tell; one that fails is logged and the others are served."""

    def __init__(self) -> None:
        self._readers: dict[object, Callable[Told, None]] = {}

    def add(self, reader: Callable[Told, None]) -> Callable[[], None]:
        """Call `reader`, which must return at once, from now on; returns what ends that."""
        key = object()
        self._readers[key] = reader

        def end() -> None:
            self._readers.pop(key, None)

        return end

    def tell(self, *what: Told.args, **named: Told.kwargs) -> None:
        """Call all of them."""
        for reader in list(self._readers.values()):
            try:
                reader(*what, **named)
            except Exception:
                _log.exception("a reader failed: %r", reader)
