"""One track: input -> onset detector -> window -> features -> mapper -> preset and modulation -> voice.

A hit waits in ``pending`` until its feature window is complete; it then sounds on the very next frame. Everything is
counted in frames of the stream, so the size of a block makes no difference.
"""

from __future__ import annotations

import math
from typing import Any

from remapd.dsp.kernel import ZERO, compiled, inlined
from remapd.engine import mixer, stream_clock
from remapd.engine.controls import TRACK_PARAMETERS
from remapd.engine.layout import HISTORY_FRAMES, HIT, MAX_PENDING, REJECTED
from remapd.engine.native import clock_ns
from remapd.engine.rings import open_event, publish_event
from remapd.features import descriptors, scaler
from remapd.mapping import mapper
from remapd.onsets import detector
from remapd.synth.registry import render_voice, silence_voice, trigger_voice, voice_is_active

_NEURALITY = TRACK_PARAMETERS.index("neurality")
_ADAPTIVE = TRACK_PARAMETERS.index("adaptive")
_LOUDNESS_AMOUNT = TRACK_PARAMETERS.index("loudness_amount")
_LOUDNESS_RANGE = TRACK_PARAMETERS.index("loudness_range_db")
_SCALE = TRACK_PARAMETERS.index("loudness.scale")
_OFFSET = TRACK_PARAMETERS.index("loudness.offset")
_N_FEATURES = descriptors.N_FEATURES
_LOUDNESS = 0
_SIGNAL_FALL_DB_PER_S = 40.0


@inlined
def process_track(shared: Any, state: Any, t: int, n: int) -> bool:
    """Advance track `t` by the `n` frames in ``state.input``; its voice lands in ``state.voice``.

    Returns whether the voice sounds.
    """
    track = state.track[t]
    _remember(track, state.input, state.frame, n)
    _find_hits(shared, state, t, n)
    return _sound(shared, state, t, n)


@compiled
def _remember(track: Any, x: Any, frame: int, n: int) -> None:
    history = track.history
    for i in range(n):
        history[(frame + i) & (HISTORY_FRAMES - 1)] = x[i]


@inlined
def _find_hits(shared: Any, state: Any, t: int, n: int) -> None:
    track = state.track[t]
    count = detector.detect(track.detector, state.input, n, state.frame)
    _show_signal(shared.status, t, track.detector.signal_db, n / state.sample_rate)
    for i in range(count):
        candidate = track.detector.candidates[i]
        if candidate.reason == 0:
            _await_window(shared, track, t, candidate)
        else:
            shared.status.rejected[t, candidate.reason] += 1
            _report_rejection(shared, state, t, candidate)


@compiled
def _show_signal(status: Any, t: int, signal_db: float, duration_s: float) -> None:
    """The detection signal for people: as it is, and its peak, which falls slowly enough to be seen."""
    fallen_db = status.track_signal_peak_db[t] - _SIGNAL_FALL_DB_PER_S * duration_s
    status.track_signal_db[t] = signal_db
    status.track_signal_peak_db[t] = max(signal_db, fallen_db, 0.0)


@compiled
def _await_window(shared: Any, track: Any, t: int, candidate: Any) -> None:
    if track.pending_count == MAX_PENDING:
        shared.status.hits_dropped += 1
        return
    pending = track.pending[track.pending_count]
    pending.onset_frame = candidate.onset_frame
    pending.decided_frame = candidate.decided_frame
    pending.trigger_frame = _trigger_frame(shared.programs[t, track.program], pending)
    pending.level_db = candidate.level_db
    pending.floor_db = candidate.floor_db
    pending.strength_db = candidate.strength_db
    track.pending_count += 1


@compiled
def _trigger_frame(program: Any, pending: Any) -> int:
    """The first frame after the feature window, or after the decision where the window is shorter than that."""
    window_end = pending.onset_frame - program.pre_roll_frames + program.window_frames
    return max(window_end, pending.decided_frame)


@compiled
def reschedule(track: Any, program: Any) -> None:
    """Have the hits that wait be measured in the window of the program that plays from now on."""
    for i in range(track.pending_count):
        track.pending[i].trigger_frame = _trigger_frame(program, track.pending[i])


@inlined
def _sound(shared: Any, state: Any, t: int, n: int) -> bool:
    """Render up to each hit that is due within the chunk, trigger it, and render on."""
    track = state.track[t]
    sounding = voice_is_active(track.voice)
    if not sounding and track.pending_count == 0:
        return False
    for i in range(n):
        state.voice[i] = 0.0
    position = ZERO
    while track.pending_count > 0 and track.pending[0].trigger_frame < state.frame + n:
        due = max(position, track.pending[0].trigger_frame - state.frame)
        _render(state, track, position, due)
        _trigger(shared, state, t)
        _forget_first(track)
        position = due
        sounding = True
    _render(state, track, position, n)
    return sounding


