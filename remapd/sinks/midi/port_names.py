"""Which of the ports that there are somebody means who names one, or a part of its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from remapd.audio.midi_interface import is_own, plain_names

#: Names that a fault shows.
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found for a name.

    Parameters
    ----------
    name : str
        The port's own name; empty if there is none, or not one alone.
    fault : str
        Why there is none; empty if there is.
    is_ambiguous : bool
        Whether several are meant.
    """

    name: str = ""
    fault: str = ""
    is_ambiguous: bool = False


def choose(wanted: str, names: Sequence[str]) -> Choice:
    """Find the port that is meant, never one of our own.

    The whole name is looked for first, then that of the client or port alone (what is before or behind the first
    colon), then the text as a part of a name; in any case. What fits several ports equally well means none of them.

    Parameters
    ----------
    wanted : str
        Name of a port or a part of it, with or without ALSA's numbers.
    names : sequence of str
        Names of all ports, as `plain_names` gives them.
    """
    (folded,) = plain_names([wanted.casefold().strip()])
    others = [name for name in names if not is_own(name)]
    for fits in _TESTS:
        found = [name for name in others if fits(folded, name.casefold())]
        if len(found) == 1:
            return Choice(found[0])
        if found:
            return Choice(fault=f"{wanted!r} may be {_listed(found, 'or')}; say more of its name", is_ambiguous=True)
    if any(folded in name.casefold() for name in names):
        return Choice(fault=f"{wanted!r} is a port of our own")
    return Choice(
        fault=f"no port is called {wanted!r}; " + (f"there is {_listed(others, 'and')}" if others else "none is there")
    )


def _is_side(wanted: str, name: str) -> bool:
    return wanted in name.split(":", 1)


_TESTS: tuple[Callable[[str, str], bool], ...] = (str.__eq__, _is_side, lambda wanted, name: wanted in name)


def _listed(names: Sequence[str], last: str) -> str:
    """Names in a sentence."""
    shown = [repr(name) for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        shown.append(f"{len(names) - _SHOWN} more")
    return f" {last} ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
