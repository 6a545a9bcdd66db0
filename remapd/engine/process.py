"""The one compiled function that processes a block: all tracks, the mix, the meters and the changes that came in."""

from __future__ import annotations

import math
from typing import Any

from remapd.dsp.kernel import CHUNK_FRAMES, ZERO, compiled, inlined
from remapd.engine import limiter, mixer, stream_clock
from remapd.engine.controls import GLOBAL_PARAMETERS, TRACK_PARAMETERS
from remapd.engine.layout import APPLIED_REVISION, COMMANDS_PER_BLOCK, DURATION_BINS, PANIC, RESET_METERS
from remapd.engine.rings import drop_commands, take_command, take_mailbox
from remapd.engine.track import process_track, reschedule, silence_track
from remapd.onsets import detector
from remapd.synth.registry import reset_voice

_OUTPUT_GAIN_DB = GLOBAL_PARAMETERS.index("output_gain_db")
_CEILING_DB = GLOBAL_PARAMETERS.index("limiter_ceiling_db")
_RELEASE_MS = GLOBAL_PARAMETERS.index("limiter_release_ms")
_MUTE = TRACK_PARAMETERS.index("mute")
_SOLO = TRACK_PARAMETERS.index("solo")
_ONSET = TRACK_PARAMETERS.index("onset." + detector.ONSET_PARAMETERS.names[0])
_ONSET_STOP = _ONSET + len(detector.ONSET_PARAMETERS)

#: Samples beyond this (36 dB above full scale) are faults of a converter, not music.
_INPUT_LIMIT = 64.0
_METER_FALL_PER_S = 10.0
#: A meter below this (-200 dB) shows nothing, and ends before its numbers become denormal.
_METER_END = 1e-10


@compiled
def reset(shared: Any, state: Any, sample_rate: float, seed: int) -> None:
    """Forget every signal; the wanted state in the mailbox is taken afresh with the next block."""
    state.sample_rate = sample_rate
    state.frame = 0
    state.block_ns = 0
    state.wake[0] = 1
    stream_clock.reset(state.stream_clock)
    state.started = 0
    state.fade_out = 0
    state.seed = seed
    shared.words[APPLIED_REVISION] = -1
    drop_commands(shared)
    limiter.reset(state.limiter)
    for t in range(len(state.track)):
        _reset_track(state, t)


@compiled
def _reset_track(state: Any, t: int) -> None:
    track = state.track[t]
    track.program = -1
    track.synth = -1
    track.pending_count = 0
    mixer.reset(track.mix)
    for i in range(len(track.history)):
        track.history[i] = 0.0
    detector.reset(track.detector, state.sample_rate)
    reset_voice(track.voice, state.sample_rate, state.seed + t)


@compiled
def process_block(shared: Any, state: Any, source: Any, sink: Any, n: int) -> None:
    """Process `n` frames: ``source[n, input channels]`` in, ``sink[n, output channels]`` out, both float32."""
    _take_changes(shared, state)
    _fade_meters(shared, state, n)
    start = ZERO
    while start < n:
        count = min(CHUNK_FRAMES, n - start)
        _process_chunk(shared, state, source, sink, start, count)
        state.frame += count
        start += count
    shared.status.frames = state.frame


@inlined
def _process_chunk(shared: Any, state: Any, source: Any, sink: Any, start: int, n: int) -> None:
    left, right = state.left, state.right
    for i in range(n):
        left[i] = 0.0
        right[i] = 0.0
    for t in range(state.applied.tracks):
        _take_input(shared, state, t, source, start, n)
        sounding = process_track(shared, state, t, n)
        mixer.add(state.track[t].mix, state.input, state.voice, sounding, left, right, n)
    limiter.limit(state.limiter, left, right, n)
    _give_output(shared, state, sink, start, n)


@compiled
def _take_input(shared: Any, state: Any, t: int, source: Any, start: int, n: int) -> None:
    """A track's channel into ``state.input``: what is no number becomes silence and is counted."""
    x = state.input
    channel = state.applied.track[t].input_channel
    if channel < 0 or channel >= source.shape[1]:
        for i in range(n):
            x[i] = 0.0
        return
    bad = 0
    for i in range(n):
        sample = source[start + i, channel]
        finite = sample - sample == 0.0
        bad += 0 if finite else 1
        x[i] = min(_INPUT_LIMIT, max(-_INPUT_LIMIT, float(sample))) if finite else 0.0
    if not _is_shared(state, t, channel):
        shared.status.non_finite += bad
    peak = shared.status.track_peak[t]
    for i in range(n):
        peak = max(peak, abs(x[i]))
    shared.status.track_peak[t] = peak


