"""Errors that a user may meet.

Every error caused by input, a file, a device or a setting is a `RemapdError`; commands print it as one line and end
with a non-zero status. Anything else that escapes is a fault of ours.
"""

from __future__ import annotations


class RemapdError(Exception):
    """A fault a user can mend; its text is one line that says what to do."""


class FieldError(RemapdError):
    """A value that does not fit its field.

    Parameters
    ----------
    field : str
        Name of the field, dotted where it is nested (``preset.osc1.freq``).
    expected : str
        What would have been accepted, with its unit.
    got : object
        What came.
    """

    def __init__(self, field: str, expected: str, got: object) -> None:
        self.field = field
        self.expected = expected
        self.got = got
        super().__init__(f"{field}: expected {expected}, got {_shortened(got)}")


class NotFoundError(FieldError):
    """A name of which there is nothing; `expected` says what there is."""


class ConflictError(FieldError):
    """A thing that cannot be done as things stand: the name is taken, or what ships with remapd would be changed."""


class Told(str):
    """What came, in words of our own rather than as a value: an error shows it without quotes."""

    def __repr__(self) -> str:
        return str(self)


class ConfigError(RemapdError):
    """A config that cannot be read."""


class AudioFileError(RemapdError):
    """An audio file that cannot be read or written."""


class DeviceError(RemapdError):
    """An audio device that cannot be opened, or that went away."""


class ModelError(RemapdError):
    """A model or preset file that is damaged or does not fit."""


class StorageError(ModelError):
    """A file or folder of ours that cannot be written."""


class DiskFullError(StorageError):
    """A file that cannot be written because there is no room left for it."""


class TrainingError(RemapdError):
    """Training that cannot start or go on."""


class TrainingDataError(TrainingError):
    """Recordings from which nothing can be learnt; the text says what was found and what to do."""


class NotInstalledError(TrainingError):
    """A part of remapd that is not installed; the text names the command that installs it."""


class BusyError(RemapdError):
    """Too much is under way already; later it may work."""


class TooLargeError(RemapdError):
    """More than is taken in one piece; the text says how much is."""


def _shortened(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
