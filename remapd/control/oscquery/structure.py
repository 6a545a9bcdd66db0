"""Messages that tell what came to the tree and what went, by the largest nodes that did so as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from remapd.control.osc.addresses import ROOT, address_of
from remapd.control.tree import Tree

#: What is told of a node that is to be looked at anew.
CHANGED = "PATH_CHANGED"
#: More than this is told as one change of everything.
MAX_NODES = 64


def structure_messages(tree: Tree, added: Iterable[str], removed: Iterable[str]) -> list[str]:
    """What clients are told when paths came and went.

    Parameters
    ----------
    tree : Tree
        As it is now.
    added, removed : iterable of str
        Paths that came and went; one that did both is another control now.
    """
    came = set(added)
    stayed = {container for path in tree if path not in came for container in _containers(path)}
    gone, new = _largest(removed, stayed), _largest(came, stayed)
    if len(gone) + len(new) > MAX_NODES:
        return [message(CHANGED, ROOT)]
    changed = dict.fromkeys(_parent(path) for path in (*gone, *new))
    return [
        *(message("PATH_REMOVED", address_of(path)) for path in gone),
        *(message("PATH_ADDED", address_of(path)) for path in new),
        *(message(CHANGED, address_of(path)) for path in changed),
    ]


def message(command: str, address: str) -> str:
    """One message of the server."""
    return json.dumps({"COMMAND": command, "DATA": address})


def _largest(paths: Iterable[str], stayed: set[str]) -> list[str]:
    """Nodes that are above all `paths` and below what stayed, in their order."""
    return list(dict.fromkeys(_top(path, stayed) for path in sorted(paths)))


def _top(path: str, stayed: set[str]) -> str:
    while (parent := _parent(path)) and parent not in stayed:
        path = parent
    return path


def _containers(path: str) -> Iterator[str]:
    while path := _parent(path):
        yield path


def _parent(path: str) -> str:
    """Container of a path; that of the uppermost is empty, as is its own."""
    return path.rpartition("/")[0]