@compiled
def _is_shared(state: Any, t: int, channel: int) -> bool:
    """Whether a track before `t` hears the same channel, whose faults are counted already."""
    shared = False
    for before in range(t):
        shared = shared or state.applied.track[before].input_channel == channel
    return shared


@compiled
def _give_output(shared: Any, state: Any, sink: Any, start: int, n: int) -> None:
    left, right = state.left, state.right
    channels = sink.shape[1]
    for i in range(n):
        if channels == 1:
            sink[start + i, 0] = 0.5 * (left[i] + right[i])
        elif channels > 1:
            sink[start + i, 0] = left[i]
            sink[start + i, 1] = right[i]
        for c in range(2, channels):
            sink[start + i, c] = 0.0
    status = shared.status
    status.limiter_gain = state.limiter.gain
    for i in range(n):
        status.peak[0] = max(status.peak[0], abs(left[i]))
        status.peak[1] = max(status.peak[1], abs(right[i]))


@compiled
def _fade_meters(shared: Any, state: Any, n: int) -> None:
    fall = math.exp(-_METER_FALL_PER_S * n / state.sample_rate)
    for side in range(2):
        shared.status.peak[side] = _faded(shared.status.peak[side] * fall)
    for t in range(state.applied.tracks):
        shared.status.track_peak[t] = _faded(shared.status.track_peak[t] * fall)


@compiled
def _faded(peak: float) -> float:
    return peak if peak > _METER_END else 0.0


@compiled
def _take_changes(shared: Any, state: Any) -> None:
    if take_mailbox(shared, state.incoming):
        _apply(shared, state)
        state.started = 1
    if state.fade_out == 1:
        state.fade_out = 2
        _silence_mix(state)
    for _ in range(COMMANDS_PER_BLOCK):
        if not take_command(shared, state.command):
            break
        _obey(shared, state)


@compiled
def _silence_mix(state: Any) -> None:
    for t in range(state.applied.tracks):
        mixer.configure(state.track[t].mix, state.applied.track[t].parameters, True, state.sample_rate)


@compiled
def _obey(shared: Any, state: Any) -> None:
    if state.command.kind == PANIC:
        for t in range(len(state.track)):
            silence_track(state.track[t])
    elif state.command.kind == RESET_METERS:
        shared.status.callback_ns_max = 0
        for i in range(DURATION_BINS):
            shared.status.callback_us[i] = 0


@compiled
def _apply(shared: Any, state: Any) -> None:
    """Take the new wanted state; only what differs is worked out anew."""
    new, old = state.incoming, state.applied
    p = new.parameters
    limiter.configure(state.limiter, p[_OUTPUT_GAIN_DB], p[_CEILING_DB], p[_RELEASE_MS], state.sample_rate)
    any_solo = False
    for t in range(new.tracks):
        any_solo = any_solo or new.track[t].parameters[_SOLO] > 0.5
    for t in range(old.tracks):
        if t >= new.tracks:
            silence_track(state.track[t])
    for t in range(new.tracks):
        wanted = new.track[t]
        if t >= old.tracks and state.started == 1:
            _reset_track(state, t)
        first_time = state.started == 0 or t >= old.tracks
        if first_time or _onset_differs(wanted, old.track[t]):
            _configure_detector(state, t)
        if first_time or wanted.program != state.track[t].program:
            _flip_program(shared, state, t)
        q = wanted.parameters
        silent = q[_MUTE] > 0.5 or (any_solo and q[_SOLO] < 0.5)
        mixer.configure(state.track[t].mix, q, silent, state.sample_rate)
        old.track[t] = wanted
    old.tracks = new.tracks
    for i in range(len(p)):
        old.parameters[i] = p[i]


@compiled
def _onset_differs(wanted: Any, applied: Any) -> bool:
    differs = False
    for i in range(_ONSET, _ONSET_STOP):
        differs = differs or wanted.parameters[i] != applied.parameters[i]
    return differs


@compiled
def _configure_detector(state: Any, t: int) -> None:
    parameters = state.incoming.track[t].parameters
    detector.configure(state.track[t].detector, parameters[_ONSET:_ONSET_STOP], state.sample_rate)


@compiled
def _flip_program(shared: Any, state: Any, t: int) -> None:
    """Play the other slot from here on; a sound of the old synth rings out."""
    track = state.track[t]
    wanted = state.incoming.track[t].program
    if wanted < 0 or wanted > 1:  # Only an unfinished mailbox says so.
        return
    track.program = wanted
    program = shared.programs[t, track.program]
    reschedule(track, program)
    track.synth = program.synth
    track.scaler = program.scaler
    shared.status.program[t] = track.program
