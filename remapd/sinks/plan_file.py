"""The plan of an engine process: a file with its sinks, written by whoever keeps the list, read when it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from remapd.errors import FieldError
from remapd.fields import checked_object, parsed_json
from remapd.files import make_folder, read_capped, replace_file

FORMAT = 1
MAX_FILE_BYTES = 8 << 20
_KIND = "plan of sinks"
#: It names other machines of this user.
_ONES_OWN = 0o600


def write_plan(path: Path, sinks: Sequence[Mapping[str, Any]]) -> None:
    """Write a plan whole, so that no reader meets half of it.

    Parameters
    ----------
    path : Path
        The file.
    sinks : sequence of mapping
        Documents of sinks; those with a host have its address besides: ``"resolved": ["10.0.0.7", 9000]``.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    make_folder(path.parent, 0o700)
    content = json.dumps({"format": FORMAT, "sinks": list(sinks)}, allow_nan=False).encode()
    replace_file(path, content, _KIND, _ONES_OWN)


def read_plan(path: Path) -> list[dict[str, Any]]:
    """Documents of the sinks of a plan, as they were written.

    Raises
    ------
    ModelError
        If the file cannot be read.
    FieldError
        If it is no plan of this version.
    """
    try:
        document = checked_object(parsed_json(read_capped(path, MAX_FILE_BYTES, _KIND), whole=True), _KIND)
    except ValueError as error:
        raise FieldError(_KIND, "JSON text", str(error)) from None
    sinks = document.get("sinks")
    if document.get("format") != FORMAT or not isinstance(sinks, list):
        raise FieldError(_KIND, f"format {FORMAT} with a list of sinks", document.get("format"))
    return [dict(checked_object(sink, f"sinks[{at}]")) for at, sink in enumerate(sinks)]
