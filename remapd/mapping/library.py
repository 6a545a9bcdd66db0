"""Finding models and presets by name.

Three folders are searched in turn: the user's own, the one installed with the package, and the one beside the sources
in a checkout. Each holds models (``*.safetensors``) and, in ``presets``, presets (``*.json``). The name is that of the
file without its ending, and case matters on every system.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from remapd.errors import FieldError, ModelError, NotFoundError
from remapd.mapping.bundle import Model, load_model
from remapd.synth.presets import Preset, load_preset

_PACKAGE = Path(__file__).resolve().parents[1]
#: Names the folder of the user's own data in place of the system's.
DATA_VARIABLE = "REMAPD_PATHS__DATA"
#: An error names no more than this many.
_LISTED = 12


@dataclass(frozen=True)
class Kind:
    """What a library holds: what people call it, the folder it lies in, and the ending of its files."""

    name: str
    folder: str
    suffix: str


MODEL = Kind("model", "", ".safetensors")
PRESET = Kind("preset", "presets", ".json")


def data_folder() -> Path:
    """Folder for everything of the user's own that is kept; ``REMAPD_PATHS__DATA`` names another. It need not exist."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("remapd"))


def user_folder() -> Path:
    """Folder for the user's own models; it need not exist."""
    return data_folder() / "models"


def folders(own: Path | None = None) -> list[Path]:
    """Folders that are searched; a name in an earlier one hides the same name in a later one.

    Parameters
    ----------
    own : Path, optional
        The user's; by default `user_folder`.
    """
    found = [own or user_folder(), _PACKAGE / "_models"]
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        found.append(_PACKAGE.parent / "models")
    return found


def list_models() -> dict[str, Path]:
    """Every model that can be found by name, in the order of the names, and its file."""
    return list_files(MODEL, folders())


def list_presets() -> dict[str, Path]:
    """Every preset that can be found by name, in the order of the names, and its file."""
    return list_files(PRESET, folders())


def find_model(name_or_path: str | os.PathLike[str]) -> Path:
    """File of a model, by name or by path.

    What contains a path separator or ends in ``.safetensors`` is taken as a path, anything else as a name.

    Raises
    ------
    FieldError
        If there is no model of that name; it says which name is near.
    """
    return _find(MODEL, name_or_path)


def find_preset(name_or_path: str | os.PathLike[str]) -> Path:
    """File of a preset, by name or by path (see `find_model`; the ending is ``.json``).

    Raises
    ------
    FieldError
        If there is no preset of that name; it says which name is near.
    """
    return _find(PRESET, name_or_path)


def load_model_named(name_or_path: str | os.PathLike[str]) -> Model:
    """Load a model by name or path; raises as `find_model` and `load_model` do."""
    return load_model(find_model(name_or_path))


def load_preset_named(name_or_path: str | os.PathLike[str]) -> Preset:
    """Load a preset by name or path.

    Raises
    ------
    ModelError
        If there is none, it cannot be read or a field does not fit; the text names the file.
    """
    path = find_preset(name_or_path)
    try:
        return load_preset(path)
    except FieldError as error:
        raise ModelError(f"preset {str(path)!r}: {error}") from error


def list_files(kind: Kind, searched: Iterable[Path]) -> dict[str, Path]:
    """Every file of a kind in some folders by its name, in the order of the names."""
    found: dict[str, Path] = {}
    for folder in searched:
        for path in _files(folder / kind.folder, kind.suffix):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def _files(folder: Path, suffix: str) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix == suffix and not path.name.startswith(".")]
    except OSError:
        return []


def not_found(kind: str, name: str, known: Collection[str], or_path: str = "") -> NotFoundError:
    """Error for a name that is unknown; it says which is near, or what there is."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else _names(list(known))
    return NotFoundError(kind, f"the name of a {kind}{or_path} ({hint})", name)


def _find(kind: Kind, name_or_path: str | os.PathLike[str]) -> Path:
    text = os.fspath(name_or_path)
    if _is_path(text, kind.suffix):
        return Path(text)
    known = list_files(kind, folders())
    if text in known:
        return known[text]
    raise not_found(kind.name, text, known, " or a path to one")


def _is_path(text: str, suffix: str) -> bool:
    return text.endswith(suffix) or any(separator in text for separator in ("/", os.sep, os.altsep) if separator)


def _names(names: list[str]) -> str:
    more = ", ..." if len(names) > _LISTED else ""
    return "there are " + ", ".join(names[:_LISTED]) + more if names else "there are none"
