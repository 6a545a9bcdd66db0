"""The control side of an engine: sets the wanted state, sends actions, reads events and meters.

It needs nothing but the shared block, so it works on an engine in this process as on one in another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from remapd.engine import program
from remapd.engine.controls import DEPTH, GLOBAL_PARAMETERS, INPUT_CHANNEL, LOCK, TRACK_PARAMETERS, track_settings
from remapd.engine.events import EventReader
from remapd.engine.layout import MAILBOX, MAX_TRACKS, PANIC, RESET_METERS, RUNNING
from remapd.engine.program_slots import ProgramSlots
from remapd.engine.rings import begin_change, end_change, push_command
from remapd.engine.shared import SharedBlock
from remapd.engine.status import EngineStatus, read_status
from remapd.errors import DeviceError, FieldError
from remapd.mapping.bundle import Model
from remapd.parameters import Vector
from remapd.synth.base import Synth
from remapd.synth.presets import Preset
from remapd.synth.registry import SYNTHS


@dataclass(frozen=True, slots=True)
class TrackSetup:
    """What a track starts with.

    Parameters
    ----------
    model : Model
        Maps features to modulations.
    preset : Preset, optional
        Plays instead of the model's own; it must be for the same synth.
    input_channel : int
        Channel of the input, from 0; one that the device does not have is silent.
    parameters : mapping of str to float
        Values by their names in `track_settings` that differ from their defaults, or from the preset.
    """

    model: Model
    preset: Preset | None = None
    input_channel: int = 0
    parameters: Mapping[str, float] = field(default_factory=dict)


class EngineControl:
    """Changes and watches an engine through its shared block. One at a time may write."""

    def __init__(self, shared: SharedBlock) -> None:
        self.shared = shared
        self._record = shared.record
        # What is set is written here first, and published in one piece when a change is complete.
        self._drafts = np.array([shared.record["mailbox"]], MAILBOX)
        self._draft = self._drafts[0]
        self._depth_of_change = 0
        self._models: dict[int, Model] = {}
        self._slots = ProgramSlots(shared.record)
        self.events = EventReader(shared.record)

    # -- the whole state ---------------------------------------------------------------------------------------------

    def set_up(self, tracks: list[TrackSetup]) -> None:
        """Start from the defaults with these tracks.

        Raises
        ------
        FieldError
            If there are none or too many, or a channel or parameter does not fit; then nothing is changed.
        """
        if not 1 <= len(tracks) <= MAX_TRACKS:
            raise FieldError("tracks", f"1 to {MAX_TRACKS} tracks", len(tracks))
        with self.change():
            self._draft["parameters"] = GLOBAL_PARAMETERS.default
            self._draft["tracks"] = len(tracks)
            for index, setup in enumerate(tracks):
                self._set_up_track(index, setup)

    def _set_up_track(self, index: int, setup: TrackSetup) -> None:
        track = self._draft["track"][index]
        track["parameters"] = TRACK_PARAMETERS.default
        track["depth"] = DEPTH.default
        track["lock"] = LOCK.default
        track["input_channel"] = INPUT_CHANNEL.check(setup.input_channel)
        self.load_model(index, setup.model, setup.preset)
        for name, value in setup.parameters.items():
            self.set(index, name, value)

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """Everything set within reaches the engine in one piece, at one block border; none of it if anything fails."""
        models = dict(self._models)
        self._depth_of_change += 1
        try:
            yield
        except BaseException:
            if self._depth_of_change == 1:
                self._drafts[0] = self._record["mailbox"]
                self._models = models
            raise
        else:
            if self._depth_of_change == 1:
                self._publish()
        finally:
            self._depth_of_change -= 1

    def _publish(self) -> None:
        begin_change(self._record)
        self._record["mailbox"] = self._draft
        end_change(self._record)

    # -- tracks ------------------------------------------------------------------------------------------------------

    def add_track(self, setup: TrackSetup) -> int:
        """Append a track; returns its index.

        Raises
        ------
        FieldError
            If there are too many, or a channel or parameter does not fit; then nothing is changed.
        """
        index = int(self._draft["tracks"])
        if index >= MAX_TRACKS:
            raise FieldError("tracks", f"1 to {MAX_TRACKS} tracks", index + 1)
        with self.change():
            self._draft["tracks"] = index + 1
            self._set_up_track(index, setup)
        return index

    def remove_track(self, track: int) -> None:
        """Take a track away; those behind it move up by one.

        Raises
        ------
        FieldError
            If there is no such track, or no other.
        DeviceError
            If a running engine does not take it in time.
        """
        self._track(track)
        count = int(self._draft["tracks"])
        if count == 1:
            raise FieldError("tracks", "a track that is not the only one", track + 1)
        with self.change():
            for index in range(track, count - 1):
                self._move_up(index)
            self._draft["tracks"] = count - 1
            self._models = {t - (t > track): model for t, model in self._models.items() if t != track}

    def _move_up(self, index: int) -> None:
        """Let a track be what the one behind it is."""
        wanted, source = self._draft["track"][index], self._draft["track"][index + 1]
        slot = self._slots.free(index, int(wanted["program"]))
        self._slots.copy((index + 1, int(source["program"])), (index, slot))
        self._draft["track"][index] = source
        wanted["program"] = slot

    def set_input_channel(self, track: int, channel: int) -> None:
        """Set where a track listens, from 0."""
        checked = INPUT_CHANNEL.check(channel)
        with self.change():
            self._track(track)["input_channel"] = int(checked)

    # -- values ------------------------------------------------------------------------------------------------------

    def set_global(self, name: str, value: float) -> None:
        """Set one of `GLOBAL_PARAMETERS`, in its unit."""
        checked = GLOBAL_PARAMETERS[name].check(value)
        with self.change():
            self._draft["parameters"][GLOBAL_PARAMETERS.index(name)] = checked

    def set(self, track: int, name: str, value: float) -> None:
        """Set anything in `track_settings` by its name there.

        Raises
        ------
        FieldError
            If the name is unknown or the value does not fit.
        """
        checked = track_settings(self.synth(track).name)[name].check(value)
        kind, _, parameter = name.partition(".")
        if name in TRACK_PARAMETERS:
            self.set_parameter(track, name, checked)
        elif kind == "depth":
            self.set_depth(track, parameter, checked)
        elif kind == "lock":
            self.set_lock(track, parameter, bool(checked))
        else:
            self.set_base(track, name, checked)

    def set_parameter(self, track: int, name: str, value: float) -> None:
        """Set one of `TRACK_PARAMETERS`, in its unit.

        Raises
        ------
        FieldError
            If the name is unknown or the value does not fit.
        """
        index = TRACK_PARAMETERS.index(name)
        checked = TRACK_PARAMETERS.parameters[index].check(value)
        with self.change():
            self._track(track)["parameters"][index] = checked

    def parameter(self, track: int, name: str) -> float:
        """The wanted value of one of `TRACK_PARAMETERS`, in its unit."""
        return float(self._track(track)["parameters"][TRACK_PARAMETERS.index(name)])

    def set_depth(self, track: int, name: str, depth: float) -> None:
        """Set how far the mapper may move a synth parameter, 0..1."""
        checked = DEPTH.check(depth, f"depth.{name}")
        with self.change():
            self._track(track)["depth"][self.synth(track).table.index(name)] = checked

    def set_lock(self, track: int, name: str, locked: bool) -> None:
        """Keep a synth parameter at its base value, or set it free."""
        checked = LOCK.check(locked, f"lock.{name}")
        with self.change():
            self._track(track)["lock"][self.synth(track).table.index(name)] = checked

    def set_base(self, track: int, name: str, value: float) -> None:
        """Set the base value of a synth parameter, in its unit."""
        parameter = self.synth(track).table[name]
        checked = parameter.check(value)
        position = (checked - parameter.minimum) / (parameter.maximum - parameter.minimum)
        with self.change():
            self._track(track)["base"][self.synth(track).table.index(name)] = position

    def sound(self, track: int) -> tuple[Vector, Vector]:
        """Base values in their units and damping of a synth as they are now, in its table's order."""
        table, wanted = self.synth(track).table, self._track(track)
        return table.denormalise(wanted["base"][: len(table)]), np.array(wanted["damping"][: len(table)])

    def synth(self, track: int) -> Synth:
        """The synth that a track plays."""
        slot = int(self._track(track)["program"])
        return list(SYNTHS.values())[int(self._record["programs"][track, slot]["synth"])]

    def model(self, track: int) -> Model | None:
        """The model that a track plays; None if another control loaded it."""
        self._track(track)
        return self._models.get(track)

    def _track(self, track: int) -> program.Record:
        count = int(self._draft["tracks"])
        if not 0 <= track < count:
            raise FieldError("track", f"0 to {count - 1}", track)
        return self._draft["track"][track]

    # -- models and presets ------------------------------------------------------------------------------------------

    def load_model(self, track: int, model: Model, preset: Preset | None = None) -> None:
        """Play another model; the old one sounds until the engine flips to it at a block border.

        Raises
        ------
        FieldError
            If `preset` is for another synth than the model.
        DeviceError
            If a running engine does not take it in time.
        """
        preset = preset or model.preset
        _check_synth(preset, model.synth)
        wanted = self._track(track)
        slot = self._slots.free(track, int(wanted["program"]))
        with self.change():
            if track not in self._models or self._models[track].synth != model.synth:
                wanted["depth"] = DEPTH.default
                wanted["lock"] = LOCK.default
            self._slots.write(track, slot, model)
            wanted["program"] = slot
            self._models[track] = model
            self._write_preset(track, preset)

    def load_preset(self, track: int, preset: Preset) -> None:
        """Play another preset of the same synth with the model as it is."""
        _check_synth(preset, self.synth(track).name)
        with self.change():
            self._write_preset(track, preset)

    def _write_preset(self, track: int, preset: Preset) -> None:
        table = SYNTHS[preset.synth].table
        wanted = self._track(track)
        wanted["base"][: len(table)] = table.normalise(preset.values)
        wanted["damping"][: len(table)] = preset.damping

    def slot_is_free(self, track: int) -> bool:
        """Whether a model can be loaded on a track without waiting for the engine."""
        return self._slots.is_free(track)

    # -- actions and meters ------------------------------------------------------------------------------------------

    def panic(self) -> None:
        """Silence every voice at once."""
        self._command(PANIC)

    def reset_meters(self) -> None:
        """Forget the durations of callbacks so far."""
        self._command(RESET_METERS)

    def _command(self, kind: int, track: int = 0, value: float = 0.0) -> None:
        if not push_command(self._record, kind, track, value):
            raise DeviceError("the engine does not answer: its command ring is full")

    @property
    def is_running(self) -> bool:
        """Whether an audio device drives the engine, as far as the engine could say."""
        return bool(self._record["words"][RUNNING])

    def mark_running(self, running: bool) -> None:
        """Say whether an audio device drives the engine; the supervisor says it for an engine that died."""
        self._record["words"][RUNNING] = int(running)

    def status(self) -> EngineStatus:
        """Meters and counts as they stand."""
        return read_status(self._record)


def _check_synth(preset: Preset, synth: str) -> None:
    if preset.synth != synth:
        raise FieldError("preset", f"a preset of {synth}, which the model plays", f"one of {preset.synth}")
