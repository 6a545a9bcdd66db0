"""A recording through the engine: audio in, audio out, and files of what was found on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remapd.audio.ending import FADE_S, fade_from
from remapd.audio.file import AudioReader, AudioWriter, audio_format, check_size
from remapd.engine.engine import Engine
from remapd.errors import RemapdError
from remapd.features.descriptors import FEATURES
from remapd.offline.event_files import REJECTED_COLUMNS, event_writer, hit_columns
from remapd.offline.event_sinks import EventSinks, onset_s
from remapd.offline.midi_file import MidiFileWriter
from remapd.offline.outputs import OutputError, OutputGroup
from remapd.offline.picture import draw_picture
from remapd.offline.picture_builder import PictureBuilder
from remapd.offline.render_job import RenderFiles, RenderSettings, RenderSummary
from remapd.sinks.midi.defaults import default_sink

Samples = NDArray[np.float32]
#: Called with the frames done and the frames that the input promises.
Progress = Callable[[int, int], object]

_READ_FRAMES = 65536
#: After the input has ended, stretches of this length are rendered until all voices are silent.
_TAIL_STEP_S = 0.1
_LONGEST_TAIL_S = 10.0


def render(
    source: Path, files: RenderFiles, settings: RenderSettings, progress: Progress | None = None
) -> RenderSummary:
    """Render a recording; all files appear together at the end, or none.

    The output is as long as the input, and longer if voices ring out after it.

    Raises
    ------
    RemapdError
        If the input cannot be read, an output cannot be written, or a setting does not fit.
    """
    files.check(settings.encoding)
    with AudioReader(source, settings.channels) as reader, OutputGroup([source]) as group, _told_as_output_errors():
        outputs = settings.output_channels or min(reader.file_channels, 2)
        longest = reader.frames + round(_LONGEST_TAIL_S * reader.sample_rate)
        check_size(files.audio, longest, outputs, settings.encoding)
        temporary = files.reserved(group)
        engine = Engine(reader.sample_rate, len(settings.channels), outputs, settings.tracks)
        engine.warm_up()
        summary = _Run(reader, engine, outputs, settings).perform(temporary, progress)
        group.commit()
    return summary


@contextmanager
def _told_as_output_errors() -> Iterator[None]:
    """What the system refuses once the input is open is a disk that is full, or the like."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write the output: {error.strerror or error}") from error


