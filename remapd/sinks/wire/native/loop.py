"""What the sender's thread does all its life: wait, take a new plan, send hits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray

from remapd.dsp.kernel import compiled
from remapd.engine.layout import EVENT, EVENT_SLOTS, HIT, MAX_TRACKS
from remapd.engine.native import clock_ns, load_acquire, pointer_at, store_release
from remapd.engine.rings import copy_event, events_written
from remapd.engine.stamps import stamp_sent
from remapd.sinks.common import STALE_NS
from remapd.sinks.wire.native.channel import flush, hand_over, note_delay, send_packet
from remapd.sinks.wire.native.layout import (
    DESTINATION,
    INBOX_DONE,
    INBOX_WANTED,
    PACKET,
    PATCH,
    PLAN_TAKEN,
    PLAN_WANTED,
    STOP,
    Framing,
)
from remapd.sinks.wire.native.libc import READABLE, WRITABLE, poll, read
from remapd.sinks.wire.native.render import render, velocity_of
from remapd.synth.registry import SYNTHS

_RECORD = int(Framing.RECORD)
_FOR_EVER = -1
_EVENT_BYTES = EVENT.itemsize
_N_SYNTHS = len(SYNTHS)


@compiled
def run(shared: Any, wire: Any, channels: Any) -> None:
    """Send the hits of an engine until told to stop.

    Parameters
    ----------
    shared : SHARED record
    wire : WIRE record
    channels : array of CHANNEL records
    """
    while load_acquire(wire.words, STOP) == 0:
        plan = _take_plan(wire, channels)
        _run_errand(shared, wire, channels, plan)
        _send_events(shared, wire, channels, plan)
        _wait(wire, channels, plan)


@compiled
def _destinations(plan: Any) -> Any:
    return carray(pointer_at(np.uintp(plan.destinations)), (plan.count,), DESTINATION)


@compiled
def _take_plan(wire: Any, channels: Any) -> Any:
    """The plan that is wanted; Python may forget the one before from here on."""
    revision = load_acquire(wire.words, PLAN_WANTED)
    plan = wire.plans[revision % 2]
    if revision != wire.words[PLAN_TAKEN]:
        destinations = _destinations(plan)
        for d in range(plan.count):
            channel = channels[destinations[d].channel]
            if channel.connection != destinations[d].connection:
                channel.connection = destinations[d].connection
                channel.broken = 0
                channel.rest_start = 0
                channel.rest_end = 0
        store_release(wire.words, PLAN_TAKEN, revision)
    return plan


@compiled
def _wait(wire: Any, channels: Any, plan: Any) -> None:
    """Until there are events, or a stream has room for the rest of a packet, which then goes out."""
    destinations = _destinations(plan)
    wire.polled[0].descriptor = wire.wake_descriptor
    wire.polled[0].events = READABLE
    for d in range(plan.count):
        channel = channels[destinations[d].channel]
        has_rest = channel.rest_end > channel.rest_start and channel.broken == 0
        wire.polled[1 + d].descriptor = destinations[d].descriptor if has_rest else -1
        wire.polled[1 + d].events = WRITABLE
    if poll(pointer_at(np.uintp(wire.polled_address)), 1 + plan.count, _FOR_EVER) <= 0:
        return
    if wire.polled[0].found != 0:
        read(wire.wake_descriptor, wire.woken.ctypes, len(wire.woken))
    for d in range(plan.count):
        if wire.polled[1 + d].descriptor >= 0 and wire.polled[1 + d].found != 0:
            flush(channels[destinations[d].channel], destinations[d])


@compiled
def _send_events(shared: Any, wire: Any, channels: Any, plan: Any) -> None:
    written = events_written(shared)
    if written - wire.next > EVENT_SLOTS:
        wire.lost += written - wire.next - EVENT_SLOTS
        wire.next = written - EVENT_SLOTS
    while wire.next < written:
        if not copy_event(shared, wire.next, wire.event):
            wire.lost += 1
        elif _is_hit(wire.event[0]):
            _send_hit(shared, wire, channels, plan)
        wire.next += 1


@compiled
def _is_hit(event: Any) -> bool:
    """Whether it is one, and within the tables, whatever somebody wrote into the shared block."""
    return event.kind == HIT and 0 <= event.track < MAX_TRACKS and 0 <= event.synth < _N_SYNTHS


@compiled
def _send_hit(shared: Any, wire: Any, channels: Any, plan: Any) -> None:
    event = wire.event[0]
    if clock_ns(wire.clock) - event.published_ns > STALE_NS:
        wire.stale += 1
        return
    destinations = _destinations(plan)
    is_first = True
    for d in range(plan.count):
        destination = destinations[d]
        if destination.tracks[event.track] == 0:
            continue
        channel = channels[destination.channel]
        sent_ns = _send_to(wire, channel, destination, plan, wire.event, wire.event_address)
        if sent_ns == 0:
            continue
        note_delay(channel, sent_ns - event.published_ns)
        if is_first and destination.framing != _RECORD:
            is_first = False
            stamp_sent(shared, event.sequence[0], sent_ns)


@compiled
def _send_to(wire: Any, channel: Any, destination: Any, plan: Any, events: Any, address: int) -> int:
    """All packets of a hit to one destination; when the first was handed over, 0 if none was."""
    channel.hits += 1
    if destination.framing == _RECORD:
        return _send_record(wire, channel, destination, address)
    event = events[0]
    packets = carray(pointer_at(np.uintp(plan.packets)), (plan.packet_count,), PACKET)
    patches = carray(pointer_at(np.uintp(plan.patches)), (plan.patch_count,), PATCH)
    data = carray(pointer_at(np.uintp(plan.data)), (plan.data_size,), np.uint8)
    velocity = velocity_of(destination.velocity, event)
    first = destination.routes[event.track, event.synth, 0]
    sent_ns = 0
    for p in range(first, first + destination.routes[event.track, event.synth, 1]):
        packet = packets[p]
        render(wire.packet, packet, patches, data, event, channel.hits, velocity, wire.realtime_offset_ns)
        if send_packet(wire, channel, destination, wire.packet, packet.size) and sent_ns == 0:
            sent_ns = clock_ns(wire.clock)
    return sent_ns


@compiled
def _send_record(wire: Any, channel: Any, destination: Any, address: int) -> int:
    if destination.descriptor < 0 or channel.broken != 0:
        channel.unconnected += 1
        return 0
    if hand_over(channel, destination, pointer_at(np.uintp(address)), _EVENT_BYTES) < 0:
        return 0
    channel.sent += 1
    return clock_ns(wire.clock)


@compiled
def _run_errand(shared: Any, wire: Any, channels: Any, plan: Any) -> None:
    """A made-up hit, or a whole packet, that Python wants to be sent to one destination."""
    wanted = load_acquire(wire.words, INBOX_WANTED)
    if wanted == wire.words[INBOX_DONE]:
        return
    destination = _destinations(plan)[wire.inbox_destination]
    channel = channels[destination.channel]
    if wire.inbox_size > 0:
        send_packet(wire, channel, destination, wire.inbox_packet, wire.inbox_size)
    else:
        _send_to(wire, channel, destination, plan, wire.inbox, wire.inbox_address)
    store_release(wire.words, INBOX_DONE, wanted)
