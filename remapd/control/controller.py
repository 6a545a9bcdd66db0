"""The only way to change a running daemon: one set of values by path, and the engine that follows it.

All of it runs in the loop's thread. What belongs together is checked as a whole before anything is done, and reaches
the engine in one piece.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from remapd.control.bulletin import Bulletin
from remapd.control.changer import Changer, Check, nothing_against
from remapd.control.device import device_values
from remapd.control.host import EngineHost
from remapd.control.plans import TrackPlan, plan_once, plan_track, plan_tracks
from remapd.control.session_document import (
    Section,
    check_parts,
    restored_sections,
    session_document,
    session_parts,
)
from remapd.control.sounds import ANY_FILE, Sounds
from remapd.control.tree import Value
from remapd.engine.control import EngineControl
from remapd.errors import DeviceError, FieldError, Told
from remapd.synth.presets import Preset

_NOTHING: Mapping[str, object] = {}


class Controller(Changer):
    """Values of the tree, checked and brought to the engine; whoever watches is told.

    Parameters
    ----------
    engine : EngineControl
        The engine's shared block.
    host : EngineHost
        Keeps the engine process alive.
    sounds : Sounds
        The library of models and presets.
    bulletin : Bulletin
        Takes news for people.
    load_models_over_osc : bool
        Whether OSC may change the model of a track.

    Attributes
    ----------
    sections : dict
        Parts of a session beside the tree, by name.
    """

    def __init__(
        self,
        engine: EngineControl,
        host: EngineHost,
        sounds: Sounds,
        bulletin: Bulletin,
        load_models_over_osc: bool = False,
    ) -> None:
        super().__init__(engine, host, sounds, load_models_over_osc)
        self._bulletin = bulletin
        #: Paths that were named when it began; sessions may name them again.
        self._files: set[str] = set()
        self.sections: dict[str, Section] = {}

    def preset_of(self, number: int, name: str, description: str = "") -> Preset:
        """The sound of track `number` as it is now, as a preset.

        Raises
        ------
        FieldError
            If there is no such track, or the name or description does not fit.
        """
        synth = self.sound(number).model.synth
        table = self.sound(number).preset.table
        values = [self._values[f"/track/{number}/synth/{n.replace('.', '/')}"] for n in table.names]
        return Preset(name, synth, table.checked(values), self._engine.sound(number - 1)[1], description)

    # -- tracks ------------------------------------------------------------------------------------------------------

    async def add_track(
        self,
        values: Mapping[str, object] = _NOTHING,
        source: Hashable | None = None,
        check: Check = nothing_against,
    ) -> int:
        """Append a track; returns its number.

        Parameters
        ----------
        values : mapping
            By name within the track (``model``, ``onset/hold_ms``); the rest has its default.
        source : hashable, optional
            Who wants it.
        check : callable
            Called when all is loaded; what it raises ends it with nothing changed.

        Raises
        ------
        RemapdError
            If something does not fit or cannot be loaded, or there are too many tracks; then nothing is changed.
        """
        async with self._turn:
            number = self.tracks + 1
            plan = await asyncio.to_thread(plan_track, number, values, self._sounds)
            await self._writer.await_slots([number])
            check()
            playing = [*self._playing, plan.sound]
            paths = plan.paths(number)
            stream, tree = self._stream_for(paths), self._tree_of(playing)
            self._engine.add_track(plan.setup(number))
            self._playing = playing
            self._settle(tree, paths, (), source)
            self._reopen(stream)
            return number

    async def remove_track(self, number: int, source: Hashable | None = None, check: Check = nothing_against) -> None:
        """Take a track away; the numbers of those behind it fall by one. For `check` see `add_track`.

        Raises
        ------
        FieldError
            If there is no such track, or no other.
        DeviceError
            If the engine does not answer.
        """
        async with self._turn:
            self.sound(number)
            await self._writer.await_slots(range(number, self.tracks + 1))
            check()
            self._engine.remove_track(number - 1)
            del self._playing[number - 1]
            self._settle(self._tree_of(self._playing), self._moved_up(number), (), source)

    def _moved_up(self, number: int) -> dict[str, Value]:
        """Values of the tracks behind `number` under the numbers they will have."""
        moved = {}
        for later in range(number + 1, self.tracks + 2):
            for path, value in self.values(f"/track/{later}").items():
                moved[path.replace(f"/track/{later}/", f"/track/{later - 1}/", 1)] = value
        return moved

    # -- sessions ----------------------------------------------------------------------------------------------------

    def session(self) -> dict[str, Any]:
        """Everything that can be set, as JSON has it."""
        return session_document(self.values(), self.sections)

    def begin(self, document: Mapping[str, Any], lenient: bool = True) -> list[str]:
        """Start with a session, before the loop runs; models may be named by paths.

        Parameters
        ----------
        document : mapping
            As `session` gives it; what it lacks has its default.
        lenient : bool
            Whether what does not fit is replaced by its default and told, or refused.

        Returns
        -------
        list of str
            What had to be replaced.

        Raises
        ------
        RemapdError
            If something does not fit and `lenient` is false.
        """
        values = document.get("values")
        if not isinstance(values, Mapping):
            values = {}
        plans, notes = plan_tracks(values, self._sounds, files=ANY_FILE, lenient=lenient)
        once, more = plan_once(values, lenient)
        self._install(plans, once | device_values(self._host.stream), None)
        self._files = {name for sound in self._playing for name in (sound.model_name, sound.preset_name)}
        return [*notes, *more, *self._begin_sections(document, lenient)]

    def _begin_sections(self, document: Mapping[str, Any], lenient: bool) -> list[str]:
        notes = []
        for name, section in self.sections.items():
            try:
                if name in document:
                    section.restore(document[name])
            except FieldError as error:
                if not lenient:
                    raise
                notes.append(str(error))
        return notes

    async def restore(self, document: Mapping[str, object], source: Hashable | None = None) -> None:
        """Be as a session says; what it lacks has its default. The old state plays until the new one is ready.

        A session of another kind of device than plays now, such as one saved on a trial without hardware, leaves the
        device as it is.

        Raises
        ------
        RemapdError
            If anything does not fit or cannot be loaded; then nothing is changed.
        """
        values, parts = session_parts(document, self.sections)
        await asyncio.to_thread(check_parts, self.sections, parts)
        async with self._turn:
            plans, _ = await asyncio.to_thread(plan_tracks, values, self._sounds, self._files)
            once = plan_once(values, lenient=False)[0] | self._kept_device(values)
            stream = self._stream_for(_all_paths(plans) | once)
            await self._writer.await_slots(range(1, len(plans) + 1))
            with restored_sections(self.sections, parts):
                self._install(plans, once, source)
        self._reopen(stream)

    def _kept_device(self, values: Mapping[str, object]) -> dict[str, Value]:
        """What a session does not change of the device: what it does not name, or all of it."""
        present = self.values("/device")
        kind = values.get("/device/backend", present["/device/backend"])
        if kind == present["/device/backend"]:
            return {path: value for path, value in present.items() if path not in values}
        text = f"the session is of another kind of device ({kind}); the present one plays on"
        self._bulletin.post("notice", {"level": "warning", "text": text})
        return present

    def _install(self, plans: Sequence[TrackPlan], once: Mapping[str, Value], source: Hashable | None) -> None:
        playing = [plan.sound for plan in plans]
        tree = self._tree_of(playing)
        with self._engine.change():
            self._engine.set_up([plan.setup(number) for number, plan in enumerate(plans, 1)])
            self._writer.write(tree, once)
        self._playing = playing
        self._settle(tree, {**once, **_all_paths(plans)}, (), source)

    # -- actions -----------------------------------------------------------------------------------------------------

    def trigger(self, path: str, source: Hashable | None = None) -> None:
        """Do an action.

        Raises
        ------
        FieldError
            If there is none of that path.
        DeviceError
            If the engine does not answer.
        """
        if self.tree[path].kind != "action":
            raise FieldError(path, "an action", Told("a control with a value"))
        _ACTIONS[path](self._engine)
        if path == _PANIC:
            with contextlib.suppress(DeviceError):  # Without an engine nothing sounds elsewhere either.
                self._host.order({"panic": True})
        self._bulletin.post("action", {"path": path})


_PANIC = "/panic"
_ACTIONS: dict[str, Callable[[EngineControl], None]] = {
    _PANIC: EngineControl.panic,
    "/reset_meters": EngineControl.reset_meters,
}


def _all_paths(plans: Sequence[TrackPlan]) -> dict[str, Value]:
    return {path: value for number, plan in enumerate(plans, 1) for path, value in plan.paths(number).items()}
