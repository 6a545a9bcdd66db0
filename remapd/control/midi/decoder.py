"""Bytes to movements: halves of 14-bit controllers, NRPN and RPN, banks; for each port and channel by itself.

The coarse half of a fine controller is held for a few ms, because its fine half is on the way: alone it would make the
value jump back and forth at every 128th step. A controller that never sends fine halves is read with 7 bits, over the
whole range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from remapd.control.midi.messages import Kind, Movement, position_of

#: On a DIN cable a message takes 1 ms; a USB hub adds as much, and the reader looks every 2 ms.
HOLD_S = 0.006
#: Ports and channels, and parameters of one channel, of which anything is remembered.
MAX_CHANNELS = 16 * 32
MAX_PARAMETERS = 512
#: Coarse halves that wait at once; of more the first goes without its fine half.
MAX_HELD = 64

_NULL = 0x3FFF
_DATA_COARSE, _DATA_FINE, _INCREMENT, _DECREMENT = 6, 38, 96, 97
_BANK_COARSE, _BANK_FINE = 0, 32
_RESET_CONTROLLERS = 121
_FIRST_MODE_MESSAGE = 120
_NRPN_COARSE, _NRPN_FINE, _RPN_COARSE, _RPN_FINE = 99, 98, 101, 100
_SELECTORS: dict[int, Kind] = {_NRPN_COARSE: "nrpn", _NRPN_FINE: "nrpn", _RPN_COARSE: "rpn", _RPN_FINE: "rpn"}
_UNKNOWN = -1
_LENGTHS = {0x80: 3, 0x90: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3}


@dataclass(slots=True)
class _Fine:
    """A value of two halves."""

    coarse: int = _UNKNOWN
    fine: int = 0
    has_fine: bool = False

    def position(self) -> float:
        if self.has_fine:
            return position_of(self.coarse << 7 | self.fine, 14)
        return position_of(self.coarse, 7)


_Key = tuple[Kind, int]


@dataclass
class _Channel:
    """What is remembered of one channel of one port."""

    port: str
    channel: int
    values: dict[_Key, _Fine] = field(default_factory=dict)
    selected: _Key | None = None
    #: Halves of the number that is being selected.
    number: dict[Kind, list[int]] = field(default_factory=dict)
    bank: list[int] = field(default_factory=lambda: [0, 0])

    def value(self, key: _Key) -> _Fine:
        """The two halves of a value; of too many the first is forgotten."""
        found = self.values.get(key)
        if found is None:
            if len(self.values) >= MAX_PARAMETERS:
                del self.values[next(iter(self.values))]
            found = self.values[key] = _Fine()
        return found

    def movement(
        self, kind: Kind, number: int, position: float, steps: int = 0, bank: int = 0, fine: bool = False
    ) -> Movement:
        return Movement(kind, self.channel, number, position, steps, bank, fine, self.port)


@dataclass(slots=True)
class _Held:
    """A coarse half that waits for its fine half."""

    channel: _Channel
    key: _Key
    value: _Fine
    since_s: float

    def movement(self) -> Movement:
        return self.channel.movement(*self.key, self.value.position())


class Decoder:
    """Turns messages of any number of ports into movements.

    Attributes
    ----------
    ignored : int
        Messages that were no whole MIDI messages, or of a kind that moves nothing.
    """

    def __init__(self) -> None:
        self._channels: dict[tuple[str, int], _Channel] = {}
        self._held: dict[tuple[str, int, _Key], _Held] = {}
        self.ignored = 0

    def decode(self, message: bytes, port: str, now_s: float) -> list[Movement]:
        """Movements that a message completes.

        Parameters
        ----------
        message : bytes
            All of it, with the status byte.
        port : str
            Where it came from.
        now_s : float
            Present time in s, by any clock that does not go back.
        """
        kind = message[0] & 0xF0 if message else 0
        if len(message) != _LENGTHS.get(kind) or max(message[1:]) > 127:
            self.ignored += 1
            return []
        channel = self._channel(port, (message[0] & 0x0F) + 1)
        if kind == 0xB0:
            return list(self._controller(channel, message[1], message[2], now_s))
        return [_simple(channel, kind, message)]

    def flush(self, now_s: float) -> list[Movement]:
        """Movements whose fine half did not come in time."""
        late = [key for key, held in self._held.items() if now_s >= held.since_s + HOLD_S]
        return [self._held.pop(key).movement() for key in late]

    @property
    def due_s(self) -> float | None:
        """When `flush` will have something to give; None while nothing is held."""
        first = next(iter(self._held.values()), None)
        return None if first is None else first.since_s + HOLD_S

    def forget(self, port: str) -> None:
        """Drop what is known of a port that went away."""
        self._channels = {key: channel for key, channel in self._channels.items() if key[0] != port}
        self._held = {key: held for key, held in self._held.items() if key[0] != port}

    def _channel(self, port: str, number: int) -> _Channel:
        channel = self._channels.get((port, number))
        if channel is None:
            if len(self._channels) >= MAX_CHANNELS:
                self.forget(next(iter(self._channels))[0])
            channel = self._channels[port, number] = _Channel(port, number)
        return channel

    def _controller(self, channel: _Channel, number: int, value: int, now_s: float) -> Iterator[Movement]:
        if number in _SELECTORS:
            _select(channel, number, value)
        elif number in (_DATA_COARSE, _DATA_FINE) and channel.selected is not None:
            yield from self._half(channel, channel.selected, value, number == _DATA_COARSE, now_s)
        elif number in (_INCREMENT, _DECREMENT) and channel.selected is not None:
            steps = 1 if number == _INCREMENT else -1
            yield channel.movement(*channel.selected, 0.0, steps=steps)
        elif number < _FIRST_MODE_MESSAGE:
            yield from self._plain(channel, number, value, now_s)
        elif number == _RESET_CONTROLLERS:
            channel.selected = None

    def _plain(self, channel: _Channel, number: int, value: int, now_s: float) -> Iterator[Movement]:
        """A controller by itself, and as a half of a fine one."""
        if number in (_BANK_COARSE, _BANK_FINE):
            channel.bank[number == _BANK_FINE] = value
        yield channel.movement("cc", number, position_of(value, 7))
        if number < 64:
            yield from self._half(channel, ("cc14", number % 32), value, number < 32, now_s)

    def _half(self, channel: _Channel, key: _Key, value: int, is_coarse: bool, now_s: float) -> Iterator[Movement]:
        """Hold a coarse half; a fine one completes the value, however late it is."""
        both = channel.value(key)
        place = (channel.port, channel.channel, key)
        if is_coarse:
            if (before := self._held.pop(place, None)) is not None:  # It is not getting a fine half.
                yield before.movement()
            elif len(self._held) >= MAX_HELD:
                yield self._held.pop(next(iter(self._held))).movement()
            both.coarse, both.fine = value, 0
            self._held[place] = _Held(channel, key, both, now_s)
        elif both.coarse != _UNKNOWN:
            both.fine, both.has_fine = value, True
            self._held.pop(place, None)
            yield channel.movement(*key, both.position(), fine=True)


def _select(channel: _Channel, number: int, value: int) -> None:
    """One half of the number of a parameter; 127 twice selects none."""
    kind = _SELECTORS[number]
    halves = channel.number.setdefault(kind, [_UNKNOWN, _UNKNOWN])
    halves[number in (_NRPN_FINE, _RPN_FINE)] = value
    chosen = halves[0] << 7 | halves[1]
    channel.selected = None if _UNKNOWN in halves or chosen == _NULL else (kind, chosen)


def _simple(channel: _Channel, kind: int, data: bytes) -> Movement:
    """A message that stands by itself."""
    if kind in (0x80, 0x90):
        return channel.movement("note", data[1], 1.0 if kind == 0x90 and data[2] else 0.0)
    if kind == 0xC0:
        return channel.movement("program", data[1], 1.0, bank=channel.bank[0] << 7 | channel.bank[1])
    if kind == 0xD0:
        return channel.movement("pressure", 0, position_of(data[1], 7))
    return channel.movement("pitch_bend", 0, position_of(data[2] << 7 | data[1], 14))
