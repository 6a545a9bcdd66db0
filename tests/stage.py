"""A stage: a drummer's performance, the daemon that hears it, and synthesisers that it plays, on one JACK server."""

import csv
import re
import socket
import threading
import time
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from tests.drum_signals import at_rate
from tests.drum_signals import performance as synthetic_strokes
from tests.jack_tape import Tape
from tests.live_run import PATIENCE_S
from tests.recordings import audio_folder, read_mono
from tests.service_run import ServiceRun

RATE = 48000
#: Strokes of a recording that are played.
_STROKES = 16
#: Behind the last stroke, until the last answer has rung out.
_TAIL_S = 0.5
#: What counts as following the loudness.
FOLLOWS = 0.9
_LEVEL_S = 0.15
_LATEST_S = 0.12
#: In which power is measured, 4 ms.
_STEP = 192


@dataclass(frozen=True)
class Performance:
    """Strokes as they are known, not as they are measured.

    Parameters
    ----------
    name : str
        What it is.
    samples : array
        At `RATE`.
    onsets_s, levels_db : array
        Of each stroke.
    """

    name: str
    samples: np.ndarray
    onsets_s: np.ndarray
    levels_db: np.ndarray

    @property
    def length_s(self):
        return len(self.samples) / RATE + _TAIL_S


def performance():
    """A real snare where the recordings are, else one that is made up."""
    return synthetic_performance() if audio_folder() is None else real_performance(audio_folder())


def real_performance(folder, name="snare_fs14x65maple/performance_a"):
    """The beginning of a performance that is built of single strokes of a real snare."""
    path = folder / name
    with path.with_suffix(".events.csv").open() as file:
        rows = list(csv.DictReader(file))[: _STROKES + 1]
    samples, rate = read_mono(path.with_suffix(".flac"))
    onsets, levels = (np.array([float(row[column]) for row in rows]) for column in ("time_s", "hit_rms100ms_dbfs"))
    # Just before the first stroke that is not played.
    end = round((onsets[_STROKES] - 0.005) * rate)
    return Performance(name, at_rate(samples[:end], RATE, rate), onsets[:_STROKES], levels[:_STROKES])


def synthetic_performance(count=18, seed=5):
    """Strokes of many levels, from close together to far apart."""
    rng = np.random.default_rng(seed)
    onsets = 0.4 + np.cumsum(rng.uniform(0.16, 0.4, count))
    levels = rng.permutation(np.linspace(-36.0, -3.0, count))
    samples = synthetic_strokes(list(onsets), list(levels), float(onsets[-1]) + 0.4)
    return Performance("synthetic", at_rate(samples, RATE), onsets, levels)


def jack_environment(server):
    """What makes a client find the server."""
    return {name: server.environment[name] for name in ("JACK_DEFAULT_SERVER", "JACK_NO_AUDIO_RESERVATION")}


class Daemon(ServiceRun):
    """A running service with what the tests of sinks ask of it."""

    def add_sink(self, **document):
        """Add a sink; returns its id."""
        answer = self.http.post("/api/v1/sinks", json=document)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def log(self):
        """What the daemon has said and nobody has read."""
        while not self._queue.empty():
            self.lines.append(self._queue.get())
        return self.lines

    def sink_status(self, identity):
        """How a sink fares."""
        return self.get(f"/sinks/{identity}")["status"]

    def await_sink(self, identity, is_wanted):
        """Ask until a sink fares as wanted; returns how it does."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_wanted(status := self.sink_status(identity)):
            assert time.monotonic() < deadline, (status, self.status(), self.log())
            time.sleep(0.01)  # Over HTTP there is nothing to wait for.
        return status

    def await_open(self, *identities):
        """Wait until sinks are open."""
        for identity in identities:
            self.await_sink(identity, lambda status: status["state"] == "open")

    def hits(self):
        """The hits of the last minutes as everybody may read them."""
        return self.get("/events/recent?kind=hits&most=500")["events"]

    def await_hits(self, count):
        """Wait until so many hits were told; returns them."""
        deadline = time.monotonic() + PATIENCE_S
        while len(hits := self.hits()) < count:
            assert time.monotonic() < deadline, len(hits)
            time.sleep(0.01)
        return hits


class Ear:
    """Receives UDP packets on a port of its own, in a thread, each with the time of its arrival."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.packets, self._came = [], threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while data := self._socket.recv(65536):
            with self._came:
                self.packets.append((time.monotonic(), data))
                self._came.notify_all()

    def await_packets(self, count):
        """Wait until so many came in all; returns them."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.packets) >= count, PATIENCE_S), len(self.packets)
            return [data for _, data in self.packets]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()


def play(server, folder, piece, *sources):
    """Play a performance to the daemon; returns what was heard meanwhile at these ports (frames, ports)."""
    with Tape(server, folder, piece.samples, piece.length_s, "remapd:in_0", *sources) as tape:
        return tape.run()


def play_until_in_time(server, folder, piece, *sources):
    """Play thrice at most, until all follow: on a machine that is too busy packets come whenever they can.

    Returns
    -------
    int
        How often it was played.
    list of float
        The agreement of each source.
    """
    takes, agreements = 0, [0.0]
    while takes < 3 and min(agreements) <= FOLLOWS:
        sound = play(server, folder, piece, *sources)
        agreements = [loudness_agreement(piece, sound[:, place]) for place in range(len(sources))]
        takes += 1
    print(f"{piece.name}, take {takes}: rank correlation {agreements}")
    return takes, agreements


def loudness_agreement(piece, sound):
    """Rank correlation between the strokes of a performance and what a synthesiser made of them."""
    return float(spearmanr(piece.levels_db, answer_levels_db(piece, sound)).statistic)


def answer_levels_db(piece, sound):
    """Level of the answer to each stroke, from its attack until the next one."""
    energy = np.cumsum(np.concatenate(([0.0], sound.astype(float) ** 2)))
    starts = [_attack(energy, start, end) for start, end in _searched(piece, len(sound))]
    ends = np.minimum(np.append(starts[1:], len(sound)), np.array(starts) + round(_LEVEL_S * RATE))
    powers = [_power(energy, start, max(end, start + _STEP)) for start, end in zip(starts, ends, strict=True)]
    return 10 * np.log10(np.array(powers) + 1e-12)


def _searched(piece, length):
    """Where the answer to each stroke may begin: a synthesiser on a busy machine may be late, but not out of turn."""
    onsets = np.round(piece.onsets_s * RATE).astype(int)
    latest = onsets + round(_LATEST_S * RATE)
    return list(zip(onsets, np.minimum(latest, np.append(onsets[1:], length - _STEP)), strict=True))


def _attack(energy, start, end):
    """Where the power rises most from one step to the next."""
    places = np.arange(start, end, _STEP // 4)
    rises = [_power(energy, p, p + _STEP) / (_power(energy, p - _STEP, p) + 1e-9) for p in places]
    return int(places[np.argmax(rises)])


def _power(energy, start, end):
    return (energy[min(end, len(energy) - 1)] - energy[max(start, 0)]) / (end - start)


def hit_numbers(text):
    """Numbers of the hits that oscdump has shown, in their order."""
    return [int(number) for number in re.findall(r" /remapd/1/hit \w+ (\d+) ", text)]


def steady_strokes(length_s, spacing_s=0.25):
    """Strokes of one level without end, for as long as something is being restarted."""
    onsets = np.arange(0.5, length_s - 0.4, spacing_s)
    return at_rate(synthetic_strokes(list(onsets), [-12.0] * len(onsets), length_s), RATE)
