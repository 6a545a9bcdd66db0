"""The only way to change a running daemon: one set of values by path, and the engine that follows it.

All of it runs in the loop's thread. What belongs together is checked as a whole before anything is done, and reaches
the engine in one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from remapd.audio.backend import StreamSettings
from remapd.control.bulletin import Bulletin
from remapd.control.device import changed_stream, device_values, heard_stream
from remapd.control.engine_writer import EngineWriter
from remapd.control.host import EngineHost
from remapd.control.plans import TrackPlan, plan_once, plan_track, plan_tracks
from remapd.control.session_document import Section, restored_sections, session_document, session_parts
from remapd.control.sounds import CHANNEL, MODEL, PRESET, Sounds, TrackSound, load_sound, with_preset
from remapd.control.state import State
from remapd.control.tree import Tree, Value, build_tree
from remapd.engine.control import EngineControl
from remapd.errors import FieldError, Told
from remapd.synth.presets import Preset

_NOTHING: Mapping[str, object] = {}


class Controller(State):
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
        super().__init__(sounds)
        self._engine, self._host, self._bulletin = engine, host, bulletin
        self._writer = EngineWriter(engine)
        self._load_models_over_osc = load_models_over_osc
        self._turn = asyncio.Lock()
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

    # -- changing values ---------------------------------------------------------------------------------------------

    def set(self, changes: Mapping[str, object], source: Hashable | None = None) -> dict[str, Value]:
        """Change values at once, all or none; but not models and presets, which take time.

        Parameters
        ----------
        changes : mapping
            New values by path.
        source : hashable, optional
            Who wants it; everybody else who watches is told.

        Returns
        -------
        dict
            What is different now.

        Raises
        ------
        FieldError
            If a path is unknown or a value does not fit; then nothing is changed.
        """
        for path in filter(self.takes_time, changes):
            raise FieldError(path, "something that can be changed at once", changes[path])
        return self._commit(changes, {}, source)

    def takes_time(self, path: str) -> bool:
        """Whether a control is one that `change` alone can change: models and presets."""
        return self.tree[path].choices_of != ""

    async def change(self, changes: Mapping[str, object], source: Hashable | None = None) -> dict[str, Value]:
        """Change any values, all or none; models and presets are loaded meanwhile, and the old ones sound until then.

        A model brings its own preset, and a preset the values of the synth; what `changes` says besides holds. A model
        that plays already is not loaded again; a preset is, so that it sounds as it was.

        Raises
        ------
        RemapdError
            If something does not fit or cannot be loaded; then nothing is changed.
        """
        if not any(path in self.tree and self.takes_time(path) for path in changes):
            return self._commit(changes, {}, source)
        async with self._turn:
            sounds = await asyncio.to_thread(self._load, dict(changes), list(self._playing))
            await self._writer.await_slots(sounds)
            return self._commit(changes, sounds, source)

    async def reload(self, names: Container[str]) -> None:
        """Load models anew whose files have changed; what else was set stays.

        Raises
        ------
        RemapdError
            If one is damaged; then the old ones play on.
        """
        async with self._turn:
            sounds: dict[int, TrackSound] = {}
            for number, old in enumerate(self._playing, 1):
                if old.model_name in names:
                    model = await asyncio.to_thread(self._sounds.model, old.model_name)
                    same = model.synth == old.model.synth
                    sounds[number] = replace(old, model=model) if same else TrackSound.of(old.model_name, model)
            await self._writer.await_slots(sounds)
            stay = [n for n, sound in sounds.items() if sound.model.synth == self._playing[n - 1].model.synth]
            kept = {c.path: self._values[c.path] for n in stay for c in self.tree.under(f"/track/{n}/synth")}
            self._commit(kept, sounds, None)

    def _load(self, changes: Mapping[str, object], playing: Sequence[TrackSound]) -> dict[int, TrackSound]:
        """Sounds that changes ask for, by number of the track; runs off the loop."""
        sounds: dict[int, TrackSound] = {}
        for number, sound in enumerate(playing, 1):
            paths = [f"/track/{number}/{name}" for name in (MODEL, PRESET)]
            model, preset = (_name(path, changes[path]) if path in changes else None for path in paths)
            if model is not None and model != sound.model_name:
                sounds[number] = load_sound(self._sounds, model, preset or "")
            elif preset is not None:
                sounds[number] = with_preset(self._sounds, sound, preset)
        return sounds

    def _commit(
        self, changes: Mapping[str, object], sounds: Mapping[int, TrackSound], source: Hashable | None
    ) -> dict[str, Value]:
        """Check everything, then do it: sounds first, then the values, which were given for these sounds."""
        playing = [sounds.get(number, sound) for number, sound in enumerate(self._playing, 1)]
        tree = self._tree_of(playing) if sounds else self.tree
        given = {path: tree[path].check(value) for path, value in changes.items()}
        numbers = {path: value for path, value in given.items() if not tree[path].choices_of}
        values: dict[str, Value] = {}
        for number, sound in sounds.items():
            values |= sound.values_after(self._playing[number - 1], number)
        values |= numbers
        stream = self._stream_for(values)
        with self._engine.change():
            for number, sound in sounds.items():
                self._writer.play(number, self._playing[number - 1], sound)
            self._writer.write(tree, numbers)
        self._playing = playing
        changed = self._settle(tree, values, given, source)
        self._reopen(stream)
        return changed

    def _tree_of(self, playing: Iterable[TrackSound]) -> Tree:
        return build_tree([sound.model.synth for sound in playing], self._load_models_over_osc)

    # -- the device --------------------------------------------------------------------------------------------------

    def _stream_for(self, values: Mapping[str, Value]) -> StreamSettings:
        """The stream that `values` ask for, with as many channels as the tracks listen to."""
        if not any(path.startswith("/device/") or path.endswith(f"/{CHANNEL}") for path in values):
            return self._host.stream
        return heard_stream(changed_stream(self._host.stream, values), values)

    def _reopen(self, stream: StreamSettings) -> None:
        if stream != self._host.stream:
            self._host.reopen(stream)

    def device_changed(self) -> None:
        """Show the device as it is; called when the supervisor had to fall back to another one."""
        self._settle(self.tree, device_values(self._host.stream), (), None)

    # -- tracks ------------------------------------------------------------------------------------------------------

    async def add_track(self, values: Mapping[str, object] = _NOTHING, source: Hashable | None = None) -> int:
        """Append a track; returns its number.

        Parameters
        ----------
        values : mapping
            By name within the track (``model``, ``onset/hold_ms``); the rest has its default.
        source : hashable, optional
            Who wants it.

        Raises
        ------
        RemapdError
            If something does not fit or cannot be loaded, or there are too many tracks; then nothing is changed.
        """
        async with self._turn:
            number = self.tracks + 1
            plan = await asyncio.to_thread(plan_track, number, values, self._sounds)
            await self._writer.await_slots([number])
            playing = [*self._playing, plan.sound]
            paths = plan.paths(number)
            stream, tree = self._stream_for(paths), self._tree_of(playing)
            self._engine.add_track(plan.setup(number))
            self._playing = playing
            self._settle(tree, paths, (), source)
            self._reopen(stream)
            return number

    async def remove_track(self, number: int, source: Hashable | None = None) -> None:
        """Take a track away; the numbers of those behind it fall by one.

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
        plans, notes = plan_tracks(values, self._sounds, trusted=True, lenient=lenient)
        once, more = plan_once(values, lenient)
        self._install(plans, once | device_values(self._host.stream), None)
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

        Raises
        ------
        RemapdError
            If anything does not fit or cannot be loaded; then nothing is changed.
        """
        values, parts = session_parts(document, self.sections)
        async with self._turn:
            plans, _ = await asyncio.to_thread(plan_tracks, values, self._sounds)
            once, _ = plan_once(values, lenient=False)
            stream = self._stream_for(_all_paths(plans) | once)
            await self._writer.await_slots(range(1, len(plans) + 1))
            with restored_sections(self.sections, parts):
                self._install(plans, once, source)
        self._reopen(stream)

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
        self._bulletin.post("action", {"path": path})


_ACTIONS: dict[str, Callable[[EngineControl], None]] = {
    "/panic": EngineControl.panic,
    "/reset_meters": EngineControl.reset_meters,
}


def _name(path: str, value: object) -> str:
    if not isinstance(value, str):
        raise FieldError(path, "a name", value)
    return value


def _all_paths(plans: Sequence[TrackPlan]) -> dict[str, Value]:
    return {path: value for number, plan in enumerate(plans, 1) for path, value in plan.paths(number).items()}
