"""Every synth, and one voice record that can be any of them.

A voice holds a state for each synth, so that after a change of synth the old sound rings out while the new one plays.
To add a synth, write its module and add one line to `SYNTHS`; the functions below are built from that table.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numba
import numpy as np

from remapd.dsp.kernel import compiled
from remapd.errors import FieldError
from remapd.synth import clap808, fm_drum, hat808, kick808, simple_drum, snare808
from remapd.synth.base import Synth


def _synth(module: ModuleType) -> Synth:
    functions = {name: getattr(module, name) for name in ("reset", "trigger", "render", "is_active", "silence")}
    return Synth(module.TABLE.name, module.TABLE, module.STATE, **functions)


#: The synths by name; the position of one is its `synth_id` in compiled code.
SYNTHS: dict[str, Synth] = {
    synth.name: synth
    for synth in (
        _synth(snare808),
        _synth(simple_drum),
        _synth(fm_drum),
        _synth(kick808),
        _synth(hat808),
        _synth(clap808),
    )
}  # fmt: skip

#: Record of one voice: a state for each synth.
VOICE = np.dtype([(synth.name, synth.state) for synth in SYNTHS.values()], align=True)


def get_synth(name: str, field: str = "synth") -> Synth:
    """Synth of a name; an unknown name is refused with the nearest known one."""
    if name in SYNTHS:
        return SYNTHS[name]
    near = difflib.get_close_matches(str(name), SYNTHS, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise FieldError(field, f"one of {', '.join(SYNTHS)}{hint}", name)


def synth_id(name: str) -> int:
    """Return the number of a synth in compiled code."""
    return list(SYNTHS).index(get_synth(name).name)


# The compiler cannot look up a function in a table, so each of these is a chain of one link for each synth, in which
# names and numbers are constants. The links become part of their caller: compiled by itself, each would contain all
# those after it once more.
def _chain(function: str, link: Callable[..., Any], last: Any) -> Any:
    rest = last
    for number, synth in reversed(list(enumerate(SYNTHS.values()))):
        rest = _inlined(link(synth.name, number, getattr(synth, function), rest))
    return rest


def _inlined(function: Any) -> Any:
    return numba.njit(error_model="numpy", nogil=True, inline="always")(function)


def _reset_link(name: str, number: int, reset: Any, rest: Any) -> Callable[..., None]:
    def call(voice: Any, sample_rate: float, seed: int) -> None:
        reset(voice[name], sample_rate, seed)
        rest(voice, sample_rate, seed)

    return call


def _trigger_link(name: str, number: int, trigger: Any, rest: Any) -> Callable[..., None]:
    def call(voice: Any, chosen: int, values: Any) -> None:
        if chosen == number:
            trigger(voice[name], values)
        else:
            rest(voice, chosen, values)

    return call


def _render_link(name: str, number: int, render: Any, rest: Any) -> Callable[..., None]:
    def call(voice: Any, out: Any, start: int, stop: int) -> None:
        render(voice[name], out, start, stop)
        rest(voice, out, start, stop)

    return call


def _is_active_link(name: str, number: int, is_active: Any, rest: Any) -> Callable[..., bool]:
    def call(voice: Any) -> bool:
        return is_active(voice[name]) or rest(voice)  # type: ignore[no-any-return]

    return call


def _silence_link(name: str, number: int, silence: Any, rest: Any) -> Callable[..., None]:
    def call(voice: Any) -> None:
        silence(voice[name])
        rest(voice)

    return call


@numba.njit
def _nothing(voice: Any, *arguments: Any) -> None:
    pass


@numba.njit
def _false(voice: Any) -> bool:
    return False


_reset = _chain("reset", _reset_link, _nothing)
_trigger = _chain("trigger", _trigger_link, _nothing)
_render = _chain("render", _render_link, _nothing)
_is_active = _chain("is_active", _is_active_link, _false)
_silence = _chain("silence", _silence_link, _nothing)


@compiled
def reset_voice(voice: Any, sample_rate: float, seed: int) -> None:
    """Make every synth of a voice silent and ready to play."""
    _reset(voice, sample_rate, seed)


@compiled
def trigger_voice(voice: Any, synth_id: int, values: Any) -> None:
    """Start a hit of one synth with the next frame rendered; an unknown number does nothing."""
    _trigger(voice, synth_id, values)


@compiled
def render_voice(voice: Any, out: Any, start: int, stop: int) -> None:
    """Add the next frames of every synth that sounds to ``out[start:stop]``."""
    _render(voice, out, start, stop)


@compiled
def voice_is_active(voice: Any) -> bool:
    """Whether any synth of the voice sounds."""
    return _is_active(voice)  # type: ignore[no-any-return]


@compiled
def silence_voice(voice: Any) -> None:
    """Stop every synth of the voice at once."""
    _silence(voice)
