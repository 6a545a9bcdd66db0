"""The module `rtmidi`, where it is installed."""

from __future__ import annotations

import importlib
from typing import Any

from remapd.errors import RemapdError


def load_rtmidi() -> Any:
    """Import it.

    Raises
    ------
    RemapdError
        If it is not installed; it says how to get it.
    """
    try:
        return importlib.import_module("rtmidi")
    except ImportError as error:
        raise RemapdError(f"rtmidi is not installed ({error}): pip install 'remapd[midi]'") from None
