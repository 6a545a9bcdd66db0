"""The two rings and the mailbox of the shared block: compiled, lock-free, one writer each.

The event ring never makes the engine wait: it overwrites the oldest slot. Each slot carries the number of the event
it holds, so a reader that fell behind, or whose slot was overwritten while it copied, knows how many it lost.
"""

from __future__ import annotations

from typing import Any

from remapd.dsp.kernel import compiled
from remapd.engine.layout import (
    APPLIED_REVISION,
    COMMAND_SLOTS,
    COMMANDS_READ,
    COMMANDS_WRITTEN,
    EVENT_SLOTS,
    EVENTS_WRITTEN,
    MAX_TRACKS,
    REVISION,
)
from remapd.engine.native import fence, load_acquire, store_release

#: Number of an event slot that is being written.
_BUSY = -1


@compiled
def open_event(shared: Any) -> int:
    """Claim the next event slot; the caller fills it and calls `publish_event`."""
    number = shared.words[EVENTS_WRITTEN]
    slot = number % EVENT_SLOTS
    store_release(shared.events[slot].sequence, 0, _BUSY)
    fence()
    _open_stamps(shared.stamps[slot], number + 1)
    return slot


@compiled
def _open_stamps(stamps: Any, sequence: int) -> None:
    """Forget the times of the event that was in the slot."""
    store_release(stamps.sequence, 0, _BUSY)
    fence()
    stamps.rendered_ns = 0
    stamps.sent_ns = 0
    stamps.midi_ns = 0
    store_release(stamps.sequence, 0, sequence)


@compiled
def publish_event(shared: Any, slot: int) -> None:
    """Show a filled slot to the readers."""
    number = shared.words[EVENTS_WRITTEN]
    store_release(shared.events[slot].sequence, 0, number + 1)
    store_release(shared.words, EVENTS_WRITTEN, number + 1)


@compiled
def copy_event(shared: Any, number: int, out: Any) -> bool:
    """Copy event `number` into ``out[0]``; false if it was overwritten before or while it was copied."""
    slot = number % EVENT_SLOTS
    if load_acquire(shared.events[slot].sequence, 0) != number + 1:
        return False
    out[0] = shared.events[slot]
    fence()
    return bool(load_acquire(shared.events[slot].sequence, 0) == number + 1)


@compiled
def events_written(shared: Any) -> int:
    """How many events the engine has published."""
    return load_acquire(shared.words, EVENTS_WRITTEN)


@compiled
def push_command(shared: Any, kind: int, track: int, value: float) -> bool:
    """Append an action; false if the ring is full."""
    written = shared.words[COMMANDS_WRITTEN]
    if written - load_acquire(shared.words, COMMANDS_READ) >= COMMAND_SLOTS:
        return False
    command = shared.commands[written % COMMAND_SLOTS]
    command.kind = kind
    command.track = track
    command.value = value
    store_release(shared.words, COMMANDS_WRITTEN, written + 1)
    return True


@compiled
def take_command(shared: Any, command: Any) -> bool:
    """Move the oldest action into `command`; false if there is none."""
    read = shared.words[COMMANDS_READ]
    if read == load_acquire(shared.words, COMMANDS_WRITTEN):
        return False
    source = shared.commands[read % COMMAND_SLOTS]
    command.kind = source.kind
    command.track = source.track
    command.value = source.value
    store_release(shared.words, COMMANDS_READ, read + 1)
    return True


@compiled
def drop_commands(shared: Any) -> None:
    """Forget the actions that were meant for an engine before this one."""
    store_release(shared.words, COMMANDS_READ, load_acquire(shared.words, COMMANDS_WRITTEN))


@compiled
def begin_change(shared: Any) -> None:
    """Make the revision odd: the engine keeps what it has until `end_change`."""
    revision = shared.words[REVISION]
    store_release(shared.words, REVISION, revision + 1 + revision % 2)
    fence()


@compiled
def end_change(shared: Any) -> int:
    """Make the revision even again, for the engine to take; returns it."""
    revision = shared.words[REVISION] + 1
    store_release(shared.words, REVISION, revision)
    return revision


@compiled
def take_mailbox(shared: Any, incoming: Any) -> bool:
    """Copy the wanted state if it is new and whole; false if nothing was taken."""
    revision = load_acquire(shared.words, REVISION)
    if revision == shared.words[APPLIED_REVISION] or revision % 2 == 1:
        return False
    # Whatever another process wrote there, no index may leave its array.
    incoming.tracks = min(MAX_TRACKS, max(0, shared.mailbox.tracks))
    for i in range(len(incoming.parameters)):
        incoming.parameters[i] = shared.mailbox.parameters[i]
    for t in range(incoming.tracks):
        incoming.track[t] = shared.mailbox.track[t]
    fence()
    if load_acquire(shared.words, REVISION) != revision:
        return False
    shared.words[APPLIED_REVISION] = revision
    return True
