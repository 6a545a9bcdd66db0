"""One measurement: the device opened, clicks played and heard, the engine answering them meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from remapd.audio.backend import Backend, StreamInfo, StreamSettings
from remapd.audio.factory import make_backend
from remapd.engine.control import TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.events import Event, HitEvent
from remapd.errors import DeviceError
from remapd.latency.budget import Row, click_arrivals, row, second_cable, stages_ms
from remapd.latency.clicks import Clicks, make_clicks
from remapd.latency.jack_cable import looped_through_jack
from remapd.latency.osc_receiver import OscReceiver

if TYPE_CHECKING:
    from remapd.latency.probe import Probe

_POLL_S = 0.02
#: Beyond the length of the clicks.
_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Measurement:
    """What came of it.

    Parameters
    ----------
    stream : StreamInfo
        The device as it is.
    block_frames : int
        Frames of its blocks.
    clicks, arrived, heard : int
        Clicks played, those that came in again, and hits that the engine found.
    second_cable : bool
        Whether the engine's sound came in again too.
    rows : sequence of Row
        The stages, in the order of the signal.
    """

    stream: StreamInfo
    block_frames: int
    clicks: int
    arrived: int
    heard: int
    second_cable: bool
    rows: Sequence[Row]


def measure(
    settings: StreamSettings, setup: TrackSetup, count: int, connect: bool, stop: threading.Event
) -> Measurement:
    """Play clicks through a device whose output comes in again, and say how long each stage takes.

    Parameters
    ----------
    settings : StreamSettings
        The device, with two inputs and outputs.
    setup : TrackSetup
        What answers.
    count : int
        Clicks.
    connect : bool
        Whether to connect the ports in JACK; otherwise a cable does.
    stop : threading.Event
        Set to break off.

    Raises
    ------
    DeviceError
        If the device does not work or no click comes in.
    """
    # Its callback is compiled, or loaded, as it is imported.
    from remapd.latency.probe import Probe

    backend = make_backend(settings)
    stream = backend.negotiate()
    rate = float(stream.sample_rate or 0.0)
    clicks = make_clicks(count, rate)
    engine = Engine(rate, 1, 1, [setup])
    engine.warm_up()
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(OscReceiver(engine))
        probe = Probe(engine.callback_address, engine.userdata_address, clicks.samples, stream.input_channels)
        cable = stack.enter_context(looped_through_jack()) if connect else None
        stack.callback(backend.close)
        info = backend.open(probe.callback_address, probe.userdata_address)
        backend.start()
        if cable is not None:
            cable()
        events, block_frames = _follow(engine, probe, backend, len(clicks.samples) / rate, stop)
        received_ns = receiver.received_ns()
    hits = [event for event in events if isinstance(event, HitEvent)]
    return _summary(info, block_frames, clicks, probe, hits, received_ns)


def _follow(
    engine: Engine, probe: Probe, backend: Backend, seconds: float, stop: threading.Event
) -> tuple[list[Event], int]:
    """Wait until all clicks have been played; the events meanwhile, and how many frames the longest block had."""
    events: list[Event] = []
    block_frames = 0
    deadline_s = time.monotonic() + seconds + _PATIENCE_S
    while not probe.is_over:
        if stop.wait(_POLL_S):
            raise DeviceError("broken off")
        failure = backend.failure()
        if failure is not None and not probe.is_over:
            raise DeviceError(failure)
        if time.monotonic() > deadline_s:
            raise DeviceError("the device asks for no more sound")
        events += engine.events.read()
        block_frames = max(block_frames, engine.status().block_frames)
    return events + engine.events.read(), block_frames


def _summary(
    info: StreamInfo,
    block_frames: int,
    clicks: Clicks,
    probe: Probe,
    hits: Sequence[HitEvent],
    received_ns: dict[int, int],
) -> Measurement:
    arrivals = click_arrivals(clicks, probe)
    if not arrivals:
        raise DeviceError(_silence(probe))
    rows = [row(stage, times) for stage, times in stages_ms(clicks, probe, arrivals, hits, received_ns).items()]
    heard, around = len(hits), second_cable(clicks, probe) is not None
    return Measurement(info, block_frames, len(clicks.frames), len(arrivals), heard, around, rows)


def _silence(probe: Probe) -> str:
    level = float(abs(probe.heard[:, 0]).max(initial=0.0))
    found = "stayed silent" if level < 1e-4 else f"heard a sound of peak {level:.3g} that is not the clicks"
    return f"input 1 {found}: connect output 1 to input 1 (JACK: --connect), and mind the levels"