@compiled
def _render(state: Any, track: Any, start: int, stop: int) -> None:
    if start < stop:
        render_voice(track.voice, state.voice, start, stop)
        mixer.apply_level(track.mix, state.voice, start, stop)


@compiled
def _forget_first(track: Any) -> None:
    track.pending_count -= 1
    for i in range(track.pending_count):
        track.pending[i] = track.pending[i + 1]


@compiled
def _trigger(shared: Any, state: Any, t: int) -> None:
    """Measure, map and strike: all that happens once per hit."""
    track = state.track[t]
    wanted = state.applied.track[t]
    program = shared.programs[t, track.program]
    first = track.pending[0].onset_frame - program.pre_roll_frames
    descriptors.measure(program.features, track.history, first, track.features)
    _scale(track, wanted)
    for i in range(program.inputs):
        track.inputs[i] = track.centred[program.input_places[i]]
    mapper.forward(program.network, track.mapper, track.inputs, track.modulation)
    _modulate(track, wanted, program)
    _set_hit_level(state, track, wanted)
    trigger_voice(track.voice, track.synth, track.values)
    shared.status.hits[t] += 1
    _report_hit(shared, state, t)


@compiled
def _scale(track: Any, wanted: Any) -> None:
    """Features to 0..1, with the player's own scale and offset."""
    p = wanted.parameters
    factor, offset = p[_SCALE : _SCALE + _N_FEATURES], p[_OFFSET : _OFFSET + _N_FEATURES]
    scaler.scale(track.scaler, track.features, p[_ADAPTIVE] > 0.5, factor, offset, track.scaled, track.centred)


@compiled
def _modulate(track: Any, wanted: Any, program: Any) -> None:
    """Preset plus modulation, in 0..1 and then in units, clipped there.

    ``track.modulation`` becomes the modulation with neurality, depth, lock and damping.
    """
    neurality = wanted.parameters[_NEURALITY]
    for i in range(program.outputs):
        depth = 0.0 if wanted.lock[i] > 0.5 else neurality * wanted.depth[i] * wanted.damping[i]
        modulation = min(1.0, max(-1.0, depth * track.modulation[i]))
        position = min(1.0, max(0.0, wanted.base[i] + modulation))
        track.modulation[i] = modulation
        value = program.minimum[i] + position * (program.maximum[i] - program.minimum[i])
        track.values[i] = min(program.maximum[i], max(program.minimum[i], value))


@compiled
def _set_hit_level(state: Any, track: Any, wanted: Any) -> None:
    p = wanted.parameters
    level_db = p[_LOUDNESS_AMOUNT] * p[_LOUDNESS_RANGE] * (track.scaled[_LOUDNESS] - 1.0)
    level = 1.0 if level_db == 0.0 else math.pow(10.0, level_db / 20.0)
    mixer.set_level(track.mix, level, voice_is_active(track.voice), state.sample_rate)


@compiled
def _report_hit(shared: Any, state: Any, t: int) -> None:
    track = state.track[t]
    pending = track.pending[0]
    slot = open_event(shared)
    event = shared.events[slot]
    _describe(state, event, HIT, t, pending)
    event.reason = 0
    event.synth = track.synth
    event.trigger_frame = pending.trigger_frame
    for i in range(_N_FEATURES):
        event.features[i] = track.features[i]
        event.scaled[i] = track.scaled[i]
    for i in range(len(track.values)):
        event.modulation[i] = track.modulation[i]
        event.values[i] = track.values[i]
    publish_event(shared, slot)


@compiled
def _report_rejection(shared: Any, state: Any, t: int, candidate: Any) -> None:
    slot = open_event(shared)
    event = shared.events[slot]
    _describe(state, event, REJECTED, t, candidate)
    event.reason = candidate.reason
    event.trigger_frame = candidate.decided_frame
    publish_event(shared, slot)


@compiled
def _describe(state: Any, event: Any, kind: int, t: int, found: Any) -> None:
    """What hits and rejected candidates have in common.

    The times of the host's clock are 0 where a file is rendered, which has no clock.
    """
    event.kind = kind
    event.track = t
    event.sample_rate = state.sample_rate
    event.onset_frame = found.onset_frame
    event.decided_frame = found.decided_frame
    event.level_db = found.level_db
    event.floor_db = found.floor_db
    event.strength_db = found.strength_db
    event.block_ns = state.block_ns
    event.published_ns = clock_ns(state.clock) if state.block_ns > 0 else 0
    event.onset_ns = stream_clock.time_ns(state.stream_clock, found.onset_frame, state.sample_rate)


@compiled
def silence_track(track: Any) -> None:
    """Stop the voice and forget hits that wait for their window."""
    silence_voice(track.voice)
    track.pending_count = 0
