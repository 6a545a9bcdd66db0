"""What only shows when the files are read that a config names."""

from __future__ import annotations

from remapd.control.plans import plan_tracks
from remapd.control.settings.config import Config
from remapd.control.settings.token import given_token
from remapd.control.sounds import ANY_FILE
from remapd.control.store.library import Library


def check_named(config: Config) -> None:
    """Load the models, presets and the token that a config names.

    Raises
    ------
    RemapdError
        If one is not there or damaged, or a value does not fit the synth of its track.
    """
    given_token(config.http)
    plan_tracks(config.values(), Library(config.directories().models), files=ANY_FILE)
