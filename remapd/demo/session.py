"""One run of the demo: the performance through the engine in real time, shown, written and scored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from remapd.audio.backend import Backend
from remapd.demo.devices import DEFAULT, OUTPUT_CHANNELS, find_device, start_device
from remapd.demo.display import Display, make_display
from remapd.demo.performance import TOO_LATE_S, Performance, perform
from remapd.demo.report import FILES, Run, folder_for_files, reserve_files, summary, write_files
from remapd.demo.score import score
from remapd.demo.signals import stop_signals
from remapd.engine.control import TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.events import Event
from remapd.engine.status import EngineStatus
from remapd.errors import DeviceError
from remapd.offline.event_sinks import onset_s
from remapd.offline.outputs import OutputGroup

if TYPE_CHECKING:
    from remapd.audio.feed import Feed

#: What compiling the audio code takes on a small machine, in seconds.
_COMPILE_S = 30
_POLL_S = 0.03


@dataclass(frozen=True)
class DemoSettings:
    """What the demo is asked for.

    Parameters
    ----------
    setup : TrackSetup
        Model, preset and parameters of its one track.
    folder : Path
        Where the files go; made if it is missing.
    device : str
        ``default``, ``virtual``, or an output device.
    seconds : float
        Where the performance breaks off at the latest.
    realtime : bool
        False runs a virtual device as fast as it can.
    is_first_run : bool
        Whether the audio code has yet to be compiled.
    """

    setup: TrackSetup
    folder: Path
    device: str
    seconds: float
    realtime: bool
    is_first_run: bool


def run(settings: DemoSettings, console: Console) -> None:
    """Play the performance, show it on the console, write what came of it, and say how well it was heard.

    Raises
    ------
    RemapdError
        If a device that was named does not work or the device goes away, or if the files cannot be written.
    """

    def say(text: str) -> None:
        # A terminal would break a long line within a word; what reads a pipe wants it whole.
        console.print(text, soft_wrap=not console.is_terminal, markup=False, highlight=False)

    with folder_for_files(settings.folder), OutputGroup() as group:
        paths = reserve_files(group, settings.folder)
        result, status, synth = _play(settings, console, say)
        write_files(group, paths, result)
    end_s = len(result.output) / result.performance.sample_rate
    decided = [hit for hit in result.hits if hit.onset_s < end_s - TOO_LATE_S]
    for line in summary(score(result.performance, decided), status, synth):
        say(line)
    say(f"written to {settings.folder}: {', '.join(FILES)}")


def _play(settings: DemoSettings, console: Console, say: Callable[[str], None]) -> tuple[Run, EngineStatus, str]:
    """Play to the end, or until Ctrl-C or the like; what was heard so far, the engine's state and its synth's name."""
    device = find_device(settings.device, settings.realtime, say)
    rate = float(device.settings.sample_rate or 0.0)
    if settings.is_first_run:
        say(f"Compiling the audio code, once (about {_COMPILE_S} s)…")
    engine = Engine(rate, 1, OUTPUT_CHANNELS, [settings.setup])
    engine.warm_up()
    performance = perform(settings.seconds, rate)
    feed = _feed(engine, performance)
    device, name = start_device(device, feed, settings.device == DEFAULT, say)
    synth = engine.synth(0).name
    title = f"remapd demo: {settings.setup.model.name} plays {synth}, {rate:g} Hz, output {name}"
    try:
        with stop_signals() as stop, make_display(console, title, [synth]) as display:
            events = list(_follow(engine, feed, device, display, stop))
    finally:
        device.close()
    end_s = len(feed.output) / rate
    events = [event for event in (*events, *engine.events.read()) if onset_s(event) < end_s]
    return Run(performance.until(feed.frame), feed.output, events, settings.setup), engine.status(), synth


def _feed(engine: Engine, performance: Performance) -> Feed:
    # Its callback is compiled, or loaded, as it is imported.
    from remapd.audio.feed import Feed

    source = performance.samples[:, np.newaxis]
    return Feed(engine.callback_address, engine.userdata_address, source, OUTPUT_CHANNELS)


def _follow(engine: Engine, feed: Feed, device: Backend, display: Display, stop: threading.Event) -> Iterator[Event]:
    """Show events as they come, until the performance is over or broken off; every one of them is handed on."""
    is_over = False
    while not is_over:
        is_over = stop.wait(_POLL_S) or feed.is_over
        failure = device.failure()
        # The device also ends when the performance does, so that is looked at once more.
        if failure is not None and not feed.is_over:
            raise DeviceError(f"the demo was cut short: {failure}")
        events = engine.events.read()
        display.update(engine.status(), events)
        yield from events
