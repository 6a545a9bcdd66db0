"""Hits as the engine hands them to the MIDI process: one record each."""

import time

import numpy as np

from remapd.engine.layout import EVENT, HIT, REJECTED
from remapd.features.descriptors import FEATURES
from remapd.synth.registry import SYNTHS


def hit_record(track=0, loudness=0.5, synth="snare808", sequence=0, published_ns=None, kind=HIT, values=None):
    """Bytes of a hit that was published just now, with the synthesiser's defaults but for `values` by name."""
    record = np.zeros(1, EVENT)
    table = SYNTHS[synth].table
    record["kind"], record["track"], record["sequence"] = kind, track, sequence
    record["synth"] = list(SYNTHS).index(synth)
    record["sample_rate"] = 48000.0
    record["published_ns"] = time.monotonic_ns() if published_ns is None else published_ns
    record["scaled"][0, [name.startswith("loudness") for name in FEATURES.names].index(True)] = loudness
    for name, value in (table.mapping(table.default) | (values or {})).items():
        record["values"][0, table.index(name)] = value
    return record.tobytes()


def rejected_record():
    """Bytes of a candidate that was no hit."""
    return hit_record(kind=REJECTED)
