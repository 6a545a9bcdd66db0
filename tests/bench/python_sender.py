"""The sender as it would be in Python: ``python -m tests.bench.python_sender BLOCK INPUT_FILE PORT BUSY_THREADS``.

An engine and, in the same process, a thread that is woken by the engine as the native sender is, reads the ring and
sends with python-osc. Prints a line once it plays; ends when standard input closes.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time

import numpy as np
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import UDPClient

from remapd.audio.backend import StreamSettings
from remapd.audio.priority import request_realtime_priority
from remapd.audio.virtual import VirtualBackend
from remapd.engine.engine import Engine
from remapd.engine.events import EventReader, HitEvent
from remapd.engine.layout import EVENT
from remapd.engine.rings import copy_event
from remapd.engine.shared import SharedBlock
from remapd.engine.stamps import stamp_sent
from remapd.engine.wake import Wake
from remapd.sinks.velocity import STRAIGHT


def message(hit: HitEvent, number: int):
    """The vector form."""
    builder = OscMessageBuilder(f"/remapd/{hit.track + 1}/hit")
    builder.add_arg(number, "i")
    for value in (STRAIGHT.of(hit), *hit.scaled, *hit.values.values()):
        builder.add_arg(value, "f")
    return builder.build()


def send(shared, wake: Wake, reader: EventReader, client: UDPClient) -> None:
    """Send every hit as soon as Python wakes."""
    request_realtime_priority(69)
    number = 0
    while True:
        select.select([wake.read_descriptor], [], [])
        os.read(wake.read_descriptor, 8)
        for hit in reader.read():
            if isinstance(hit, HitEvent):
                number += 1
                client.send(message(hit, number))
                stamp_sent(shared, hit.sequence, time.monotonic_ns())


def burn() -> None:
    """Take as much of the interpreter's lock as it gives."""
    x = 0
    while True:
        x += 1


def main() -> None:
    block, path, port, busy = SharedBlock.attach(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    device = VirtualBackend(StreamSettings(backend="virtual", input_file=path, loop=True))
    rate = float(device.negotiate().sample_rate or 0.0)
    engine, wake = Engine(rate, 1, 2, shared=block), Wake()
    engine.warm_up()
    engine.wake_descriptor = wake.write_descriptor
    stamp_sent(block.record, 1, 0)
    copy_event(block.record, 0, np.zeros(1, EVENT))  # Compiled before there are hits.
    threads = [(send, (block.record, wake, EventReader(block.record), UDPClient("127.0.0.1", port)))]
    threads += [(burn, ())] * busy
    for function, arguments in threads:
        threading.Thread(target=function, args=arguments, daemon=True).start()
    device.open(engine.callback_address, engine.userdata_address)
    device.start()
    print("playing", flush=True)
    sys.stdin.read()
    device.close()
    os._exit(0)


if __name__ == "__main__":
    main()
