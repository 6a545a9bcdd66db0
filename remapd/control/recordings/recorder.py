"""Has the engine process record its input, and makes a recording of the store of what it wrote."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from remapd.audio.backend import StreamInfo
from remapd.control.bulletin import Bulletin
from remapd.control.host import EngineHost
from remapd.control.recordings.entry import RecordingEntry
from remapd.control.recordings.recording import Recording
from remapd.control.recordings.store import RECORDING, RecordingStore
from remapd.errors import ConflictError, DeviceError, FieldError, RemapdError, Told
from remapd.parameters import Parameter

_log = logging.getLogger("remapd.recordings")

#: Bytes that a sample takes at most: 32-bit float, or 24 bit that could not be compressed.
FORMATS: dict[str, int] = {"wav": 4, "flac": 3}
KIND = "recording"

_NAME = "take-%Y-%m-%d-%H%M%S"
#: WAV counts bytes in 32 bits.
_MOST_BYTES = 4_000_000_000
#: Time that the engine has to answer.
_ANSWER_S = 5.0
#: Time that it has to write what is left.
_CLOSE_S = 10.0
#: Engine processes come and go unannounced; it is looked this often whether there is another one.
_WATCH_S = 0.5


class Recorder:
    """One recording at a time; used in the loop's thread alone.

    Parameters
    ----------
    store : RecordingStore
        Where recordings go.
    host : EngineHost
        Passes orders to the engine.
    bulletin : Bulletin
        Where ``recording`` is told, with `Recording.document`.

    Attributes
    ----------
    recording : Recording
        The one under way, or the last one.
    on_stored : callable
        Called when there is a new recording in the store.
    """

    def __init__(self, store: RecordingStore, host: EngineHost, bulletin: Bulletin) -> None:
        self._store, self._host, self._bulletin = store, host, bulletin
        self.recording = Recording()
        self._path: Path | None = None
        self._starts = 0
        self._answered: asyncio.Future[None] | None = None
        self._kept: asyncio.Future[RecordingEntry] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_stored: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Listen to what the engine reports."""
        self._loop = asyncio.get_running_loop()
        self._host.on_report.append(self._on_report)

    async def stop(self) -> None:
        """End the recording under way, and keep it."""
        if self._loop is None:
            return
        with contextlib.suppress(RemapdError):
            if self.recording.state in ("starting", "recording"):
                await self.end()
        self._loop = None
        self._host.on_report.remove(self._on_report)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def path(self) -> Path | None:
        """File that is being written, if any."""
        return self._path

    async def begin(self, name: str = "", file_format: str = "wav", longest_s: float | None = None) -> Recording:
        """Begin to record all channels of the input.

        Parameters
        ----------
        name : str
            What it is to be called; if empty, it is called by date and time.
        file_format : {"wav", "flac"}
            WAV keeps the samples as they came, FLAC rounds them to 24 bit and takes less room.
        longest_s : float, optional
            It ends by itself after this time in seconds; by default, and at most, what the store's limits say, or what
            there is room for.

        Raises
        ------
        ConflictError
            If one is under way, or the name is taken.
        DeviceError
            If nothing plays, or the engine does not answer.
        FieldError
            If the name or another field does not fit.
        StorageError
            If there is no room, or the file cannot be written.
        """
        if self.recording.state != "idle":
            raise ConflictError("recording", "none under way", Told(self.recording.name))
        limit_s = longest_parameter(self._store).check(longest_s) if longest_s is not None else None
        if file_format not in FORMATS:
            raise FieldError("format", " or ".join(FORMATS), file_format)
        playing = self._host.playing
        if playing is None:
            raise DeviceError("nothing can be recorded: no engine plays")
        # From here on nobody else begins one.
        self.recording = Recording("starting", name)
        try:
            await self._begin(playing.stream, file_format, limit_s or self._store.limits.longest_s)
        except BaseException as error:
            self._reset(str(error))
            raise
        return self.recording

    async def end(self) -> RecordingEntry:
        """End the recording under way; returns it as it is stored.

        Raises
        ------
        ConflictError
            If none is under way.
        DeviceError
            If the engine does not answer.
        RemapdError
            If it cannot be kept; the text says why.
        """
        if self.recording.state not in ("recording", "stopping") or self._kept is None:
            raise ConflictError("recording", "one that is under way", Told(self.recording.state))
        self.recording.state, kept = "stopping", self._kept
        self._tell()
        with contextlib.suppress(DeviceError):  # The watch sees that the engine is gone.
            self._host.order({"stop_recording": True})
        try:
            async with asyncio.timeout(_CLOSE_S):
                return await asyncio.shield(kept)
        except TimeoutError:
            raise DeviceError(f"the engine did not end the recording within {_CLOSE_S:g} s") from None

    # -- how ---------------------------------------------------------------------------------------------------------

    async def _begin(self, stream: StreamInfo, file_format: str, longest_s: float) -> None:
        name = self.recording.name or await asyncio.to_thread(self._store.free_name, time.strftime(_NAME))
        await asyncio.to_thread(self._store.take_name, name)
        self.recording.name = name
        try:
            room_bytes = min(_MOST_BYTES, await asyncio.to_thread(self._store.room_bytes))
            room_s = room_bytes / max(1.0, FORMATS[file_format] * stream.input_channels * stream.sample_rate)
            path = self._store.recording_path(name, f".{file_format}")
            await self._order_to_begin(path, file_format, min(longest_s, room_s))
        except BaseException:
            self._store.release_name(name)
            raise

    async def _order_to_begin(self, path: Path, file_format: str, longest_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._answered, self._path, self._starts = loop.create_future(), path, self._host.starts
        try:
            self._host.order({"record": {"path": str(path), "format": file_format, "max_s": round(longest_s, 3)}})
            async with asyncio.timeout(_ANSWER_S):
                await self._answered
        except TimeoutError:
            with contextlib.suppress(DeviceError):
                self._host.order({"stop_recording": True})
            raise DeviceError(f"the engine did not begin to record within {_ANSWER_S:g} s") from None
        finally:
            self._answered = None

    def _on_report(self, report: dict[str, Any]) -> None:
        """Take a report, in another thread."""
        values, loop = report.get("recording"), self._loop
        if isinstance(values, dict) and loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                loop.call_soon_threadsafe(self._take, values)

    def _take(self, values: dict[str, Any]) -> None:
        path, state = Path(str(values.get("path", ""))), values.get("state")
        if self.recording.state == "idle" and state == "recording":
            self._adopt(path)
        if path != self._path:
            return
        self.recording.seconds = float(values.get("seconds") or 0.0)
        self.recording.dropped_frames = int(values.get("dropped_frames") or 0)
        error = str(values.get("error") or "")
        if state == "recording":
            self._note_begun()
        elif state == "failed":
            self._fail(error or "the engine cannot record")
        elif state == "stopped":
            self._note_begun()
            self._close(error)

    def _adopt(self, path: Path) -> None:
        """Take up a recording that the engine began for a control process before this one."""
        store_path = self._store.recording_path("x", path.suffix)
        if path.parent == store_path.parent and Path(path.stem).suffix == RECORDING:
            self._path, self._starts = path, self._host.starts
            self.recording = Recording("starting", Path(path.stem).stem.lstrip("."))
            with contextlib.suppress(RemapdError):
                self._store.take_name(self.recording.name)

    def _note_begun(self) -> None:
        if self.recording.state == "starting":
            self.recording.state = "recording"
            self._kept = asyncio.get_running_loop().create_future()
            self._spawn(self._watch())
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)
        self._tell()

    def _fail(self, error: str) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(RemapdError(f"the input is not recorded: {error}"))

    async def _watch(self) -> None:
        """See to it that a recording ends when its engine does."""
        path = self._path
        while self._path == path and path is not None:
            if self._host.starts != self._starts or self._host.engine_pid is None:
                self._close("the engine ended while it recorded")
                return
            await asyncio.sleep(_WATCH_S)

    def _close(self, error: str) -> None:
        """The file is written; make a recording of it."""
        path, self._path = self._path, None
        if path is None or self._kept is None:
            return
        self.recording.state, self.recording.error = "stopping", error
        self._spawn(self._keep(path, self.recording.name, self._kept))

    async def _keep(self, path: Path, name: str, kept: asyncio.Future[RecordingEntry]) -> None:
        self._store.release_name(name)
        error = self.recording.error
        is_whole = not error and self.recording.seconds > 0.0
        keep = self._store.keep_whole if is_whole else self._store.keep
        try:
            kept.set_result(await asyncio.to_thread(keep, path, name))
        except RemapdError as fault:
            error = f"{error}; {fault}" if error else str(fault)
            kept.set_exception(RemapdError(error))
            kept.exception()  # Nobody need ask.
            _log.warning("recording %s is lost: %s", name, error)
        self._reset(error)
        self.on_stored()

    def _reset(self, error: str) -> None:
        self._path = self._kept = None
        self.recording.state, self.recording.error = "idle", error
        self._tell()

    def _tell(self) -> None:
        self._bulletin.post(KIND, self.recording.document())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def longest_parameter(store: RecordingStore) -> Parameter:
    """Range of the time after which a recording ends by itself."""
    longest = store.limits.longest_s
    return Parameter("longest_s", "s", 1.0, max(longest, 2.0), longest, "It ends by itself after this time.")
