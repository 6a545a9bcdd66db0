"""The one tree of everything that can be seen and changed: REST, OSC, OSCQuery, MIDI and files are derived from it.

A control is named by its path: ``/output_gain_db``, ``/device/block_size``, ``/track/1/onset/hold_ms``. Numbers, ranges
and descriptions are those of the tables of the engine, the detector and the synths.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from remapd.audio.backend import BACKENDS, STREAM_PARAMETERS
from remapd.engine.controls import DEPTH, GLOBAL_PARAMETERS, LOCK, TRACK_PARAMETERS
from remapd.engine.layout import MAX_TRACKS
from remapd.errors import FieldError, Told
from remapd.fields import checked_text, shown
from remapd.parameters import Curve, Parameter
from remapd.synth.registry import get_synth
from remapd.units import MAX_SAMPLE_RATE_HZ

Value = float | int | bool | str
Kind = Literal["number", "whole", "switch", "text", "action"]

#: Longest text of a control.
MAX_TEXT_LENGTH = 300
LOG_LEVELS = ("debug", "info", "warning", "error")

_KINDS: dict[Curve, Kind] = {"linear": "number", "log": "number", "whole": "whole", "switch": "switch"}


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that can be seen and changed.

    Parameters
    ----------
    path : str
        Its name in the tree, from ``/``.
    kind : {"number", "whole", "switch", "text", "action"}
        Its values are float, int, bool and str; an action has none.
    description : str
        One sentence for people.
    default : float, int, bool, str or None
        Value at the start; None for an action.
    parameter : Parameter, optional
        Unit, range and curve of a number, whole number or switch.
    choices : tuple of str
        The values a text may have, where they are fixed.
    choices_of : {"", "models", "presets"}
        Part of the library whose names are the values of a text.
    osc, midi : bool
        Whether it may be changed over OSC and MIDI; it can always be read.
    restarts : bool
        Whether a change may open the audio device anew.
    track : int
        Number of its track from 1; 0 for what there is once.
    setting : str
        Its name in the engine's tables; empty if it is not the engine's.
    """

    path: str
    kind: Kind
    description: str
    default: Value | None = None
    parameter: Parameter | None = None
    choices: tuple[str, ...] = ()
    choices_of: Literal["", "models", "presets"] = ""
    osc: bool = True
    midi: bool = True
    restarts: bool = False
    track: int = 0
    setting: str = ""

    @property
    def unit(self) -> str:
        """Unit of its values; may be empty."""
        return self.parameter.unit if self.parameter is not None else ""

    @property
    def minimum(self) -> float | None:
        """Least value, in `unit`."""
        return self.parameter.minimum if self.parameter is not None else None

    @property
    def maximum(self) -> float | None:
        """Greatest value, in `unit`."""
        return self.parameter.maximum if self.parameter is not None else None

    @property
    def curve(self) -> Curve | None:
        """How a 0..1 control runs through the range."""
        return self.parameter.curve if self.parameter is not None else None

    def check(self, value: object, field: str | None = None) -> Value:
        """Return `value` as this control has it.

        Raises
        ------
        FieldError
            If it does not fit; `field`, by default the path, names it.
        """
        field = field or self.path
        if self.parameter is not None:
            return _typed(self.kind, self.parameter.check(value, field))
        if self.kind == "action":
            raise FieldError(field, "no value, as it is an action", value)
        text = checked_text(value, field, MAX_TEXT_LENGTH)
        if self.choices and text not in self.choices:
            raise FieldError(field, f"one of {', '.join(self.choices)}", value)
        return text

    def from_position(self, position: float) -> Value:
        """Value at a place (0..1, clipped) of a control with this one's curve; for numbers and switches."""
        assert self.parameter is not None, self.path
        return _typed(self.kind, self.parameter.from_position(position))

    def to_position(self, value: Value) -> float:
        """Place of a value on a 0..1 control with this one's curve; for numbers and switches."""
        assert self.parameter is not None, self.path
        return self.parameter.to_position(float(value))


def _typed(kind: Kind, number: float) -> Value:
    if kind == "switch":
        return number > 0.5
    return int(number) if kind == "whole" else number


class Tree(Mapping[str, Control]):
    """Controls by path, in the order in which they are declared."""

    def __init__(self, controls: Iterable[Control]) -> None:
        self._controls = {control.path: control for control in controls}
        self._children: dict[str, dict[str, None]] = {}
        for path in self._controls:
            parts = path.split("/")
            for depth in range(1, len(parts)):
                self._children.setdefault("/".join(parts[:depth]) or "/", {})[parts[depth]] = None

    def __getitem__(self, path: str) -> Control:
        try:
            return self._controls[path]
        except KeyError:
            raise FieldError(shown(str(path)), self._known(str(path)), Told("none of that name")) from None

    def __contains__(self, path: object) -> bool:
        return path in self._controls

    def __iter__(self) -> Iterator[str]:
        return iter(self._controls)

    def __len__(self) -> int:
        return len(self._controls)

    def under(self, container: str = "/") -> list[Control]:
        """All controls below a container, or the control of that path."""
        if container in self._controls:
            return [self._controls[container]]
        prefix = container.rstrip("/") + "/"
        return [control for path, control in self._controls.items() if path.startswith(prefix)]

    def children(self, container: str = "/") -> list[str]:
        """Names one level below a container."""
        return list(self._children.get(container.rstrip("/") or "/", ()))

    def is_container(self, path: str) -> bool:
        """Whether there is something below a path."""
        return (path.rstrip("/") or "/") in self._children

    def _known(self, path: str) -> str:
        near = difflib.get_close_matches(path[:MAX_TEXT_LENGTH], self._controls, n=1)
        return "a path of the tree" + (f" (did you mean {near[0]}?)" if near else "")


