"""An engine within this process: its own memory, the block function, and the callback for audio devices."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remapd.engine import program
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.controls import INPUT_CHANNEL
from remapd.engine.layout import STATE
from remapd.engine.process import process_block, reset
from remapd.engine.rings import begin_change, end_change
from remapd.engine.shared import SharedBlock
from remapd.engine.tape import Tape
from remapd.engine.wake import NOBODY
from remapd.errors import FieldError
from remapd.units import MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ

_REHEARSAL_FRAMES = 8192


class Engine(EngineControl):
    """Processes audio block by block.

    Parameters
    ----------
    sample_rate : float
        In Hz, 8000 to 384000.
    input_channels, output_channels : int
        Columns of the blocks. Two or more outputs get left and right first; one gets their mean.
    tracks : list of TrackSetup, optional
        Set up from the defaults with these; None keeps the wanted state that is in `shared`.
    shared : SharedBlock, optional
        Memory shared with a control process; by default a private one.
    seed : int
        Seeds the noise of the voices.

    Attributes
    ----------
    tape : Tape
        Takes what the callback hears, when it is wanted.
    wake_descriptor : int
        Where the callback wakes those who wait for events (see `Wake`); set before `userdata_address` is asked for.

    Notes
    -----
    Building one takes memory and may compile; `process` and the callback do neither.
    """

    def __init__(
        self,
        sample_rate: float,
        input_channels: int,
        output_channels: int,
        tracks: list[TrackSetup] | None = None,
        shared: SharedBlock | None = None,
        seed: int = 0,
    ) -> None:
        _check("sample_rate", sample_rate, MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ)
        _check("input_channels", input_channels, 0, INPUT_CHANNEL.maximum + 1)
        _check("output_channels", output_channels, 0, INPUT_CHANNEL.maximum + 1)
        super().__init__(shared or SharedBlock.private())
        self._state: Any = _new_state()
        self.tape = Tape(input_channels, sample_rate)
        self.wake_descriptor = NOBODY
        status = self._record["status"]
        status["sample_rate"] = sample_rate
        status["input_channels"] = input_channels
        status["output_channels"] = output_channels
        if tracks is not None:
            self.set_up(tracks)
        self.reset(seed)

    def reset(self, seed: int = 0) -> None:
        """Forget every signal and start again at time 0, with the wanted state as it is."""
        rate = float(self._record["status"]["sample_rate"])
        mailbox = self._record["mailbox"]
        for track in range(int(mailbox["tracks"])):
            slot = int(mailbox["track"][track]["program"])
            program.prepare(self._record["programs"][track, slot], rate)
        self._record["status"]["non_finite"] = 0
        self._record["status"]["hits"] = 0
        self._record["status"]["hits_dropped"] = 0
        self._record["status"]["rejected"] = 0
        reset(self._record, self._state, rate, seed)

    def process(self, source: NDArray[np.float32], sink: NDArray[np.float32]) -> None:
        """Process one block of any length.

        Parameters
        ----------
        source : numpy.ndarray
            float32, (frames, input channels), C order.
        sink : numpy.ndarray
            float32, (frames, output channels), C order; overwritten.

        Raises
        ------
        FieldError
            If one of them has another shape or type.
        """
        status = self._record["status"]
        _check_block("source", source, len(source), int(status["input_channels"]))
        _check_block("sink", sink, len(source), int(status["output_channels"]))
        process_block(self._record, self._state, source, sink, len(source))

    @property
    def seconds(self) -> float:
        """Time processed so far."""
        return float(self._state["frame"] / self._state["sample_rate"])

    @property
    def is_sounding(self) -> bool:
        """Whether a voice sounds or a hit waits for its window."""
        tracks = self._state["track"][: int(self._state["applied"]["tracks"])]
        return any(_is_busy(track) for track in tracks)

    def warm_up(self) -> None:
        """Compile (or load from the cache) all that runs later, and touch the memory it uses; then start at time 0.

        Without it the first block and the first hit would wait for the compiler and for pages of memory.
        """
        tracks = int(self._record["mailbox"]["tracks"])
        _rehearse(self._record, tracks)
        _touch(self._state["track"][:tracks])
        _touch(self._record["events"])
        _touch(self._record["stamps"])
        # Control writes the programs, perhaps at this moment, so these are only read.
        np.frombuffer(self._record["programs"][:tracks], np.uint8)[:: mmap.PAGESIZE].sum()
        self.reset()

    def fade_out(self) -> None:
        """Ramp every track to silence, until the wanted state next changes; for the end of a stream."""
        self._state["fade_out"] = 1

    @property
    def callback_address(self) -> int:
        """Address of a function of PortAudio's callback shape, for interleaved float32."""
        from remapd.engine.callback import audio_callback

        return int(audio_callback.address)

    @property
    def userdata_address(self) -> int:
        """What the callback wants as its last argument; valid as long as this engine lives."""
        addresses = [record.__array_interface__["data"][0] for record in (self._record, self._state)]
        self._userdata = np.array([*addresses, self.tape.address, self.wake_descriptor], np.int64)
        return int(self._userdata.ctypes.data)


def _check_block(field: str, block: NDArray[np.float32], frames: int, channels: int) -> None:
    if block.shape != (frames, channels) or block.dtype != np.float32 or not block.flags.c_contiguous:
        expected = f"float32 in C order, {frames} frames of {channels} channels"
        raise FieldError(field, expected, f"{block.dtype}, shape {block.shape}")


def _new_state() -> Any:
    """An engine's own memory; mapped rather than allocated, so that it is aligned to a page."""
    return np.ndarray((1,), STATE, buffer=mmap.mmap(-1, STATE.itemsize))[0]


def _rehearse(record: Any, tracks: int) -> None:
    """Play a burst of noise through a copy of the engine: its code has then run, hits and all."""
    block = SharedBlock.private()
    copy, state = block.record, _new_state()
    for part in ("status", "mailbox"):
        copy[part] = record[part]
    copy["programs"][:tracks] = record["programs"][:tracks]
    begin_change(copy)
    end_change(copy)
    status = copy["status"]
    reset(copy, state, float(status["sample_rate"]), 0)
    source = np.zeros((_REHEARSAL_FRAMES, int(status["input_channels"])), np.float32)
    source[_REHEARSAL_FRAMES // 2 :] = np.random.default_rng(0).uniform(
        -0.5, 0.5, source[_REHEARSAL_FRAMES // 2 :].shape
    )
    process_block(copy, state, source, np.zeros((len(source), int(status["output_channels"])), np.float32), len(source))


def _touch(array: Any) -> None:
    """Have every page of an array in memory; what it holds stays."""
    pages = np.frombuffer(array, np.uint8)[:: mmap.PAGESIZE]
    pages |= 0


def _is_busy(track: Any) -> bool:
    from remapd.synth.registry import voice_is_active

    return int(track["pending_count"]) > 0 or bool(voice_is_active(track["voice"]))


def _check(field: str, value: float, minimum: float, maximum: float) -> None:
    if not minimum <= value <= maximum:
        raise FieldError(field, f"{minimum} to {maximum}", value)
