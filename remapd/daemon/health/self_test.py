"""A second of hits through the real engine on the virtual device: which are found, and how long a block takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from remapd.audio.backend import StreamSettings
from remapd.daemon.health.finding import Finding, fail, ok, warn
from remapd.errors import RemapdError

RATE_HZ = 48000.0
BLOCK_FRAMES = 64
HITS = 5
#: A block that takes longer than this part of its period leaves too little for anything else.
LARGEST_SHARE = 0.5

_TOPIC = "engine"
_SPACING_S = 0.2
_DECAY_S = 0.03


def check_engine() -> Iterator[Finding]:
    """Play for a second."""
    from remapd.audio.virtual import VirtualBackend
    from remapd.engine.control import TrackSetup
    from remapd.engine.engine import Engine
    from remapd.mapping.library import load_model_named

    try:
        engine = Engine(RATE_HZ, 1, 2, [TrackSetup(load_model_named("velocity"))])
        engine.warm_up()
        settings = StreamSettings(backend="virtual", sample_rate=RATE_HZ, block_size=BLOCK_FRAMES, tail_s=0.0)
        device = VirtualBackend(settings, source=bursts())
        device.open(engine.callback_address, engine.userdata_address)
    except RemapdError as error:
        yield fail(_TOPIC, str(error), "install remapd again")
        return
    device.start()
    device.wait()
    status = engine.status()
    yield judge(
        status.hits[0], (status.callback_us_p50, status.callback_us_p99, status.callback_us_max), device.worst_late_s
    )


def judge(hits: int, durations_us: tuple[float, float, float], worst_late_s: float) -> Finding:
    """Judge the hits found, a callback's median, 99 % and longest duration, and the longest delay of a block."""
    median, most, longest = durations_us
    period_us = 1e6 * BLOCK_FRAMES / RATE_HZ
    text = (
        f"{hits} of {HITS} hits; callback {median:.0f} us median, {most:.0f} us at 99 %, {longest:.0f} us at most, "
        f"of {period_us:.0f} us; blocks {1000.0 * worst_late_s:.1f} ms late at most"
    )
    if hits != HITS:
        return fail(_TOPIC, text, "install remapd again, and report this if it stays")
    if longest > LARGEST_SHARE * period_us or worst_late_s > period_us / 1e6:
        return warn(_TOPIC, text, "see real-time priority and CPU; end other programs; or take larger blocks")
    return ok(_TOPIC, text)


def bursts() -> NDArray[np.float32]:
    """Decaying noise, five times in a second: the plainest thing that is a hit; shape (frames, 1)."""
    length = round(HITS * _SPACING_S * RATE_HZ)
    since_s = ((np.arange(length) / RATE_HZ) - 0.5 * _SPACING_S) % _SPACING_S
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, length) * np.exp(-since_s / _DECAY_S)
    noise[: round(0.5 * _SPACING_S * RATE_HZ)] = 0.0
    return noise.astype(np.float32).reshape(-1, 1)
