"""The recipes there are, asked of the command that trains: what plays never loads what trains."""

from __future__ import annotations

import asyncio
import difflib
import json
import subprocess
from collections.abc import Sequence

from remapd.errors import FieldError, TrainingError
from remapd.processes import child_environment

_OPTION = "--list-recipes"
_LIMIT_S = 60.0


class Recipes:
    """Names of the recipes and what they are for.

    Parameters
    ----------
    command : sequence of str
        Program that trains, and its first arguments.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = (*command, _OPTION)
        self._known: dict[str, str] = {}
        self._asking = asyncio.Lock()

    async def all(self) -> dict[str, str]:
        """Descriptions by name; the command is asked once.

        Raises
        ------
        TrainingError
            If it does not answer.
        """
        async with self._asking:
            if not self._known:
                self._known = await asyncio.to_thread(self._ask)
        return dict(self._known)

    async def check(self, name: str) -> None:
        """Refuse a name that is none of a recipe, with the one that is near."""
        known = await self.all()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "there are " + ", ".join(known)
            raise FieldError("recipe", f"the name of a recipe ({hint})", name)

    def _ask(self) -> dict[str, str]:
        try:
            done = subprocess.run(
                self._command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT_S,
                check=True, env=child_environment(),
            )  # fmt: skip
            return {str(name): str(text) for name, text in json.loads(done.stdout).items()}
        except (OSError, subprocess.SubprocessError, ValueError, AttributeError) as error:
            raise TrainingError(f"the training command does not say which recipes there are: {error}") from None
