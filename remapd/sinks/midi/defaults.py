"""What is sent where nothing was said: a controller for each parameter, for devices that can learn, and a snare."""

from __future__ import annotations

import functools

from remapd.sinks.midi.control import Control
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.sources import parse_source
from remapd.synth.registry import SYNTHS

#: Controllers 102 to 119 have no meaning of their own; what lies beyond is channel mode messages.
FIRST_CONTROLLER = 102
CONTROLLERS = 18
#: The drum channel of General MIDI.
FIRST_CHANNEL = 10


@functools.cache
def default_controls() -> tuple[Control, ...]:
    """A controller for each parameter of each synthesiser, as far as there are free ones."""
    return tuple(
        Control(source=parse_source(f"unit.{name}"), kind="cc", number=FIRST_CONTROLLER + place, synth=synth.name)
        for synth in SYNTHS.values()
        for place, name in enumerate(synth.table.names[:CONTROLLERS])
    )


def default_sink(track: int) -> MidiSink:
    """Sink of one track, from 1: channels 10, 11, ... (16 is followed by 1), an acoustic snare of General MIDI."""
    channel = (FIRST_CHANNEL - 1 + track - 1) % 16 + 1
    return MidiSink(id=str(track), tracks=(track,), channel=channel, controls=default_controls())
