"""What the command line writes: lines for people, or JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from remapd_client.documents import Control, Status, Value
from remapd_client.messages import Changes, Gap, Hit, Message, Rejected


def as_json(document: object) -> str:
    """One line of JSON."""
    plain = dataclasses.asdict(document) if dataclasses.is_dataclass(document) else document  # type: ignore[arg-type]
    return json.dumps(plain)


def value_lines(values: Mapping[str, Value]) -> list[str]:
    """Values as ``/path value``."""
    return [f"{path} {_text(value)}" for path, value in values.items()]


def control_lines(controls: Iterable[Control]) -> list[str]:
    """Controls with their values, ranges and descriptions."""
    return [f"{c['path']}  {_text(c['value'])}  {_range(c)}  {c['description']}" for c in controls]


def status_lines(status: Status) -> list[str]:
    """What matters of a status."""
    device = status["device"] or {}
    head = f"{status['state']}: {device.get('input', 'no device')} -> {device.get('output', 'no device')}"
    tracks = (f"track {t['number']}: {t['model']} ({t['synth']}), {t['hits']} hits" for t in status["tracks"])
    faults = ", ".join(f"{count} {name}" for name, count in status["faults"].items())
    return [head, *tracks, faults]


def row_lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of what is in a list, with a word on each."""
    return [_row(row) for row in rows]


def message_line(message: Message) -> str:
    """One line that tells what happened."""
    if isinstance(message, Hit):
        features = "  ".join(f"{name} {value:.1f}" for name, value in message.features.items())
        return f"{message.onset_s:9.3f} s  track {message.track}  {features}"
    if isinstance(message, Rejected):
        return f"{message.time_s:9.3f} s  track {message.track}  no hit: {message.reason}"
    if isinstance(message, Changes):
        return "\n".join(value_lines(message.values))
    if isinstance(message, Gap):
        return f"something is missing: {message.lost or 'nobody knows how many'} of {message.of}"
    return as_json(message)


def _row(row: Mapping[str, Any]) -> str:
    name = row.get("name") or row.get("id") or row.get("number")
    more = next((str(row[key]) for key in ("problem", "description", "model", "state", "kind") if row.get(key)), "")
    return f"{name}  {more}".rstrip()


def _range(control: Control) -> str:
    if control["choices"]:
        return "|".join(control["choices"])
    if control["minimum"] is None:
        return control["kind"]
    unit = f" {control['unit']}" if control["unit"] else ""
    return f"{control['minimum']:g}..{control['maximum']:g}{unit}"


def _text(value: Value | None) -> str:
    if value is None:
        return "-"
    return json.dumps(value) if isinstance(value, bool) else str(value)
