"""What a render is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from remapd.audio.file import ENCODINGS, audio_format
from remapd.engine.control import TrackSetup
from remapd.errors import FieldError
from remapd.offline.event_files import check_suffix
from remapd.offline.outputs import OutputGroup
from remapd.parameters import Parameter, ParameterTable
from remapd.sinks.midi.document import MidiSink

RENDER_PARAMETERS = ParameterTable(
    "render",
    (
        Parameter("block_size", "frames", 1, 65536, 4096, "Frames that the engine processes at a time.", "whole"),
        Parameter("output_channels", "", 1, 2, 2, "Channels of the output.", "whole"),
    ),
)
DEFAULT_ENCODING = "24"

_MIDI_SUFFIXES, _PICTURE_SUFFIXES = (".mid", ".midi"), (".png",)


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How a recording is rendered.

    Parameters
    ----------
    tracks : list of TrackSetup
        Each `input_channel` is a place in `channels`.
    channels : sequence of int
        Channels of the file, from 0, that the engine hears; `remapd.audio.file.MIX` is the mean of all.
    block_size : int
        Frames that the engine processes at a time; it makes no difference to what is rendered.
    output_channels : int, optional
        1 or 2; by default as many as the input has, but no more than 2.
    encoding : str
        A key of `remapd.audio.file.ENCODINGS`.
    midi_sinks : tuple of MidiSink
        What a MIDI file gets; by default what every track would send to a device that learns.

    Raises
    ------
    FieldError
        If a value does not fit.
    """

    tracks: list[TrackSetup]
    channels: Sequence[int] = (0,)
    block_size: int = int(RENDER_PARAMETERS["block_size"].default)
    output_channels: int | None = None
    encoding: str = DEFAULT_ENCODING
    midi_sinks: tuple[MidiSink, ...] = ()

    def __post_init__(self) -> None:
        RENDER_PARAMETERS["block_size"].check(self.block_size)
        if self.output_channels is not None:
            RENDER_PARAMETERS["output_channels"].check(self.output_channels)
        if self.encoding not in ENCODINGS:
            raise FieldError("encoding", f"one of {', '.join(ENCODINGS)}", self.encoding)


@dataclass(frozen=True, slots=True)
class RenderFiles:
    """What is written, in the format that each name ends in; None is left out.

    Parameters
    ----------
    audio : Path
        The sound.
    events, rejected : Path, optional
        Hits and rejected candidates, as JSON Lines or CSV.
    midi : Path, optional
        Hits as a MIDI file.
    plot : Path, optional
        Picture of the run.
    """

    audio: Path
    events: Path | None = None
    rejected: Path | None = None
    midi: Path | None = None
    plot: Path | None = None

    def check(self, encoding: str) -> None:
        """Refuse names that end in what cannot be written.

        Raises
        ------
        FieldError
            It names the file and the endings that there are.
        """
        audio_format(self.audio, encoding)
        for field in ("events", "rejected"):
            path: Path | None = getattr(self, field)
            if path is not None:
                check_suffix(path, field)
        _check_ending("midi", self.midi, _MIDI_SUFFIXES)
        _check_ending("plot", self.plot, _PICTURE_SUFFIXES)

    def reserved(self, group: OutputGroup) -> RenderFiles:
        """The temporary paths to write to."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: group.add(path) for name, path in named.items() if path is not None})


def _check_ending(field: str, path: Path | None, suffixes: tuple[str, ...]) -> None:
    if path is not None and path.suffix.lower() not in suffixes:
        raise FieldError(field, f"a name that ends in {' or '.join(suffixes)}", path.name)


@dataclass(frozen=True, slots=True)
class RenderSummary:
    """What came of a render.

    Parameters
    ----------
    hits, rejected : int
        Counts of events.
    duration_s : float
        Length of the input that was read, in seconds.
    missing_s : float
        Length by which the input was shorter than its header says, in seconds.
    elapsed_s : float
        Time it took, without compiling and drawing, in seconds.
    sample_rate : int
        Of input and output, in Hz.
    non_finite : int
        Samples that were no finite numbers and became silence.
    dropped : int
        Hits that the engine could not play because too many came at once.
    channels : sequence of int
        Channels of the file that were heard, as in `RenderSettings`.
    channel_peaks : sequence of float
        Largest sample of each channel of the file.
    reasons : mapping of str to int
        Rejected candidates by reason.
    """

    hits: int
    rejected: int
    duration_s: float
    missing_s: float
    elapsed_s: float
    sample_rate: int
    non_finite: int
    dropped: int
    channels: Sequence[int]
    channel_peaks: Sequence[float]
    reasons: Mapping[str, int]
