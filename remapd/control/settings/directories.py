"""Where the daemon keeps what: the system's own folders for data, state, settings and what is only there while it runs.

Each can be named by the environment (``REMAPD_PATHS__STATE``...) or the section ``paths`` of the config file.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from remapd.files import make_folder
from remapd.mapping.library import DATA_VARIABLE, data_folder

CONFIG_NAME = "remapd.toml"
_APPLICATION = "remapd"
#: What lies in these is nobody else's: a token, sockets.
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Directories:
    """Folders of the daemon; none need exist.

    Parameters
    ----------
    config : Path
        Of the config file.
    data : Path
        Models, presets, sessions and recordings.
    state : Path
        The current session and the token.
    runtime : Path
        Sockets and what else is worth nothing after a restart of the system.
    """

    config: Path
    data: Path
    state: Path
    runtime: Path

    @property
    def models(self) -> Path:
        """The user's own models; presets are in a folder within."""
        return self.data / "models"

    @property
    def sessions(self) -> Path:
        """Sessions that were saved by name."""
        return self.data / "sessions"

    @property
    def recordings(self) -> Path:
        """What was recorded, and uploads to train from."""
        return self.data / "recordings"

    @property
    def jobs(self) -> Path:
        """What training jobs leave: reports, logs."""
        return self.state / "jobs"

    @property
    def session_file(self) -> Path:
        """The session as it is now."""
        return self.state / "session.json"

    @property
    def token_file(self) -> Path:
        """The token that was generated."""
        return self.state / "token"

    @property
    def sinks_file(self) -> Path:
        """What the engine sends, and where to."""
        return self.runtime / "sinks.json"

    def export(self) -> None:
        """Have the rest of this process, and those that it starts, find the same folder of data."""
        os.environ[DATA_VARIABLE] = str(self.data)

    def make(self) -> None:
        """Make the folders that the daemon writes to.

        Raises
        ------
        StorageError
            If one cannot be made.
        """
        for folder in (self.models / "presets", self.sessions, self.recordings):
            make_folder(folder)
        for folder in (self.state, self.runtime):
            make_folder(folder, _PRIVATE)


def directories(
    config: Path | None = None, data: Path | None = None, state: Path | None = None, runtime: Path | None = None
) -> Directories:
    """Folders as they are given; the system's own for this user where they are not."""
    state = state or Path(platformdirs.user_state_dir(_APPLICATION))
    return Directories(
        config=config or Path(platformdirs.user_config_dir(_APPLICATION)),
        data=data or data_folder(),
        state=state,
        runtime=runtime or _runtime_folder(state),
    )


def _runtime_folder(state: Path) -> Path:
    """The session's own folder; without one not a place in ``/tmp``, where others could be before us."""
    if sys.platform == "linux" and not os.environ.get("XDG_RUNTIME_DIR"):
        return state / "run"
    return Path(platformdirs.user_runtime_dir(_APPLICATION))
