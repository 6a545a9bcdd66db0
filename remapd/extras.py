"""What training needs beyond what playing needs."""

from __future__ import annotations

from importlib.util import find_spec

from remapd.errors import NotInstalledError

#: What the extra `train` of pyproject.toml installs.
PACKAGES = ("torch", "scipy")


def require_torch() -> None:
    """Refuse to train where the extra `train` is not installed; nothing is imported to find out.

    Raises
    ------
    NotInstalledError
        It names what is missing and the command that installs it.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise NotInstalledError(
            f"training needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            "pip install 'remapd[train]'"
        )