class _Run:
    """One pass through a recording."""

    def __init__(self, reader: AudioReader, engine: Engine, outputs: int, settings: RenderSettings) -> None:
        self._reader = reader
        self._engine = engine
        self._outputs = outputs
        self._settings = settings
        self._sinks = EventSinks()
        self._picture: PictureBuilder | None = None
        self._last = np.zeros(len(settings.channels), np.float32)
        self._end_s = float("inf")  # What is found after the input's end is none of the player's doing.

    def perform(self, files: RenderFiles, progress: Progress | None) -> RenderSummary:
        """Read, process and write."""
        with ExitStack() as stack:
            writer = self._open_audio(stack, files)
            self._open_sinks(stack, files)
            began = time.perf_counter()
            frames = self._play(writer, progress)
            self._ring_out(writer, frames)
            self._sinks.finish()
            elapsed_s = time.perf_counter() - began
        if files.plot is not None and self._picture is not None:
            draw_picture(files.plot, self._picture.picture())
        return self._summary(frames, elapsed_s)

    def _open_audio(self, stack: ExitStack, files: RenderFiles) -> AudioWriter:
        encoding = self._settings.encoding
        file_format = audio_format(files.audio, encoding)
        rate = self._reader.sample_rate
        return stack.enter_context(AudioWriter(files.audio, file_format, rate, self._outputs, encoding))

    def _open_sinks(self, stack: ExitStack, files: RenderFiles) -> None:
        sinks, models = self._sinks, [track.model for track in self._settings.tracks]
        if files.events is not None:
            columns = hit_columns(FEATURES.names, (name for model in models for name in model.table.names))
            hits = stack.enter_context(event_writer(files.events, columns))
            sinks.on_hit.append(lambda hit: hits.write(hit.as_dict()))
        if files.rejected is not None:
            rejected = stack.enter_context(event_writer(files.rejected, REJECTED_COLUMNS))
            sinks.on_rejected.append(lambda candidate: rejected.write(candidate.as_dict()))
        if files.midi is not None:
            midi = stack.enter_context(closing(_midi_writer(files.midi, self._settings)))
            sinks.on_hit.append(midi.write)
        if files.plot is not None:
            self._picture = PictureBuilder(self._reader.path.name, self._reader.sample_rate, self._settings.tracks)
            sinks.on_hit.append(self._picture.add_hit)
            sinks.on_rejected.append(self._picture.add_rejected)

    def _play(self, writer: AudioWriter, progress: Progress | None) -> int:
        """Process the input; returns its length in frames."""
        frames = 0
        for source in self._reader.blocks(_READ_FRAMES):
            self._keep(writer, source, self._processed(source))
            frames += len(source)
            self._last = source[-1]
            if progress is not None:
                progress(frames, self._reader.frames)
        return frames

    def _ring_out(self, writer: AudioWriter, frames: int) -> None:
        """Process silence until it is silent.

        The steps are counted from the end of the input, so that the block size makes no difference.
        """
        self._end_s = frames / self._reader.sample_rate
        source = np.zeros((round(_TAIL_STEP_S * self._reader.sample_rate), len(self._settings.channels)), np.float32)
        fade_frames = round(FADE_S * self._reader.sample_rate)
        source[:fade_frames] = fade_from(self._last, fade_frames)
        for _ in range(round(_LONGEST_TAIL_S / _TAIL_STEP_S)):
            was_sounding = self._engine.is_sounding
            output = self._processed(source)
            # Without a voice there is nothing but the fade of a dry signal, which is not worth a longer file.
            if was_sounding or self._engine.is_sounding:
                self._keep(writer, source, output)
            if not self._engine.is_sounding:
                return
            source = np.zeros_like(source)

    def _keep(self, writer: AudioWriter, source: Samples, output: Samples) -> None:
        writer.write(output)
        if self._picture is not None:
            self._picture.add(source, output)

    def _processed(self, source: Samples) -> Samples:
        """What the engine makes of a piece of the input; its events go to the sinks."""
        output = np.zeros((len(source), self._outputs), np.float32)
        size = self._settings.block_size
        for start in range(0, len(source), size):
            self._engine.process(source[start : start + size], output[start : start + size])
            events = [event for event in self._engine.events.read() if onset_s(event) < self._end_s]
            self._sinks.take(events, self._engine.seconds)
        return output

    def _summary(self, frames: int, elapsed_s: float) -> RenderSummary:
        if self._engine.events.lost:
            raise RemapdError(f"{self._engine.events.lost} events were lost; choose a smaller block size")
        status, rate = self._engine.status(), self._reader.sample_rate
        return RenderSummary(
            hits=self._sinks.hits,
            rejected=self._sinks.rejected,
            duration_s=frames / rate,
            missing_s=max(0, self._reader.frames - frames) / rate,
            elapsed_s=elapsed_s,
            sample_rate=rate,
            non_finite=status.non_finite,
            dropped=status.hits_dropped,
            channels=self._settings.channels,
            channel_peaks=self._reader.peaks.tolist(),
            reasons=self._sinks.reasons,
        )


def _midi_writer(path: Path, settings: RenderSettings) -> MidiFileWriter:
    """For the sinks that were asked for, or one for each track."""
    if settings.midi_sinks:
        return MidiFileWriter(path, settings.midi_sinks)
    names = [f"{number} {track.model.name}" for number, track in enumerate(settings.tracks, 1)]
    return MidiFileWriter(path, [default_sink(number) for number in range(1, len(names) + 1)], names)
