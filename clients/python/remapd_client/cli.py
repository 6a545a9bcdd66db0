"""``remapd-client``: a running remapd from the command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

from remapd_client import show
from remapd_client.client import Remapd
from remapd_client.documents import Value
from remapd_client.errors import ClientError

_FAILED = 1
_LISTS = ("tracks", "models", "presets", "sessions", "sinks", "profiles", "recordings", "jobs")

Action = Callable[[Remapd, argparse.Namespace], Iterable[str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    action: Action = options.action
    try:
        with Remapd(options.url, _token(options.token_file), options.timeout) as remapd:
            for line in action(remapd, options):
                _write(line, sys.stdout)
    except ClientError as error:
        _write(f"remapd-client: {error}", sys.stderr)
        return _FAILED
    except (KeyboardInterrupt, BrokenPipeError):
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Nobody reads what is left.
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="remapd-client", description="Steer a running remapd, and hear its hits.")
    url = os.environ.get("REMAPD_URL", "http://127.0.0.1:8808")
    parser.add_argument("--url", default=url, help="where it serves HTTP (REMAPD_URL); %(default)s")
    parser.add_argument("--token-file", type=Path, help="file with the token, where one is asked for (REMAPD_TOKEN)")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="S", help="longest wait for an answer")
    parser.add_argument("--json", action="store_true", help="JSON in place of lines for people")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "status", _status, "what runs and how well")
    _add(commands, "get", _get, "values at or below a path").add_argument("path", nargs="?", default="/")
    _add(commands, "describe", _describe, "controls at or below a path").add_argument("path", nargs="?", default="/")
    change = _add(commands, "set", _set, "change values, all or none")
    change.add_argument("values", nargs="+", metavar="PATH=VALUE")
    _add(commands, "do", _do, "do an action, such as /panic").add_argument("path")
    _add(commands, "list", _list, "tracks, models, presets...").add_argument("what", choices=_LISTS)
    watch = _add(commands, "watch", _watch, "what happens, until Ctrl-C")
    watch.add_argument("--topics", default="hits,changes", help="%(default)s; all of them are in the service's README")
    watch.add_argument("--count", type=int, default=0, help="end after so many messages")
    hits = _add(commands, "hits", _hits, "hits sent over OSC, until Ctrl-C")
    hits.add_argument("--host", default="127.0.0.1", help="address of this machine, as the service reaches it")
    hits.add_argument("--count", type=int, default=0, help="end after so many hits")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, action: Action, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(action=action)
    return command


def _token(path: Path | None) -> str:
    """The token; never an argument, as those can be seen by everybody on a machine."""
    if path is None:
        return os.environ.get("REMAPD_TOKEN", "")
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError(f"--token-file: {error}") from error


def _status(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    status = remapd.status()
    return [show.as_json(status)] if options.json else show.status_lines(status)


def _get(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    values = remapd.tree.values(options.path)
    return [show.as_json(values)] if options.json else show.value_lines(values)


def _describe(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    controls = remapd.describe(options.path)
    return [show.as_json(controls)] if options.json else show.control_lines(controls)


def _set(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    changed = remapd.set_many(dict(_pair(text) for text in options.values))
    return [show.as_json(changed)] if options.json else show.value_lines(changed)


def _do(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    remapd.tree.trigger(options.path)
    return ()


def _list(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    rows = getattr(remapd, options.what).list()
    return [show.as_json(rows)] if options.json else show.row_lines(rows)


def _watch(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    with remapd.events(options.topics.split(",")) as events:
        for number, message in enumerate(events, 1):
            yield show.as_json(message) if options.json else show.message_line(message)
            if number == options.count:
                return


def _hits(remapd: Remapd, options: argparse.Namespace) -> Iterable[str]:
    with remapd.osc_hits(host=options.host) as hits:
        for number, hit in enumerate(hits, 1):
            yield show.as_json(hit)
            if number == options.count:
                return


def _pair(text: str) -> tuple[str, Value]:
    path, separator, value = text.partition("=")
    if not separator:
        raise ClientError(f"expected PATH=VALUE, got {text!r}")
    return path, _value(value)


def _value(text: str) -> Value:
    """A number, true or false; anything else is a text, and so is what stands in double quotes."""
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, bool | int | float | str):
            return value
    return text


def _write(line: str, stream: TextIO) -> None:
    stream.write(line + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
