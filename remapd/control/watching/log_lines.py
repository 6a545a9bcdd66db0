"""Lines of the log as they are shown: one line each, without secrets; and the last of them."""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: Lines that are kept, and the longest of them.
KEPT_LINES = 1000
LONGEST_LINE = 2000
STRUCK_OUT = "[secret]"

# What looks like one even where nobody has told of it: a header, a WebSocket's subprotocol, a member of a query.
_SUSPECT = re.compile(
    r"(?i)(bearer\s+|\btoken\.|[?&](?:access_)?token=|authorization['\"]?\s*[:=,]\s*b?['\"]?(?!bearer))[^\s'\",]+"
)
_EXCEPTIONS = logging.Formatter()
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when (seconds since 1970), how weighty, from which part, and what."""

    time_s: float
    level: str
    part: str
    text: str

    def as_dict(self) -> dict[str, Any]:
        """The line for JSON, with its time in words."""
        time = datetime.fromtimestamp(self.time_s, UTC).isoformat(timespec="milliseconds")
        return {"time": time, "level": self.level, "part": self.part, "text": self.text}


class LastLines:
    """The last lines of the log; several threads may add to them."""

    def __init__(self) -> None:
        self._lines: deque[tuple[int, LogLine]] = deque(maxlen=KEPT_LINES)

    def add(self, record: logging.LogRecord) -> None:
        """Keep a line that is in words already."""
        line = LogLine(record.created, record.levelname.lower(), record.name, record.msg)
        self._lines.append((record.levelno, line))

    def lines(self, least: int, most: int | None = None) -> list[LogLine]:
        """Those of at least this weight, oldest first; of too many the newest."""
        chosen = [line for weight, line in list(self._lines) if weight >= least]
        return chosen if most is None else chosen[max(0, len(chosen) - most) :]


class Secrets:
    """Texts that must not appear in any line."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Let this text appear in no line."""
        if secret:
            self._secrets.add(secret)

    def struck_out(self, text: str) -> str:
        """Return `text` without secrets, and without what looks like one."""
        text = _SUSPECT.sub(lambda match: match.group(1) + STRUCK_OUT, text)
        for secret in self._secrets:
            text = text.replace(secret, STRUCK_OUT)
        return text

    def checked(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return members as values for JSON; one that is long, or has a secret in it, as a text without it."""
        kept: dict[str, Any] = {}
        for name, value in members.items():
            text = json.dumps(value, default=str)
            safe = shortened(self.struck_out(text))
            kept[name] = json.loads(text) if safe == text else safe
        return kept


def members(record: logging.LogRecord) -> dict[str, Any]:
    """What was given with a record by ``extra``; a JSON line has it beside the text."""
    if record.name.partition(".")[0] != "remapd":  # Others put colours there.
        return {}
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def one_line(record: logging.LogRecord) -> str:
    """What a record says, with its traceback, and nothing in it that would move a terminal's cursor."""
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        text = f"{record.msg} {record.args!r}"
    if record.exc_info:
        text = f"{text}\n{_EXCEPTIONS.formatException(record.exc_info)}"
    return text if text.isprintable() else "".join(c if c.isprintable() else _visible(c) for c in text)


def shortened(text: str) -> str:
    """Return a text of bounded length: of a long traceback, the beginning and the end say most."""
    half = LONGEST_LINE // 2
    return text if len(text) <= LONGEST_LINE else f"{text[:half]} … {text[-half:]}"


def _visible(character: str) -> str:
    return " | " if character == "\n" else repr(character)[1:-1]
