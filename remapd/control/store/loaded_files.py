"""Files of a library that are kept loaded for as long as they are the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from remapd.control.store.library_entry import Entry, Identity, entry_of

#: So many are kept; the one that was not asked for the longest goes first.
MOST = 64

Loaded = TypeVar("Loaded")


class LoadedFiles(Generic[Loaded]):
    """Loads each file once; may be used from any thread.

    Parameters
    ----------
    load : callable
        Loads a file.
    """

    def __init__(self, load: Callable[[Path], Loaded]) -> None:
        self._load = load
        self._loaded: OrderedDict[Identity, Loaded] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, entry: Entry) -> Loaded:
        """What the file of an entry holds now; raises what loading it raises."""
        identity = (entry_of(entry.kind, entry.path, entry.is_own) or entry).identity
        with self._lock:
            found = self._loaded.pop(identity, None)
            if found is None:
                found = self._load(entry.path)
            self._loaded[identity] = found
            while len(self._loaded) > MOST:
                self._loaded.popitem(last=False)
        return found
