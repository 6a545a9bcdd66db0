"""A full check of a stored model, in a process of its own: it takes seconds, and must keep nobody waiting."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from pydantic import BaseModel, Field

from remapd.control.http.child import run_child
from remapd.errors import BusyError, ModelError

#: A first start may have to compile the synths.
_PATIENCE_S = 180.0


class VerificationCheck(BaseModel):
    """Result of one check."""

    field: str = Field(description="What it is about.")
    passed: bool
    text: str = Field(description="What was found.")


class Verification(BaseModel):
    """Whether a model does what a model should."""

    ok: bool
    checks: list[VerificationCheck]


class Verifier:
    """Checks one model at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def verify(self, path: Path) -> Verification:
        """Check a model's file.

        Raises
        ------
        BusyError
            If another is being checked.
        ModelError
            If it cannot be done.
        """
        if self._turn.locked():
            raise BusyError("another model is being checked")
        async with self._turn:
            output = await run_child(["models", "verify", "--json", str(path)], _PATIENCE_S)
        try:
            result = json.loads(output)[0]
            return Verification(ok=result["ok"], checks=result["checks"])
        except (ValueError, LookupError, TypeError):
            raise ModelError("the model could not be checked: the check ended without a word") from None
