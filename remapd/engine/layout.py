"""The memory of the engine: what it shares with control processes, and what is its own.

`SHARED` is one block of memory that both processes map. Each part has one writer:

- ``words``: counters of the two rings and of the mailbox, touched only through `remapd.engine.native` atomics;
- ``mailbox``: the wanted state, written by control under a revision (odd while it writes); latest value wins, and an
  engine that starts anew finds everything here;
- ``programs``: two per track. Control fills the one that is not playing, then names it in the mailbox;
- ``commands``: ring of actions from control, read by the engine;
- ``events``: ring of hits and rejected candidates from the engine, read by any number of readers, each with a cursor;
- ``stamps``: later times of the events in the slots of the ring, each written by the station that it names;
- ``status``: meters and counts, written by the engine.

`STATE` is private to the engine.
"""

from __future__ import annotations

import hashlib

import numpy as np

from remapd.dsp.kernel import CHUNK_FRAMES
from remapd.engine import limiter, mixer, stream_clock
from remapd.engine.controls import GLOBAL_PARAMETERS, TRACK_PARAMETERS
from remapd.features import descriptors, scaler
from remapd.features.descriptors import N_FEATURES
from remapd.mapping import mapper
from remapd.onsets import detector
from remapd.synth.base import MAX_SYNTH_PARAMETERS
from remapd.synth.registry import VOICE

MAX_TRACKS = 32
COMMAND_SLOTS = 1024
EVENT_SLOTS = 4096
#: Longest history of input that a feature window may reach back to; a power of two.
HISTORY_FRAMES = 16384
#: Hits whose window is still filling.
MAX_PENDING = 16
#: Width of the histogram of callback durations, in bins of one microsecond; the last bin takes all that is longer.
DURATION_BINS = 4096

#: Places in ``words``.
EVENTS_WRITTEN, COMMANDS_WRITTEN, COMMANDS_READ, REVISION, APPLIED_REVISION, RUNNING = range(6)

#: Kinds of event.
HIT, REJECTED = 1, 2
#: Kinds of command.
PANIC, RESET_METERS = 1, 2
#: Most commands that one block obeys; more wait for the next.
COMMANDS_PER_BLOCK = 16

_N = MAX_SYNTH_PARAMETERS
_N_REASONS = len(detector.REASONS)

COMMAND = np.dtype([("kind", "i8"), ("track", "i8"), ("value", "f8")], align=True)

EVENT = np.dtype(
    [
        ("sequence", "i8", (1,)),
        ("kind", "i8"),
        ("track", "i8"),
        ("reason", "i8"),
        ("synth", "i8"),
        ("onset_frame", "i8"),
        ("decided_frame", "i8"),
        ("trigger_frame", "i8"),
        ("block_ns", "i8"),
        ("published_ns", "i8"),
        ("onset_ns", "i8"),
        ("sample_rate", "f8"),
        ("level_db", "f8"),
        ("floor_db", "f8"),
        ("strength_db", "f8"),
        ("features", "f8", (N_FEATURES,)),
        ("scaled", "f8", (N_FEATURES,)),
        ("modulation", "f8", (_N,)),
        ("values", "f8", (_N,)),
    ],
    align=True,
)

STAMPS = np.dtype(
    [("sequence", "i8", (1,)), ("rendered_ns", "i8"), ("sent_ns", "i8"), ("midi_ns", "i8")],
    align=True,
)

TRACK_MAILBOX = np.dtype(
    [
        ("parameters", "f8", (len(TRACK_PARAMETERS),)),
        ("base", "f8", (_N,)),
        ("damping", "f8", (_N,)),
        ("depth", "f8", (_N,)),
        ("lock", "f8", (_N,)),
        ("program", "i8"),
        ("input_channel", "i8"),
    ],
    align=True,
)

MAILBOX = np.dtype(
    [
        ("tracks", "i8"),
        ("parameters", "f8", (len(GLOBAL_PARAMETERS),)),
        ("track", TRACK_MAILBOX, (MAX_TRACKS,)),
    ],
    align=True,
)

