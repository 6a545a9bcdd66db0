"""The sinks of an engine: what is sent where, from a plan that the control process writes into a file.

Hits go out through the native sender, and as they are to the MIDI process; both end with this process. All else is done
by one thread that sleeps between orders and, while there are sinks, looks after their sockets twice a second. Whatever
goes wrong here is told, and the music goes on.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from remapd.engine.layout import MAX_TRACKS
from remapd.engine.shared import SharedBlock
from remapd.engine.wake import Wake
from remapd.engine_process.made_up_hit import medium_hit
from remapd.engine_process.order_queue import Order, OrderQueue
from remapd.engine_process.sink_parts import OscPart, failed_report, part_for, resolved_address
from remapd.engine_process.sink_reports import SinkReports
from remapd.engine_process.thread_priority import set_priority
from remapd.errors import RemapdError
from remapd.sinks.document import MidiSink, OscSink, sink_from
from remapd.sinks.midi.child import MidiProcess
from remapd.sinks.osc.packets import silencing
from remapd.sinks.plan_file import read_plan
from remapd.sinks.wire.native.layout import Framing
from remapd.sinks.wire.plan import Destination
from remapd.sinks.wire.sender import WireSender

#: How often sockets are looked after.
PERIOD_S = 0.5
#: Time for the MIDI process to end all notes.
MIDI_PATIENCE_S = 0.35
#: No sink has this name.
_MIDI = "\0midi"


class SinkHost:
    """Sinks of one engine.

    Parameters
    ----------
    block : SharedBlock
        The engine's.
    wake : Wake
        Where the engine wakes those who wait for hits.
    tell : callable
        Takes each report, a line of JSON: ``{"sink": {"id", "state", "fault", "sent", "dropped", ...}}``.
    """

    def __init__(self, block: SharedBlock, wake: Wake, tell: Callable[[str], None]) -> None:
        self._block, self._wake, self._tell = block, wake, tell
        self._reports = SinkReports(tell)
        self._orders = OrderQueue()
        self._osc: dict[str, OscPart] = {}
        self._midi: list[MidiSink] = []
        self._sender: WireSender | None = None
        self._midi_process: MidiProcess | None = None
        self._priority = self._tracks = 0
        self._thread = threading.Thread(target=self._run, name="sinks", daemon=True)
        self._thread.start()

    def order(self, order: Order) -> None:
        """Take an order; returns at once.

        ``{"sinks": path}``: those of a plan and no others; ``{"panic": true}``; ``{"test_sink": id}``: a made-up hit
        for one; ``{"priority": n}``: of the sender's thread.
        """
        self._orders.put(order)

    def news(self) -> list[str]:
        """What was told last of each sink, for a parent that has not heard it."""
        return self._reports.lines()

    def begin_stop(self) -> None:
        """Have everything fall silent and end; returns at once."""
        self._orders.put({"stop": True})

    def stop(self, patience_s: float) -> None:
        """Wait for so long until everything has ended."""
        self.begin_stop()
        self._thread.join(patience_s)

    # -- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        is_stopping = False
        while not is_stopping:
            has_sinks = self._osc or self._midi_process is not None
            order = self._orders.take(PERIOD_S if has_sinks else None)
            is_stopping = "stop" in order
            try:
                self._obey(order)
                self._look_after()
            except Exception as error:  # Whatever it is: the music goes on, and so do the other sinks.
                self._tell(json.dumps({"refused": f"sinks: {str(error) or type(error).__name__}"[:1000]}))

    def _obey(self, order: Order) -> None:
        if "sinks" in order:
            self._take_plan(order["sinks"])
        elif "panic" in order:
            self._panic()
        elif "test_sink" in order:
            self._test(str(order["test_sink"]))
        elif "priority" in order:
            self._priority = int(order["priority"])
            self._set_priority()
        elif "stop" in order:
            self._end()

    def _look_after(self) -> None:
        """Have sockets that ended opened again and new tracks sent, and tell how things are."""
        if self._sender is None:
            return
        self._sender.read_wall_clock()
        unused = [close for part in self._osc.values() if (close := part.link.look(self._sender.counts(part.sink.id)))]
        if unused or self._tracks != self._tracks_of_engine():
            self._apply(self._sender)
        for close in unused:
            close()
        now_s = time.monotonic()
        for part in self._osc.values():
            self._reports.tell(part.report(self._sender.counts(part.sink.id)), now_s)
        self._reports.note_midi_drops(self._sender.counts(_MIDI).dropped, now_s)

    # -- a plan ------------------------------------------------------------------------------------------------------

    def _take_plan(self, path: object) -> None:
        """Do what a plan says, as far as it can be done; sinks that stay are not disturbed."""
        documents = read_plan(Path(str(path))) if path else []
        osc: dict[str, OscPart] = {}
        midi: list[MidiSink] = []
        self._reports.keep([str(document.get("id", place + 1)) for place, document in enumerate(documents)])
        for place, document in enumerate(documents):
            name = str(document.get("id", place + 1))
            self._let_urgent_through()
            try:
                sink = sink_from({key: value for key, value in document.items() if key != "resolved"}, name)
                if isinstance(sink, MidiSink):
                    midi += [sink] if sink.enabled else []
                elif sink.enabled:
                    osc[name] = part_for(sink, resolved_address(document, name), self._osc.get(name))
            except RemapdError as error:
                self._reports.tell(failed_report(name, error), time.monotonic())
        if osc or midi or self._sender is not None:
            self._change(osc, midi)

    def _change(self, osc: dict[str, OscPart], midi: Sequence[MidiSink]) -> None:
        """Go over to these; sockets of others are closed once the sender no longer uses them."""
        sender = self._ready_sender()
        for name, part in self._osc.items():
            if not part.is_silenced_by(osc.get(name)):
                self._silence(part)
        unused = [part.link for name, part in self._osc.items() if name not in osc or osc[name].link is not part.link]
        self._osc, self._midi = osc, list(midi)
        self._change_midi()
        self._apply(sender)
        for link in unused:
            link.close()

    def _ready_sender(self) -> WireSender:
        if self._sender is None:
            self._sender = WireSender(self._block.record, self._wake, self._set_priority)
            self._sender.start()
        return self._sender

    def _change_midi(self) -> None:
        """Tell the MIDI process its sinks; it is started for the first and stays, as it takes seconds to be there."""
        documents = [sink.document() for sink in self._midi]
        if self._midi_process is not None:
            self._midi_process.order({"sinks": documents})
        elif documents:
            self._midi_process = MidiProcess(self._reports.hand_on)
            self._midi_process.start({"block": str(self._block.path or ""), "sinks": documents})

    def _apply(self, sender: WireSender) -> None:
        self._tracks = self._tracks_of_engine()
        sender.apply(list(self._destinations()))

    def _tracks_of_engine(self) -> int:
        return max(1, min(MAX_TRACKS, int(self._block.record["mailbox"]["tracks"])))

    def _destinations(self) -> Iterator[Destination]:
        """First the MIDI process, from which a hit has the longest way still to go."""
        if self._midi_process is not None:
            tracks = tuple(t for t in range(MAX_TRACKS) if any(sink.hears(t + 1) for sink in self._midi))
            yield Destination(_MIDI, self._midi_process.socket, Framing.RECORD, tracks)
        for part in self._osc.values():
            self._let_urgent_through()
            # One track more than there are: it can be played as soon as it is there.
            yield part.destination(self._tracks + 1)

    def _let_urgent_through(self) -> None:
        """Fall silent, or break off, amid work that may take seconds."""
        if self._orders.has("stop"):
            raise RemapdError("the plan was not taken, as the engine ends")
        while self._orders.take_one("panic"):
            self._panic()

    # -- what a moment asks for --------------------------------------------------------------------------------------

    def _panic(self) -> None:
        if self._midi_process is not None:
            self._midi_process.order({"panic": True})
        for part in self._osc.values():
            self._silence(part)

    def _silence(self, part: OscPart) -> None:
        for packet in silencing(part.sink):
            if self._sender is not None:
                self._sender.send_packet(part.sink.id, packet)

    def _test(self, name: str) -> None:
        sinks: list[OscSink | MidiSink] = [*(part.sink for part in self._osc.values()), *self._midi]
        sink = next((sink for sink in sinks if sink.id == name), None)
        if sink is None:
            return
        event = medium_hit(self._block.record, (sink.tracks or (1,))[0] - 1)
        if isinstance(sink, MidiSink):
            if self._midi_process is not None:
                self._midi_process.order({"hit": {"sink": name, "record": event.tobytes().hex()}})
        elif self._sender is not None:
            self._sender.send_hit(name, event)

    def _set_priority(self) -> None:
        """Give the sender's thread its place; called in that thread as well."""
        if self._sender is not None and self._sender.thread_id and self._priority > 0:
            set_priority(self._sender.thread_id, self._priority)

    def _end(self) -> None:
        """Fall silent: first what the receivers play, then the sender, then the MIDI process with its notes."""
        try:
            for part in self._osc.values():
                self._silence(part)
            if self._sender is not None:
                self._sender.stop()
        finally:
            if self._midi_process is not None:
                self._midi_process.stop(MIDI_PATIENCE_S)
            for part in self._osc.values():
                part.link.close()
            self._osc, self._midi = {}, []
            self._sender = self._midi_process = None
