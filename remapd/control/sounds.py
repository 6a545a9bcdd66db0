"""What a track plays: a model and a preset, loaded under the names by which they were asked for."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from remapd.control.tree import Value, track_path, track_tree
from remapd.engine.controls import DEPTH, LOCK
from remapd.errors import FieldError
from remapd.mapping.bundle import Model, load_model
from remapd.mapping.library import load_preset_named
from remapd.synth.presets import Preset

MODEL, PRESET, CHANNEL = "model", "preset", "input_channel"


class Sounds(Protocol):
    """The library, as far as the controller needs it; loading may take time and is done off the loop."""

    def model(self, name: str) -> Model:
        """Model of a name; FieldError if there is none, ModelError if it is damaged."""

    def preset(self, name: str) -> Preset:
        """Preset of a name; FieldError if there is none, ModelError if it is damaged."""

    def models(self) -> Mapping[str, object]:
        """All models by name."""

    def presets(self) -> Mapping[str, object]:
        """All presets by name."""


@dataclass(frozen=True)
class TrackSound:
    """A model and a preset, loaded, under the names by which they were asked for."""

    model_name: str
    preset_name: str
    model: Model
    preset: Preset

    @classmethod
    def of(cls, name: str, model: Model) -> TrackSound:
        """A model with its own preset."""
        return cls(name, model.preset.name, model, model.preset)

    def values(self, number: int) -> dict[str, Value]:
        """What the controls of track `number` show when this has just been loaded."""
        values: dict[str, Value] = {
            f"/track/{number}/{MODEL}": self.model_name,
            f"/track/{number}/{PRESET}": self.preset_name,
        }
        names = self.preset.table.names
        values |= {track_path(number, n): float(v) for n, v in zip(names, self.preset.values, strict=True)}
        return values

    def values_after(self, before: TrackSound, number: int) -> dict[str, Value]:
        """What a load in place of `before` changes: another synth also has all its depths and locks at the default."""
        if self.model.synth == before.model.synth:
            return self.values(number)
        tree = track_tree(number, self.model.synth)
        fresh = (c for name in (DEPTH.name, LOCK.name) for c in tree.under(f"/track/{number}/{name}"))
        return {c.path: c.default for c in fresh if c.default is not None} | self.values(number)


def load_sound(sounds: Sounds, model_name: str, preset_name: str = "", files: Container[str] = ()) -> TrackSound:
    """Load a model and, where one is named, another preset than its own.

    Parameters
    ----------
    sounds : Sounds
        The library.
    model_name, preset_name : str
        Names in the library; an empty preset is the model's own.
    files : container of str
        Paths of files that may be named besides.

    Raises
    ------
    RemapdError
        If one is unknown or damaged, or the preset is for another synth.
    """
    model = _model(sounds, model_name, files)
    own = preset_name in ("", model.preset.name)
    preset = model.preset if own else _preset(sounds, preset_name, files)
    return checked_sound(TrackSound(model_name, preset.name if own else preset_name, model, preset))


def with_preset(sounds: Sounds, sound: TrackSound, name: str) -> TrackSound:
    """Load another preset for a model that plays; an empty name is the model's own.

    Raises
    ------
    RemapdError
        If it is unknown or damaged, or for another synth.
    """
    own = sound.model.preset
    preset = own if name == "" or (name == own.name and name not in sounds.presets()) else sounds.preset(name)
    return checked_sound(replace(sound, preset_name=name or own.name, preset=preset))


def checked_sound(sound: TrackSound) -> TrackSound:
    """Return the sound if its preset is for the synth of its model."""
    if sound.preset.synth != sound.model.synth:
        raise FieldError(PRESET, f"a preset of {sound.model.synth}, which the model plays", sound.preset_name)
    return sound


def is_path(name: str) -> bool:
    """Whether the name of a model or preset is the path of a file."""
    return "/" in name or "\\" in name or name.endswith((".safetensors", ".json"))


def _preset(sounds: Sounds, name: str, files: Container[str]) -> Preset:
    by_path = is_path(name) and name in files and name not in sounds.presets()
    return load_preset_named(name) if by_path else sounds.preset(name)


def _model(sounds: Sounds, name: str, files: Container[str]) -> Model:
    if is_path(name) and name not in sounds.models():  # A name may end like a path.
        if name not in files:
            raise FieldError(MODEL, "the name of a model in the library", name)
        return load_model(Path(name))
    return sounds.model(name)


class _AnyFile(Container[str]):
    def __contains__(self, name: object) -> bool:
        return True


#: What the command line and our own files may name.
ANY_FILE = _AnyFile()
