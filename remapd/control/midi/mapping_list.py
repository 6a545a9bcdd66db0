"""The mappings of a daemon: bounded, each with a name of its own, and a part of every session."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from remapd.control.midi.mapping_document import parse_mapping
from remapd.control.midi.mapping_fit import check_fits
from remapd.control.midi.mappings import SESSION, Mapping
from remapd.control.tree import Tree
from remapd.errors import FieldError, NotFoundError, TooLargeError

#: Eight tracks of sixty controls each, and some.
MAX_MAPPINGS = 512


class MappingList:
    """Mappings in the order in which they were made; whatever changes them does so as a whole or not at all.

    Parameters
    ----------
    tree : callable
        Gives the tree as it is.
    changed : callable
        Called after every change.
    """

    def __init__(self, tree: Callable[[], Tree], changed: Callable[[], None] = lambda: None) -> None:
        self._tree, self._changed = tree, changed
        self._mappings: tuple[Mapping, ...] = ()

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._mappings)

    def __len__(self) -> int:
        return len(self._mappings)

    def document(self) -> list[dict[str, Any]]:
        """Give all of them as JSON has them."""
        return [mapping.document() for mapping in self._mappings]

    def check(self, document: object) -> None:
        """Raise a `FieldError` if something in a session does not fit."""
        _parse_all(document, "midi")

    def restore(self, document: object) -> None:
        """Take all of them from a session; one whose control is not there, or is another now, rests.

        Raises
        ------
        FieldError
            If something does not fit; then nothing is changed.
        """
        self._install(_parse_all(document, "midi"))

    def replace(self, document: object) -> None:
        """Take all of them from a client; each new one must have a control that it fits.

        Raises
        ------
        FieldError
            If something does not fit; then nothing is changed.
        """
        mappings = _parse_all(document, "mappings")
        for index, mapping in enumerate(mappings):
            if mapping not in self._mappings:
                self._check(mapping, f"mappings[{index}]")
        self._install(mappings)

    def add(self, document: object, field: str = "mapping", instead: bool = False) -> Mapping:
        """Append one from a client, or a learnt one.

        Parameters
        ----------
        document : object
            As JSON has it; without ``id`` it gets one.
        field : str
            Name of the whole, for errors.
        instead : bool
            Whether those of the same path go.

        Raises
        ------
        FieldError
            If something does not fit; then nothing is changed.
        """
        mapping = parse_mapping(document, field, self._free_id())
        self._check(mapping, field)
        kept = [m for m in self._mappings if not (instead and m.path == mapping.path)]
        self._install([*kept, mapping], field)
        return mapping

    def remove(self, identity: str) -> Mapping:
        """Take one away.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        for mapping in self._mappings:
            if mapping.id == identity:
                self._install([m for m in self._mappings if m is not mapping])
                return mapping
        raise NotFoundError("mapping", "the name of a mapping", identity)

    def of_sessions(self) -> list[Mapping]:
        """Those that load sessions."""
        return [mapping for mapping in self._mappings if mapping.path == SESSION]

    def keep(self, mappings: Sequence[Mapping]) -> None:
        """Have these too, as far as there is room, unless there are others of the same path."""
        paths = {mapping.path for mapping in self._mappings}
        for mapping in mappings:
            if mapping.path not in paths and len(self) < MAX_MAPPINGS:
                taken = any(mapping.id == other.id for other in self._mappings)
                kept = dataclasses.replace(mapping, id=self._free_id()) if taken else mapping
                self._install([*self._mappings, kept])

    def _check(self, mapping: Mapping, field: str) -> None:
        control = None if mapping.path == SESSION else self._tree()[mapping.path]
        check_fits(mapping, control, field)

    def _install(self, mappings: Sequence[Mapping], field: str = "mappings") -> None:
        if len(mappings) > MAX_MAPPINGS:
            raise TooLargeError(f"{field}: there is room for {MAX_MAPPINGS} mappings")
        seen: set[str] = set()
        for mapping in mappings:
            if mapping.id in seen:
                raise FieldError(f"{field}.id", "a name that no other mapping has", mapping.id)
            seen.add(mapping.id)
        self._mappings = tuple(mappings)
        self._changed()

    def _free_id(self) -> str:
        taken = {mapping.id for mapping in self._mappings}
        return next(name for name in map(str, range(1, MAX_MAPPINGS + 2)) if name not in taken)


def _parse_all(document: object, field: str) -> list[Mapping]:
    if not isinstance(document, list | tuple) or len(document) > MAX_MAPPINGS:
        raise FieldError(field, f"a list of at most {MAX_MAPPINGS} mappings", document)
    return [parse_mapping(one, f"{field}[{index}]", str(index + 1)) for index, one in enumerate(document)]
