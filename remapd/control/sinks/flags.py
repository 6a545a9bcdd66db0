"""Sinks as options of the command line name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from remapd.control.sinks.profiled import with_profile
from remapd.errors import FieldError
from remapd.fields import checked_choice
from remapd.sinks.document import sink_from
from remapd.sinks.midi.defaults import default_controls
from remapd.sinks.osc.forms import FORMS

_OSC, _MIDI = "--osc-out", "--midi-out"
#: Messages of one's own stand in the config.
_READY_FORMS = tuple(name for name in FORMS if name != "custom")


def flag_sinks(osc_outs: Sequence[str], midi_outs: Sequence[str]) -> list[dict[str, Any]]:
    """Sinks of ``--osc-out HOST:PORT[=FORM]`` and ``--midi-out PORT[=PROFILE[/INSTRUMENT]]``, checked.

    Raises
    ------
    FieldError
        If one does not fit; it names the option.
    """
    osc = [_osc_sink(text, f"osc-out-{number}") for number, text in enumerate(osc_outs, 1)]
    return osc + [_midi_sink(text, f"midi-out-{number}") for number, text in enumerate(midi_outs, 1)]


def _osc_sink(text: str, name: str) -> dict[str, Any]:
    place, has_form, form = text.partition("=")
    host, has_port, port = place.rpartition(":")
    if not (host and has_port and port.isdecimal() and len(port) < 6):
        raise FieldError(_OSC, "HOST:PORT, and perhaps = and a form, such as 127.0.0.1:57110=supercollider", text)
    if has_form:
        checked_choice(form, _OSC, _READY_FORMS)
    sink = {"id": name, "kind": "osc", "host": host.removeprefix("[").removesuffix("]"), "port": int(port)}
    return sink_from({**sink, "form": form} if has_form else sink, _OSC).document()


def _midi_sink(text: str, name: str) -> dict[str, Any]:
    port, has_profile, device = text.partition("=")
    profile, _, instrument = device.partition("/")
    sink: dict[str, Any] = {"id": name, "kind": "midi", "port": port}
    if not has_profile:
        sink["controls"] = [control.document() for control in default_controls()]
    elif not profile:
        raise FieldError(_MIDI, "PORT, and perhaps = and a profile, such as TR-8S=roland-tr-8s/BD", text)
    else:
        sink |= {"profile": profile, "instrument": instrument}
    sink_from(with_profile(sink, _MIDI), _MIDI)
    return sink  # The instrument may depend on what the track plays.
