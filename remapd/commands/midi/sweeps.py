"""Hits that move one control of a MIDI sink after the other, so that a person can hear what each does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from remapd.commands.midi.text import address_text
from remapd.engine.events import HitEvent
from remapd.features.descriptors import FEATURES
from remapd.parameters import ParameterTable
from remapd.sinks.midi.control import Control
from remapd.sinks.midi.document import MidiSink
from remapd.sinks.sources import SCALED_NAMES
from remapd.sinks.wire.packet import Source
from remapd.synth.registry import SYNTHS

#: Name of a device's control and what it sounds like, by kind and number.
Sounds = Mapping[tuple[str, int], tuple[str, str]]

#: Loudness of the notes, 0..1.
_LOUDNESS = 0.8


@dataclass(frozen=True, slots=True)
class Sweep:
    """One control of a device, or none: plain notes.

    Parameters
    ----------
    sink : MidiSink
        The sink with the first of `controls` alone; plain notes have none.
    controls : tuple of Control
        All that move this on the device, each for other synthesisers; the first is played.
    """

    sink: MidiSink
    controls: tuple[Control, ...] = ()

    @property
    def control(self) -> Control | None:
        """What moves."""
        return next(iter(self.controls), None)

    def hit(self, share: float) -> HitEvent:
        """The hit at a part 0..1 of the sweep: from one end of the source to the other, and back."""
        position = 1.0 - abs(1.0 - 2.0 * share)
        return _hit(self.control, position)

    def lines(self, sounds: Sounds) -> list[str]:
        """What is heard, and what of a hit moves it.

        Parameters
        ----------
        sounds : mapping
            Name of the device's control and what it sounds like, by kind and number.
        """
        control = self.control
        if control is None:
            return [f"Notes {self.sink.note} on channel {self.sink.channel}, from soft to loud"]
        name, heard = sounds.get((control.kind, control.number), ("", ""))
        reach = f"{control.minimum} to {control.maximum}{', inverted' if control.invert else ''}"
        address = address_text(control.kind, control.number)
        title = f"{name}: {address} ({reach})" if name else f"{address} ({reach})"
        return [title, *([f"    {heard}"] if heard else []), *self._moved()]

    def _moved(self) -> Iterator[str]:
        """What moves it, with the synthesisers for which it does."""
        synths: dict[tuple[str, str], list[str]] = {}
        for control in self.controls:
            synths.setdefault((control.source.text, _meaning(control)), []).extend(filter(None, [control.synth]))
        for (source, meaning), names in synths.items():
            yield f"    moved by {source}{_in_brackets(names)}: {meaning}"


def sweeps_of(sink: MidiSink) -> Iterator[Sweep]:
    """Plain notes, then each of the device's controls that a sink moves."""
    plain = replace(sink, controls=(), enabled=True, tracks=())
    yield Sweep(plain)
    addresses = dict.fromkeys((control.kind, control.number) for control in sink.controls)
    for address in addresses:
        controls = tuple(control for control in sink.controls if (control.kind, control.number) == address)
        yield Sweep(replace(plain, controls=controls[:1]), controls)


def _in_brackets(names: list[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _meaning(control: Control) -> str:
    table = SYNTHS[control.synth].table if control.synth else None
    return control.source.parameter(table).description


def _hit(control: Control | None, position: float) -> HitEvent:
    """A hit of middling numbers, but for the one that moves."""
    synth = _synth_of(control)
    table = SYNTHS[synth].table
    hit = HitEvent(
        track=0, onset_s=0.0, decided_s=0.0, trigger_s=0.0,
        features=FEATURES.mapping(FEATURES.default), scaled=[0.5] * len(SCALED_NAMES),
        modulation=dict.fromkeys(table.names, 0.0), values=table.mapping(table.default),
        level_db=-12.0, floor_db=-60.0, strength_db=30.0, synth=synth, block_ns=0, published_ns=0,
    )  # fmt: skip
    loudness = SCALED_NAMES.index("loudness")
    hit.scaled[loudness] = position if control is None else _LOUDNESS
    return hit if control is None else _moved(hit, control, position)


def _synth_of(control: Control | None) -> str:
    """A synthesiser that has what moves."""
    if control is None:
        return next(iter(SYNTHS))
    fitting = (name for name, synth in SYNTHS.items() if control.source.resolve(synth.table) is not None)
    return control.synth or next(fitting)


def _moved(hit: HitEvent, control: Control, position: float) -> HitEvent:
    """The hit with a control's source at a place 0..1 of what the control hears of it."""
    source, table = control.source, SYNTHS[hit.synth].table
    low, high = _ends(control, table)
    if source.kind == Source.VALUE:
        parameter = table[source.name]
        if not source.as_position:
            low, high = parameter.to_position(low), parameter.to_position(high)
        return replace(hit, values=hit.values | {source.name: parameter.from_position(low + position * (high - low))})
    number = low + position * (high - low)
    if source.kind == Source.MODULATION:
        return replace(hit, modulation=hit.modulation | {source.name: number})
    if source.kind == Source.FEATURE:
        return replace(hit, features=hit.features | {source.name: number})
    if source.kind in (Source.SCALED, Source.VELOCITY):
        hit.scaled[SCALED_NAMES.index(source.name if source.kind == Source.SCALED else "loudness")] = number
        return hit
    if source.kind in (Source.TRACK, Source.HIT):  # They are what they are.
        return hit
    moved: dict[str, Any] = {source.name: number}
    return replace(hit, **moved)


def _ends(control: Control, table: ParameterTable) -> tuple[float, float]:
    """Part of the source's range that a control hears, in the source's unit."""
    low, high = control.source.range(table)
    return (
        low if control.source_minimum is None else control.source_minimum,
        high if control.source_maximum is None else control.source_maximum,
    )