def build_tree(synths: Sequence[str], load_models_over_osc: bool = False) -> Tree:
    """Tree of a daemon whose tracks play these synths."""
    return _tree(tuple(synths), load_models_over_osc)


@functools.lru_cache(maxsize=64)
def _tree(synths: tuple[str, ...], load_models_over_osc: bool) -> Tree:
    tracks = (_track(number, synth, load_models_over_osc) for number, synth in enumerate(synths, 1))
    return Tree([*_ONCE, *(control for track in tracks for control in track)])


def numeric(
    path: str, parameter: Parameter, osc: bool = True, restarts: bool = False, track: int = 0, setting: str = ""
) -> Control:
    """Control of a number, whole number or switch that a table declares; MIDI may change what OSC may."""
    return Control(
        path, _KINDS[parameter.curve], parameter.description, _typed(_KINDS[parameter.curve], parameter.default),
        parameter, osc=osc, midi=osc, restarts=restarts, track=track, setting=setting,
    )  # fmt: skip


def _device(name: str, description: str, choices: tuple[str, ...] = (), default: str = "") -> Control:
    return Control(
        f"/device/{name}", "text", description, default, choices=choices, osc=False, midi=False, restarts=True
    )


_SAMPLE_RATE = Parameter(
    "sample_rate_hz", "Hz", 0.0, MAX_SAMPLE_RATE_HZ, 0.0, "Sample rate; 0 takes what suits the device."
)
_DEVICE = (
    _device("backend", "Kind of device: a real one, or one that needs no hardware.", BACKENDS, BACKENDS[0]),
    _device("host_api", "ALSA, JACK, Core Audio...; empty takes JACK if its server runs, else the default."),
    _device("input", "Input device, by index or part of the name; empty is the default."),
    _device("output", "Output device, by index or part of the name; empty is the default."),
    numeric("/device/sample_rate_hz", _SAMPLE_RATE, osc=False, restarts=True),
    numeric("/device/block_size", STREAM_PARAMETERS["block_size"], osc=False, restarts=True),
)
_LOG_LEVEL = Control(
    "/log_level", "text", "Least weight of what is logged.", "info", choices=LOG_LEVELS, osc=False, midi=False
)
_ONCE = (
    *(numeric(f"/{p.name}", p, setting=p.name) for p in GLOBAL_PARAMETERS),
    Control("/panic", "action", "Silences every voice, and every note that sinks play."),
    Control("/reset_meters", "action", "Forgets the durations of callbacks so far."),
    _LOG_LEVEL,
    *_DEVICE,
)

#: Input channel of a track as people count.
INPUT_CHANNEL = Parameter(
    "input_channel", "", 1.0, STREAM_PARAMETERS["input_channels"].maximum, 1.0, "Channel of the input, from 1.", "whole"
)
#: What `TRACK_PARAMETERS` calls the two numbers of a feature.
_FEATURE_ENDINGS = (".scale", ".offset")


@functools.lru_cache(maxsize=4 * MAX_TRACKS)
def _track(number: int, synth: str, load_models_over_osc: bool) -> tuple[Control, ...]:
    root = f"/track/{number}"
    table = get_synth(synth).table

    def setting(place: str, parameter: Parameter, name: str) -> Control:
        return numeric(f"{root}/{place.replace('.', '/')}", parameter, track=number, setting=name)

    return (
        Control(f"{root}/model", "text", "Model that maps hits to sounds; it brings its own preset.", "",
                choices_of="models", osc=load_models_over_osc, track=number),
        Control(f"{root}/preset", "text", "Sound that the model moves, of the same synth.", "",
                choices_of="presets", track=number),
        numeric(f"{root}/input_channel", INPUT_CHANNEL, osc=False, restarts=True, track=number),
        *(setting(_place(p.name), p, p.name) for p in TRACK_PARAMETERS),
        *(setting(f"synth.{p.name}", p, p.name) for p in table),
        *(setting(f"depth.{name}", DEPTH, f"depth.{name}") for name in table.names),
        *(setting(f"lock.{name}", LOCK, f"lock.{name}") for name in table.names),
    )  # fmt: skip


def _place(name: str) -> str:
    return f"feature.{name}" if name.endswith(_FEATURE_ENDINGS) else name


@functools.lru_cache(maxsize=4 * MAX_TRACKS)
def track_tree(number: int, synth: str) -> Tree:
    """The part of the tree that belongs to track `number`, from 1, when it plays `synth`."""
    return Tree(_track(number, synth, False))


def track_path(number: int, setting: str) -> str:
    """Path of a track's setting, from the name that the engine and the command line have for it."""
    kind = setting.partition(".")[0]
    if setting in TRACK_PARAMETERS:
        place = _place(setting)
    else:
        place = setting if kind in (DEPTH.name, LOCK.name) else f"synth.{setting}"
    return f"/track/{number}/{place.replace('.', '/')}"
