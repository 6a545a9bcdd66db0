"""Checks of the config and of the folders that the daemon writes to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from remapd.control.settings.check import check_named
from remapd.control.settings.config import config_path, load_config
from remapd.control.settings.directories import Directories, directories
from remapd.daemon.health.finding import Finding, fail, ok, warn
from remapd.errors import RemapdError

_TOPIC = "config"


def check_config() -> Iterator[Finding]:
    """Whether `remapd run` could start with the config, and keep what is set."""
    place = config_path()
    try:
        config = load_config()
        check_named(config)
    except RemapdError as error:
        yield fail(
            _TOPIC, str(error), f"mend {place} or the environment; `remapd config --default` shows what there is"
        )
        yield from check_folders(directories())
        return
    yield ok(_TOPIC, f"{place} {'fits' if place.is_file() else 'is not there; the defaults hold'}")
    yield from check_folders(config.directories())


def check_folders(folders: Directories) -> Iterator[Finding]:
    """Whether the folders can be written to, or made."""
    for folder, kept in ((folders.data, "models, sessions and recordings"), (folders.state, "the current session")):
        if not os.access(_nearest(folder), os.W_OK | os.X_OK):
            yield warn(
                _TOPIC, f"{folder} cannot be written: {kept} are not kept", f"make {folder} writable for yourself"
            )


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it would be made."""
    return next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
