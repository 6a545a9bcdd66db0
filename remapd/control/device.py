"""The audio device as values of the tree, and back."""

from __future__ import annotations

from collections.abc import Mapping

from remapd.audio.backend import StreamSettings
from remapd.control.tree import Value
from remapd.engine_process import Playing
from remapd.errors import FieldError

#: Controls of the device and the settings of the stream they stand for.
_TEXTS = {"host_api": "host_api", "input": "input_device", "output": "output_device"}
_ROOT = "/device/"
_CHANNEL = "/input_channel"


def device_values(stream: StreamSettings) -> dict[str, Value]:
    """Give the values of ``/device`` for a stream as it was asked for."""
    values: dict[str, Value] = {"backend": stream.backend}
    values |= {name: getattr(stream, setting) or "" for name, setting in _TEXTS.items()}
    values |= {"sample_rate_hz": float(stream.sample_rate or 0.0), "block_size": int(stream.block_size)}
    return {_ROOT + name: value for name, value in values.items()}


def changed_stream(stream: StreamSettings, values: Mapping[str, Value]) -> StreamSettings:
    """Give the stream with some values of ``/device`` changed; other paths are left alone.

    Raises
    ------
    FieldError
        If the values do not go together.
    """
    changes: dict[str, object] = {}
    for path, value in values.items():
        name = path.removeprefix(_ROOT)
        if not path.startswith(_ROOT):
            continue
        if name == "sample_rate_hz":
            changes["sample_rate"] = value or None
        else:
            changes[_TEXTS.get(name, name)] = (value or None) if name in _TEXTS else value
    if changes.get("backend", stream.backend) != "virtual":
        changes |= {"input_file": None, "loop": False}
    try:
        return stream.changed(**changes)
    except FieldError as error:
        setting = error.field.removeprefix("stream.")
        raise FieldError(_ROOT + _NAMES.get(setting, setting), error.expected, error.got) from None


def heard_stream(stream: StreamSettings, values: Mapping[str, Value]) -> StreamSettings:
    """Give the stream with as many input channels as tracks of these values listen to, and no fewer than it has."""
    return stream.changed(input_channels=max(stream.input_channels, 1, *heard_channels(values).values()))


def heard_channels(values: Mapping[str, Value]) -> dict[str, int]:
    """Which channel each track listens to, from 1, by the path that says so."""
    return {path: int(value) for path, value in values.items() if is_channel(path)}


def is_channel(path: str) -> bool:
    """Whether a path says which channel a track listens to."""
    return path.endswith(_CHANNEL)


def absent_channels(values: Mapping[str, Value], playing: Playing) -> list[str]:
    """Say of each track that listens to a channel which the device does not have."""
    has, name = playing.stream.input_channels, playing.stream.input_name
    return [
        f"track {path.split('/')[2]} listens to channel {channel}; {name} has {has}, so it is silent"
        for path, channel in heard_channels(values).items()
        if channel > has
    ]


_NAMES = {setting: name for name, setting in _TEXTS.items()} | {"sample_rate": "sample_rate_hz"}
