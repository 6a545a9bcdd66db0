"""The numbers of a hit that a sink may send, by the names that its document has for them.

``values.osc1.freq`` is a parameter's final value in its unit, ``unit.osc1.freq`` the same as 0..1 along its curve,
``modulation.osc1.freq`` what the mapping made of the hit. ``features.loudness_db`` is a feature in its unit,
``scaled.loudness`` the same as 0..1. The rest are single names: `SINGLE`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from remapd.engine.events import HitEvent
from remapd.engine.layout import MAX_TRACKS
from remapd.errors import FieldError
from remapd.features.descriptors import FEATURES
from remapd.fields import near
from remapd.parameters import Parameter, ParameterTable
from remapd.sinks.wire.packet import Source
from remapd.synth.registry import SYNTHS

#: The features as 0..1: their names without the unit.
SCALED_NAMES = tuple(name.rpartition("_")[0] for name in FEATURES.names)

#: Sources that are one number, with the range that a control runs through.
SINGLE = ParameterTable(
    "source",
    [
        Parameter("velocity", "", 0.0, 1.0, 0.0, "Loudness of the hit through the sink's velocity curve."),
        Parameter("track", "", 1.0, MAX_TRACKS, 1.0, "Number of the track, from 1.", "whole"),
        Parameter("hit", "", 1.0, 2**31 - 1.0, 1.0, "Number of the hit on this sink, from 1.", "whole"),
        Parameter("onset_s", "s", 0.0, 1e9, 0.0, "Time of the onset in the stream."),
        Parameter("trigger_s", "s", 0.0, 1e9, 0.0, "Time in the stream at which the synthesiser plays the hit."),
        Parameter("level_db", "dB", -120.0, 0.0, -120.0, "Level at which the detector heard the hit."),
        Parameter("floor_db", "dB", -120.0, 0.0, -120.0, "Level of the noise and ringing below it."),
        Parameter("strength_db", "dB", 0.0, 60.0, 0.0, "How far the hit rose above what was expected."),
    ],
)
_SINGLE = {name: Source[name.upper()] for name in SINGLE.names}

#: Groups of sources, the first part of their names, and what they are.
GROUPS = {
    "features": (Source.FEATURE, "Feature of the hit in its unit."),
    "scaled": (Source.SCALED, "Feature as 0..1 in the range that the model knows."),
    "modulation": (Source.MODULATION, "What the mapping made of the hit for a parameter, -1..1."),
    "values": (Source.VALUE, "Final value of a parameter in its unit."),
    "unit": (Source.VALUE, "Final value of a parameter as 0..1 along its curve."),
}


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A number of a hit.

    Parameters
    ----------
    kind : Source
        Where it stands.
    name : str
        Feature or parameter, or the name of the single source.
    as_position : bool
        Whether it is a parameter's place on its curve, 0..1, and not its value.
    """

    kind: Source
    name: str
    as_position: bool = False

    @property
    def text(self) -> str:
        """The name that `parse_source` takes."""
        for group, (kind, _) in GROUPS.items():
            if kind == self.kind and self.as_position == (group == "unit"):
                return f"{group}.{self.name}"
        return self.name

    def resolve(self, table: ParameterTable | None) -> int | None:
        """Place in the source's table, 0 where it has none; None if the synth with this table lacks the parameter."""
        if self.kind == Source.FEATURE:
            return FEATURES.index(self.name)
        if self.kind == Source.SCALED:
            return SCALED_NAMES.index(self.name)
        if self.kind in (Source.MODULATION, Source.VALUE):
            return table.index(self.name) if table is not None and self.name in table else None
        return 0

    def value(self, hit: HitEvent, number: int, velocity: float) -> float | None:
        """The number of a hit; None if its synth lacks the parameter.

        Parameters
        ----------
        hit : HitEvent
            The hit.
        number : int
            Which one it is on this sink, from 1.
        velocity : float
            Its velocity, 0..1.
        """
        if self.kind == Source.FEATURE:
            return hit.features[self.name]
        if self.kind == Source.SCALED:
            return hit.scaled[SCALED_NAMES.index(self.name)]
        if self.kind == Source.MODULATION:
            return hit.modulation.get(self.name)
        if self.kind == Source.VALUE:
            return self._value(hit)
        single = {Source.VELOCITY: velocity, Source.TRACK: hit.track + 1.0, Source.HIT: float(number)}
        return single[self.kind] if self.kind in single else float(getattr(hit, self.name))

    def _value(self, hit: HitEvent) -> float | None:
        value = hit.values.get(self.name)
        if value is None or not self.as_position:
            return value
        parameter = SYNTHS[hit.synth].table[self.name]
        return parameter.to_position(min(max(value, parameter.minimum), parameter.maximum))

    def range(self, table: ParameterTable | None = None) -> tuple[float, float]:
        """Least and greatest number, in the source's unit.

        Without a table, or with one that lacks the parameter, a parameter has the range of the first synth with it.
        """
        if self.as_position or self.kind == Source.SCALED:
            return 0.0, 1.0
        if self.kind == Source.MODULATION:
            return -1.0, 1.0
        parameter = self.parameter(table)
        return parameter.minimum, parameter.maximum

    def parameter(self, table: ParameterTable | None = None) -> Parameter:
        """The line that declares it: name, unit, range and what it is."""
        if self.kind == Source.FEATURE:
            return FEATURES[self.name]
        if self.kind == Source.SCALED:
            return FEATURES.parameters[SCALED_NAMES.index(self.name)]
        if self.kind in (Source.MODULATION, Source.VALUE):
            tables = [table, *_synth_tables()] if table is not None else _synth_tables()
            return next(t[self.name] for t in tables if self.name in t)
        return SINGLE[self.name]


def parse_source(text: object, field: str = "source") -> SourceRef:
    """Source of a name.

    Raises
    ------
    FieldError
        If there is none of that name; it says which is nearest.
    """
    if not isinstance(text, str):
        raise FieldError(field, "the name of a source, such as velocity or values.osc1.freq", text)
    if text in _SINGLE:
        return SourceRef(_SINGLE[text], text)
    group, dot, name = text.partition(".")
    if not dot or group not in GROUPS:
        raise FieldError(field, f"a source: {_all_sources()}{near(text, source_names())}", text)
    if name not in names_of(group):
        what = "a feature" if group in ("features", "scaled") else "a parameter of a synth"
        raise FieldError(field, f"{what} after {group}.{near(name, names_of(group))}", text)
    return SourceRef(GROUPS[group][0], name, group == "unit")


@functools.cache
def names_of(group: str) -> tuple[str, ...]:
    """What may stand after a group: features, or the parameters of all synths."""
    if group == "features":
        return FEATURES.names
    if group == "scaled":
        return SCALED_NAMES
    return tuple(dict.fromkeys(name for table in _synth_tables() for name in table.names))


@functools.cache
def source_names() -> tuple[str, ...]:
    """Every name that `parse_source` takes."""
    return (*SINGLE.names, *(f"{group}.{name}" for group in GROUPS for name in names_of(group)))


def _synth_tables() -> list[ParameterTable]:
    return [synth.table for synth in SYNTHS.values()]


def _all_sources() -> str:
    return ", ".join([*SINGLE.names, *(f"{group}.<name>" for group in GROUPS)])
