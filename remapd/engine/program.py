"""A model laid out for the engine: what is written into a program slot, off the audio path."""

from __future__ import annotations

from typing import Any

from remapd.features import descriptors
from remapd.features.descriptors import FeatureSpec
from remapd.mapping.bundle import Model
from remapd.synth.registry import SYNTHS

Record = Any


def write(record: Record, model: Model, sample_rate: float) -> None:
    """Write `model` into a `PROGRAM` record that no engine plays.

    A `sample_rate` of 0 says that no engine has run yet; the engine then calls `prepare` when it starts.
    """
    synth = SYNTHS[model.synth]
    n = len(synth.table)
    record["synth"] = list(SYNTHS).index(model.synth)
    record["outputs"] = n
    record["minimum"][:n] = synth.table.minimum
    record["maximum"][:n] = synth.table.maximum
    model.network.write(record["network"])
    model.scaler.write(record["scaler"])
    record["inputs"] = len(model.scaler.places)
    record["input_places"][: len(model.scaler.places)] = model.scaler.places
    for name in ("window_ms", "pre_roll_ms", "bandwidth_hz"):
        record[name] = getattr(model.features, name)
    if sample_rate > 0.0:
        prepare(record, sample_rate)


def prepare(record: Record, sample_rate: float) -> None:
    """Work out everything in a `PROGRAM` record that depends on the sample rate."""
    spec = FeatureSpec(float(record["window_ms"]), float(record["pre_roll_ms"]), float(record["bandwidth_hz"]))
    record["window_frames"] = spec.window_frames(sample_rate)
    record["pre_roll_frames"] = spec.pre_roll_frames(sample_rate)
    descriptors.prepare(record["features"], spec, sample_rate)
