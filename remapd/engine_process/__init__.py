"""The engine's own process, and what it and its parent tell each other."""

from remapd.engine_process.messages import Ending, Playing, Spec

__all__ = ["Ending", "Playing", "Spec"]