PROGRAM = np.dtype(
    [
        ("synth", "i8"),
        ("outputs", "i8"),
        ("minimum", "f8", (_N,)),
        ("maximum", "f8", (_N,)),
        ("network", mapper.NETWORK),
        ("scaler", scaler.STATE),
        ("inputs", "u8"),  # number of features that the network hears, and the place of each among all
        ("input_places", "u8", (N_FEATURES,)),
        ("window_ms", "f8"),
        ("pre_roll_ms", "f8"),
        ("bandwidth_hz", "f8"),
        ("window_frames", "i8"),
        ("pre_roll_frames", "i8"),
        ("features", descriptors.STATE),
    ],
    align=True,
)

STATUS = np.dtype(
    [
        ("sample_rate", "f8"),
        ("input_channels", "i8"),
        ("output_channels", "i8"),
        ("block_frames", "i8"),
        ("frames", "i8"),
        ("callbacks", "i8"),
        ("xruns", "i8"),
        ("non_finite", "i8"),
        ("hits_dropped", "i8"),
        ("last_callback_ns", "i8"),
        ("callback_us", "i8", (DURATION_BINS,)),
        ("callback_ns_max", "i8"),
        ("peak", "f8", (2,)),
        ("limiter_gain", "f8"),
        ("track_peak", "f8", (MAX_TRACKS,)),
        ("track_signal_db", "f8", (MAX_TRACKS,)),
        ("track_signal_peak_db", "f8", (MAX_TRACKS,)),
        ("hits", "i8", (MAX_TRACKS,)),
        ("rejected", "i8", (MAX_TRACKS, _N_REASONS)),
        ("program", "i8", (MAX_TRACKS,)),
    ],
    align=True,
)

SHARED = np.dtype(
    [
        ("magic", "u8"),
        ("fingerprint", "u8"),
        ("words", "i8", (8,)),
        ("status", STATUS),
        ("mailbox", MAILBOX),
        ("commands", COMMAND, (COMMAND_SLOTS,)),
        ("events", EVENT, (EVENT_SLOTS,)),
        ("stamps", STAMPS, (EVENT_SLOTS,)),
        ("programs", PROGRAM, (MAX_TRACKS, 2)),
    ],
    align=True,
)

PENDING = np.dtype(
    [
        ("onset_frame", "i8"),
        ("decided_frame", "i8"),
        ("trigger_frame", "i8"),
        ("level_db", "f8"),
        ("floor_db", "f8"),
        ("strength_db", "f8"),
    ],
    align=True,
)

TRACK = np.dtype(
    [
        ("program", "i8"),
        ("synth", "i8"),
        ("pending_count", "i8"),
        ("pending", PENDING, (MAX_PENDING,)),
        ("history", "f8", (HISTORY_FRAMES,)),
        ("detector", detector.STATE),
        ("scaler", scaler.STATE),
        ("mapper", mapper.SCRATCH),
        ("voice", VOICE),
        ("mix", mixer.STATE),
        ("features", "f8", (N_FEATURES,)),
        ("scaled", "f8", (N_FEATURES,)),
        ("centred", "f8", (N_FEATURES,)),
        ("inputs", "f8", (N_FEATURES,)),
        ("modulation", "f8", (_N,)),
        ("values", "f8", (_N,)),
    ],
    align=True,
)

STATE = np.dtype(
    [
        ("sample_rate", "f8"),
        ("frame", "i8"),
        ("block_ns", "i8"),
        ("started", "i8"),
        ("fade_out", "i8"),
        ("seed", "i8"),
        ("clock", "i8", (2,)),
        ("stream_clock", stream_clock.STATE),
        ("wake", "i8", (1,)),
        ("applied", MAILBOX),
        ("incoming", MAILBOX),
        ("limiter", limiter.STATE),
        ("input", "f8", (CHUNK_FRAMES,)),
        ("voice", "f8", (CHUNK_FRAMES,)),
        ("left", "f8", (CHUNK_FRAMES,)),
        ("right", "f8", (CHUNK_FRAMES,)),
        ("command", COMMAND),
        ("track", TRACK, (MAX_TRACKS,)),
    ],
    align=True,
)

MAGIC = int.from_bytes(b"remapd\x00\x01", "little")


def fingerprint() -> int:
    """Hash of the shared layout; two processes must agree on it before one maps the other's block."""
    text = f"{SHARED!r} {SHARED.itemsize}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
