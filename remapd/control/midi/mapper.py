"""Which bindings a movement reaches; kept in step with the mappings and with the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from remapd.control.midi.bindings import Binding, Desk, bind
from remapd.control.midi.mappings import SESSION, Mapping
from remapd.control.midi.messages import Kind, Movement
from remapd.control.tree import Control, Tree
from remapd.errors import FieldError

_Key = tuple[Kind, int]
#: Stands for every program, where they choose from a list.
_ANY = -1


class Mapper:
    """Bindings by what they listen to.

    Parameters
    ----------
    tree : callable
        Gives the tree as it is.
    """

    def __init__(self, tree: Callable[[], Tree]) -> None:
        self._tree = tree
        self._bound: dict[Mapping, tuple[Control | None, Binding]] = {}
        self._by_key: dict[_Key, list[tuple[Mapping, Binding]]] = {}

    def rebind(self, mappings: Iterable[Mapping]) -> None:
        """Take these mappings from now on; those that stay remember where their knobs are."""
        tree, former = self._tree(), self._bound
        self._bound, self._by_key = {}, {}
        for mapping in mappings:
            control = _control(mapping, tree)
            before = former.get(mapping)
            binding = before[1] if before is not None and before[0] == control else _binding(mapping, tree)
            if binding is not None:
                self._bound[mapping] = control, binding
                self._by_key.setdefault(_key(mapping, control), []).append((mapping, binding))

    def is_bound(self, mapping: Mapping) -> bool:
        """Whether a mapping has a control at the moment that it can change."""
        return mapping in self._bound

    def act(self, movement: Movement, desk: Desk) -> bool:
        """Do what a movement asks for; whether any mapping heard it."""
        keys = [(movement.kind, movement.number)]
        if movement.kind == "program":
            keys.append(("program", _ANY))
        heard = [
            binding for key in keys for mapping, binding in self._by_key.get(key, ()) if mapping.source.hears(movement)
        ]
        for binding in heard:
            binding.act(movement, desk)
        return bool(heard)


def _control(mapping: Mapping, tree: Tree) -> Control | None:
    return tree[mapping.path] if mapping.path in tree else None  # noqa: SIM401


def _binding(mapping: Mapping, tree: Tree) -> Binding | None:
    try:
        return bind(mapping, tree)
    except FieldError:  # The control of that path is another one than when the mapping was made.
        return None


def _key(mapping: Mapping, control: Control | None) -> _Key:
    is_list = mapping.path == SESSION or (control is not None and control.kind == "text")
    is_first_of_many = is_list and mapping.source.kind == "program"
    return mapping.source.kind, _ANY if is_first_of_many else mapping.source.number
