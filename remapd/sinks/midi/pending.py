"""Values that the device should have and does not have yet; the latest one wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from remapd.sinks.midi.device import Device
from remapd.sinks.midi.encode import Address
from remapd.sinks.midi.sink_player import Aim

#: What goes first: from an aim, the part 0..1 of its way that is missing, and the bytes it takes.
Priority = Callable[[Aim, float, int], float]


def audible_first(aim: Aim, change: float, size: int) -> float:
    """How much of what is missing a byte makes heard."""
    return aim.worth * change / size


class Pending:
    """What is on its way to a device.

    Attributes
    ----------
    coalesced : int
        Values that another one replaced before the device got them.
    unchanged : int
        Values that the device had already.
    """

    def __init__(self, device: Device, priority: Priority = audible_first) -> None:
        self._device = device
        self._priority = priority
        self._wanted: dict[Address, Aim] = {}
        #: Those of the above that the device lacks.
        self._missing: dict[Address, Aim] = {}
        #: What was begun and is not complete.
        self._begun: Address | None = None
        self.coalesced = 0
        self.unchanged = 0

    def __bool__(self) -> bool:
        return bool(self._missing)

    def want(self, aims: Iterable[Aim]) -> None:
        """Replace what was wanted before."""
        self._begun = None
        for aim in aims:
            before = self._missing.pop(aim.address, None)
            self.coalesced += before is not None and before.value != aim.value
            self._wanted[aim.address] = aim
            if self._device.value(aim.address) != aim.value:
                self._missing[aim.address] = aim
            elif before is None:
                self.unchanged += 1

    def ranked(self, aims: Iterable[Aim]) -> list[Aim]:
        """Those of some aims that are missing, most important first."""
        missing = [aim for aim in aims if self._missing.get(aim.address) == aim]
        return sorted(missing, key=self._rank, reverse=True)

    def messages(self, aim: Aim) -> list[bytes]:
        """Everything that an aim needs."""
        return self._device.needed(aim.address, aim.value)

    def next(self) -> tuple[Aim, bytes] | None:
        """The next single message; what was begun is completed first."""
        if not self._missing:
            return None
        aim = self._missing.get(self._begun) if self._begun is not None else None
        if aim is None:
            aim = max(self._missing.values(), key=self._rank)
        return aim, self.messages(aim)[0]

    def sent(self, aim: Aim, message: bytes) -> None:
        """Take note of a message that was sent."""
        self._device.hear(aim.address, message)
        self._begun = aim.address
        if self._device.value(aim.address) == aim.value:
            self._missing.pop(aim.address, None)
            self._begun = None

    def again(self) -> None:
        """Look at everything anew, as the device has forgotten something."""
        self._begun = None
        values = self._device.value
        self._missing = {a: aim for a, aim in self._wanted.items() if values(a) != aim.value}

    def keep(self, is_kept: Callable[[Address], bool]) -> None:
        """Give up all other aims."""
        self._begun = None
        self._wanted = {a: aim for a, aim in self._wanted.items() if is_kept(a)}
        self._missing = {a: aim for a, aim in self._missing.items() if is_kept(a)}

    def drop(self) -> None:
        """Give up what the device has not got."""
        self.keep(lambda address: address not in self._missing)

    def _rank(self, aim: Aim) -> tuple[bool, float]:
        known = self._device.value(aim.address)
        change = 1.0 if known is None else abs(aim.value - known) / aim.steps
        return aim.is_of_note, self._priority(aim, change, self._device.size(aim.address, aim.value))
