"""Finding and loading profiles: the user's own, and those that ship."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from remapd.errors import FieldError
from remapd.fields import name_from, shown
from remapd.files import read_capped
from remapd.mapping.library import Kind, data_folder, list_files, not_found
from remapd.sinks.profiles.parsing import parse_profile
from remapd.sinks.profiles.places import line_of
from remapd.sinks.profiles.profile import Profile, ProfileError

PROFILE = Kind("profile", "", ".toml")
MAX_FILE_BYTES = 512 * 1024
#: Those that ship.
SHIPPED = Path(__file__).resolve().parent / "devices"


def user_folder() -> Path:
    """Folder for the user's own profiles; it need not exist."""
    return data_folder() / "profiles"


def list_profiles() -> dict[str, Path]:
    """Every profile that can be found by name, in the order of the names, and its file."""
    return list_files(PROFILE, [user_folder(), SHIPPED])


def find_profile(name_or_path: str | os.PathLike[str]) -> Path:
    """File of a profile, by name or by path: what has a separator in it or ends in ``.toml`` is a path.

    Raises
    ------
    NotFoundError
        If there is no profile of that name; it says which name is near.
    """
    text = os.fspath(name_or_path)
    is_path = text.endswith(PROFILE.suffix) or any(mark in text for mark in ("/", os.sep, os.altsep) if mark)
    return Path(text) if is_path else _named(text, " or a path to one")


def load_profile_named(name: str) -> Profile:
    """Load a profile by its name, which is never taken as a path.

    Raises
    ------
    NotFoundError
        If there is none of that name; it says which name is near.
    RemapdError
        If it cannot be read or does not fit.
    """
    return load_profile(_named(name))


def load_profile(path: Path) -> Profile:
    """Load a profile from its file.

    Raises
    ------
    RemapdError
        If the file cannot be read, is no TOML or does not fit; the text names the file, the field and the line.
    """
    return profile_from(read_capped(path, MAX_FILE_BYTES, "profile"), name_from(path.stem, "profile"), str(path))


def profile_from(content: bytes, name: str, origin: str) -> Profile:
    """Profile from the content of a file.

    Parameters
    ----------
    content : bytes
        TOML in UTF-8.
    name : str
        Name that the profile gets.
    origin : str
        Name of the file, for errors.

    Raises
    ------
    ProfileError
        If it is no TOML or does not fit.
    """
    where = f"profile {origin!r}"
    try:
        text = content.decode("utf-8-sig")
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{where} is no TOML text: {shown(str(error), 200)}") from None
    try:
        return parse_profile(document, name)
    except FieldError as error:
        line = line_of(text, error.field)
        raise ProfileError(f"{where}{f', line {line}' if line else ''}: {error}") from error


def _named(name: str, or_path: str = "") -> Path:
    known = list_profiles()
    if name not in known:
        raise not_found(PROFILE.name, name, known, or_path)
    return known[name]
