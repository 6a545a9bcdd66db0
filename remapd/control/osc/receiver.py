"""What packets mean, wherever they come from: changes, queries, actions, and the few words that are not of the tree."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from remapd.control.controller import Controller
from remapd.control.osc.addresses import ROOT, Addresses, address_of
from remapd.control.osc.changes import ChangeQueue, Changes
from remapd.control.osc.counters import Counters
from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.outbox import Post
from remapd.control.osc.patterns import is_pattern
from remapd.control.osc.peer import Peer
from remapd.control.osc.schedule import Schedule, groups
from remapd.control.osc.values import arguments_of, is_pressed, value_of
from remapd.control.osc.words import Words
from remapd.errors import FieldError, RemapdError, Told
from remapd.fields import shown
from remapd.osc.arguments import Argument
from remapd.osc.decoding import Bundle, Message, decode
from remapd.osc.encoding import encode
from remapd.osc.timetag import IMMEDIATELY

#: Values that one packet may touch.
MAX_TOUCHED = 4096
#: Faults of ours that are logged in full.
TRACEBACKS_PER_S = 0.1

_log = logging.getLogger("remapd.osc")


@dataclass
class _Work:
    """What the messages of a bundle come to."""

    changes: Changes = field(default_factory=dict)
    #: Address, and what it asks for when the changes are made.
    then: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    touched: int = 0
    is_refused: bool = False

    def touch(self, count: int) -> None:
        """Count the values of a message, up to a limit; the message itself counts as one of them."""
        self.touched += count - 1
        if self.touched > MAX_TOUCHED:
            raise FieldError("packet", f"at most {MAX_TOUCHED} values", Told("more"))


class Receiver:
    """Takes packets and does what they say; never raises, whatever they are.

    Parameters
    ----------
    controller : Controller
        Makes the changes and knows the values.
    max_ahead_s : float
        How far ahead a bundle may be planned.
    counters : Counters
        Count what comes.

    Attributes
    ----------
    post : Post
        Sends values to peers.
    """

    def __init__(self, controller: Controller, max_ahead_s: float, counters: Counters) -> None:
        self._controller, self._counters = controller, counters
        self.post = Post(lambda: controller.tree)
        self._addresses, self._words = Addresses(lambda: controller.tree), Words(controller)
        self._changes = ChangeQueue(controller, self._refuse_path)
        self._schedule = Schedule(self._perform, max_ahead_s)
        self._tracebacks = TokenBucket(TRACEBACKS_PER_S, 0.0)
        self._forget_structure: Callable[[], None] | None = None

    def start(self) -> None:
        """Follow the tree."""
        if self._forget_structure is None:
            self._forget_structure = self._controller.hub.on_structure(lambda added, removed: self._addresses.forget())

    async def stop(self) -> None:
        """Drop what waits."""
        self._schedule.clear()
        await self._changes.stop()
        if self._forget_structure is not None:
            self._forget_structure()
            self._forget_structure = None

    @property
    def waiting(self) -> int:
        """Messages that wait for their time."""
        return len(self._schedule)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Several packets that are received one after the other: changes of the same peer are made together."""
        with self._guarded(), self._changes.gathering():
            yield

    def receive(self, data: bytes, peer: Peer) -> None:
        """Do what a packet says."""
        self._counters.packets += 1
        with self._guarded():
            self._receive(data, peer)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Let a fault of ours end one packet, not the server."""
        try:
            yield
        except Exception:
            self._counters.faults += 1
            if self._tracebacks.take():
                _log.exception("a packet failed")

    def _receive(self, data: bytes, peer: Peer) -> None:
        try:
            packet = decode(data)
        except FieldError as error:
            self._counters.malformed += 1
            peer.budget.take()
            self._refuse(peer, "", error)
            return
        now_s = time.time()
        if isinstance(packet, Bundle) and IMMEDIATELY.time_s < packet.time_tag.time_s < now_s:
            self._counters.late += 1
        due = groups(packet, now_s)
        planned = [group for group in due if group[0] > now_s]
        try:
            self._schedule.check(planned, peer, now_s)
        except FieldError as error:
            self._refuse(peer, planned[0][1][0].address, error)
            return
        for due_s, messages in due:
            if due_s > now_s:
                self._plan(due_s, messages, peer)
            else:
                self._perform(messages, peer)

    def _plan(self, due_s: float, messages: list[Message], peer: Peer) -> None:
        self._counters.planned += 1
        peer.budget.take(len(messages))
        self._schedule.add(due_s, messages, peer)

    def _perform(self, messages: Sequence[Message], peer: Peer) -> None:
        """Do what messages say that belong together: all their changes, or none, then the rest."""
        self._counters.messages += len(messages)
        work = _Work(touched=len(messages))
        with self._guarded():
            self._understand(messages, peer, work)
            self._change_all(work, peer)
        if work.then:
            self._changes.flush()
        for address, action in work.then:
            self._act(address, action, peer)

    def _understand(self, messages: Sequence[Message], peer: Peer, work: _Work) -> None:
        for message in messages:
            try:
                self._take(message, peer, work)
            except RemapdError as error:
                work.is_refused = True
                self._refuse(peer, message.address, error)
        peer.budget.take(work.touched)

    def _change_all(self, work: _Work, peer: Peer) -> None:
        if not work.changes or work.is_refused:
            return
        try:
            self._changes.apply(work.changes, peer)
        except RemapdError as error:
            self._refuse_path(peer, next(iter(work.changes)), error)

    def _act(self, address: str, action: Callable[[], None], peer: Peer) -> None:
        with self._guarded():
            try:
                action()
            except RemapdError as error:
                self._refuse(peer, address, error)

    def _take(self, message: Message, peer: Peer, work: _Work) -> None:
        """Understand one message."""
        address, arguments = message.address, message.arguments
        if not self._is_ours(address):
            self._counters.foreign += 1
            return
        peer.contact()
        path = self._addresses.path(address)
        if word := self._words.find(address):
            work.touch(self._words.cost(address))
            work.then.append((address, partial(word, arguments, peer)))
        elif path is not None and self._controller.tree[path].kind == "action":
            if is_pressed(self._controller.tree[path], arguments):
                work.then.append((address, partial(self._controller.trigger, path, peer.source)))
        elif arguments:
            self._change(address, arguments, work)
        else:
            paths = self._addresses.paths(address, expands=True)
            work.touch(len(paths))
            work.then.append((address, partial(self._answer, paths, peer)))

    def _is_ours(self, address: str) -> bool:
        """Whether an address is below our root, or a pattern that reaches there."""
        if address.startswith(f"{ROOT}/") or address == ROOT:
            return True
        if is_pattern(address):
            with contextlib.suppress(FieldError):
                return bool(self._addresses.paths(address, expands=True))
        return False

    def _change(self, address: str, arguments: Sequence[Argument], work: _Work) -> None:
        """Note changes; a pattern reaches what may be changed of all that it matches."""
        paths = self._addresses.paths(address)
        work.touch(len(paths))
        controls = [self._controller.tree[path] for path in paths]
        if len(controls) > 1:
            controls = [c for c in controls if c.osc and c.kind != "action"] or controls[:1]
        for control in controls:
            work.changes[control.path] = value_of(control, arguments)

    def _answer(self, paths: Sequence[str], peer: Peer) -> None:
        """Tell values: one at once, many in turn with others."""
        controls = [control for path in paths if (control := self._controller.tree.get(path)) is not None]
        values = {c.path: self._controller.value(c.path) for c in controls if c.kind != "action"}
        if len(values) == 1:
            path, value = values.popitem()
            peer.send(encode(address_of(path), arguments_of(self._controller.tree[path], value)))
        else:
            peer.outbox.put(values)

    def _refuse_path(self, peer: Peer, path: str, error: RemapdError) -> None:
        field = error.field if isinstance(error, FieldError) else path
        self._refuse(peer, address_of(field) if field in self._controller.tree else address_of(path), error)

    def _refuse(self, peer: Peer, address: str, error: RemapdError) -> None:
        """Tell a peer why something was not done, unless he was told much already."""
        self._counters.refused += address != ""
        if not peer.errors.take():
            return
        text = str(error)
        if isinstance(error, FieldError) and error.field == "address" and address:
            text += self._addresses.hint(address)
        _log.info("%s: %s", shown(address) or "a packet", text)  # Whom the answer does not reach can read it here.
        peer.refuse(address, text)
