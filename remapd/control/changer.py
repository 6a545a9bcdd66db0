"""Changes of values, of what tracks play and of the device: checked as a whole, then done in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from remapd.audio.backend import StreamSettings
from remapd.control.device import changed_stream, device_values, heard_stream
from remapd.control.engine_writer import EngineWriter
from remapd.control.host import EngineHost
from remapd.control.sounds import CHANNEL, MODEL, PRESET, Sounds, TrackSound, load_sound, with_preset
from remapd.control.state import State
from remapd.control.tree import Tree, Value, build_tree
from remapd.engine.control import EngineControl
from remapd.errors import FieldError

#: Raises what speaks against a change at the moment at which it would be made.
Check = Callable[[], None]


def nothing_against() -> None:
    """Let every change be."""


class Changer(State):
    """Values of the tree that can be changed, and the engine that follows them.

    Parameters
    ----------
    engine : EngineControl
        The engine's shared block.
    host : EngineHost
        Keeps the engine process alive.
    sounds : Sounds
        The library of models and presets.
    load_models_over_osc : bool
        Whether OSC may change the model of a track.
    """

    def __init__(
        self, engine: EngineControl, host: EngineHost, sounds: Sounds, load_models_over_osc: bool = False
    ) -> None:
        super().__init__(sounds)
        self._engine, self._host = engine, host
        self._writer = EngineWriter(engine)
        self._load_models_over_osc = load_models_over_osc
        self._turn = asyncio.Lock()

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

    async def change(
        self, changes: Mapping[str, object], source: Hashable | None = None, check: Check = nothing_against
    ) -> dict[str, Value]:
        """Change any values, all or none; models and presets are loaded meanwhile, and the old ones sound until then.

        A model brings its own preset, and a preset the values of the synth; what `changes` says besides holds. A model
        that plays already is not loaded again; a preset is, so that it sounds as it was. `check` is called when all is
        loaded; what it raises ends it with nothing changed.

        Raises
        ------
        RemapdError
            If something does not fit or cannot be loaded; then nothing is changed.
        """
        if not any(path in self.tree and self.takes_time(path) for path in changes):
            check()
            return self._commit(changes, {}, source)
        async with self._turn:
            sounds = await asyncio.to_thread(self._load, dict(changes), list(self._playing))
            await self._writer.await_slots(sounds)
            check()
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
        stream = changed_stream(self._host.stream, values)
        playing = self._host.playing
        if stream == self._host.stream and playing and playing.stream.input_channels < stream.input_channels:
            return stream  # The device has no more than it gave.
        return heard_stream(stream, values)

    def _reopen(self, stream: StreamSettings) -> None:
        if stream != self._host.stream:
            self._host.reopen(stream)

    def device_changed(self) -> None:
        """Show the device as it is; called when the supervisor had to fall back to another one."""
        self._settle(self.tree, device_values(self._host.stream), (), None)


def _name(path: str, value: object) -> str:
    if not isinstance(value, str):
        raise FieldError(path, "a name", value)
    return value
