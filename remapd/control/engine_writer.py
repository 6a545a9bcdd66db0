"""Values of the tree on their way into the engine's shared block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping

from remapd.control.sounds import TrackSound
from remapd.control.tree import Tree, Value
from remapd.engine.control import EngineControl
from remapd.errors import DeviceError

#: Longest wait for a running engine to take a change of program.
_FLIP_TIMEOUT_S = 2.0
_FLIP_POLL_S = 0.001


class EngineWriter:
    """Brings what was checked to the engine.

    Parameters
    ----------
    engine : EngineControl
        The shared block.
    """

    def __init__(self, engine: EngineControl) -> None:
        self._engine = engine

    async def await_slots(self, numbers: Iterable[int]) -> None:
        """Wait until the engine has taken the models that tracks of these numbers were told of before.

        Raises
        ------
        DeviceError
            If a running engine does not take them in time.
        """
        deadline = time.monotonic() + _FLIP_TIMEOUT_S
        for number in numbers:
            while not self._engine.slot_is_free(number - 1):
                if time.monotonic() > deadline:
                    raise DeviceError(f"track {number}: the engine does not answer; nothing was changed")
                await asyncio.sleep(_FLIP_POLL_S)

    def play(self, number: int, before: TrackSound, sound: TrackSound) -> None:
        """Play another sound on track `number`, from 1; a model that plays already is left alone."""
        if sound.model is before.model:
            self._engine.load_preset(number - 1, sound.preset)
        else:
            self._engine.load_model(number - 1, sound.model, sound.preset)

    def write(self, tree: Tree, values: Mapping[str, Value]) -> None:
        """Bring values to the engine; those that are not its own are left to others."""
        for path, value in values.items():
            control = tree[path]
            if control.setting and control.track:
                self._engine.set(control.track - 1, control.setting, float(value))
            elif control.setting:
                self._engine.set_global(control.setting, float(value))
            elif control.track:
                self._engine.set_input_channel(control.track - 1, int(value) - 1)
