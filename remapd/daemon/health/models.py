"""Checks of models and presets: where one's own go, and whether those that are there can be loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from remapd.daemon.health.finding import Finding, ok, warn
from remapd.errors import RemapdError
from remapd.mapping.library import list_models, list_presets, load_model_named, load_preset_named, user_folder

_TOPIC = "models"


def check_models() -> Iterator[Finding]:
    """Name the folder for one's own models and presets, and what was found in it."""
    folder = user_folder()
    models = {name: path for name, path in list_models().items() if path.parent == folder}
    presets = {name: path for name, path in list_presets().items() if path.parent == folder / "presets"}
    found = f"models: {_names(models)}; presets, in its folder presets: {_names(presets)}"
    yield ok(_TOPIC, f"your own go to {folder}, where there are {found}")
    for own, load in ((models, load_model_named), (presets, load_preset_named)):
        for path in own.values():
            try:
                load(path)
            except RemapdError as error:
                yield warn(_TOPIC, str(error), "mend the file or take it away; nothing else needs it")


def _names(found: Iterable[str]) -> str:
    return ", ".join(found) or "none"
