"""What a device knows by what was sent to it, and what it must still be told.

Halves of a value count one by one, as they may be sent with a note in between. A coarse half makes the fine one
unknown: the standard has receivers set it to 0, but not all do, so it is sent after every coarse one, and alone where
only it differs. A numbered parameter is selected again only where another one, or nothing known, is selected on its
channel.
"""

from __future__ import annotations

from remapd.sinks.midi import encode
from remapd.sinks.midi.encode import Address

#: Kinds of one message, and its bytes.
PLAIN = {"cc": 3, "pitch_bend": 3, "poly_pressure": 3, "pressure": 2}


class Device:
    """The receivers behind a port."""

    def __init__(self) -> None:
        #: Values of controllers, 7 bits, and of what has no halves.
        self._plain: dict[Address, int] = {}
        #: Halves of numbered parameters.
        self._coarse: dict[Address, int] = {}
        self._fine: dict[Address, int] = {}
        #: Numbered parameter that is selected on a channel.
        self._selected: dict[int, int] = {}
        self._selecting: dict[int, int] = {}

    def value(self, address: Address) -> int | None:
        """The value a device has, as far as that is known."""
        if address.kind in PLAIN:
            return self._plain.get(address)
        coarse, fine = self._halves(address)
        if address.kind == "nrpn7":
            return coarse
        return None if coarse is None or fine is None else coarse << 7 | fine

    def needed(self, address: Address, value: int) -> list[bytes]:
        """Messages that give a device a value; none if it has it."""
        if address.kind in PLAIN:
            return [] if self._plain.get(address) == value else [_plain(address, value)]
        if address.kind == "cc14":
            return self._two_halves(address, value)
        return self._numbered(address, value)

    def size(self, address: Address, value: int) -> int:
        """Bytes of `needed`, of a value that the device lacks."""
        if address.kind in PLAIN:
            return PLAIN[address.kind]
        return sum(map(len, self.needed(address, value)))

    def hear(self, address: Address, message: bytes) -> None:
        """Take note of a message out of `needed`."""
        if address.kind == "pitch_bend":
            self._plain[address] = (message[2] << 7 | message[1]) - 8192
        elif address.kind in PLAIN:
            self._plain[address] = message[-1]
        elif address.kind == "cc14":
            self._plain[Address("cc", address.channel, message[1])] = message[2]
            if message[1] == address.number:
                self._plain.pop(_fine_half(address), None)
        else:
            self._hear_numbered(address, message[1], message[2])

    def forget(self, channel: int | None = None) -> None:
        """Know nothing any more, of one channel or of all."""
        for known in (self._plain, self._coarse, self._fine):
            for address in [a for a in known if channel in (None, a.channel)]:
                del known[address]
        for selected in (self._selected, self._selecting):
            for one in [c for c in selected if channel in (None, c)]:
                del selected[one]

    def _halves(self, address: Address) -> tuple[int | None, int | None]:
        if address.kind == "cc14":
            coarse = Address("cc", address.channel, address.number)
            return self._plain.get(coarse), self._plain.get(_fine_half(address))
        return self._coarse.get(address), self._fine.get(address)

    def _two_halves(self, address: Address, value: int) -> list[bytes]:
        has_coarse, has_fine = self._halves(address)
        coarse, fine = divmod(value, 128)
        fine_message = encode.controller(address.channel, address.number + encode.FINE, fine)
        if has_coarse != coarse:
            return [encode.controller(address.channel, address.number, coarse), fine_message]
        return [] if has_fine == fine else [fine_message]

    def _numbered(self, address: Address, value: int) -> list[bytes]:
        if self.value(address) == value:
            return []
        coarse, fine = (value, 0) if address.kind == "nrpn7" else divmod(value, 128)
        messages = self._selection(address.channel, address.number)
        if messages or self._coarse.get(address) != coarse:
            messages.append(encode.controller(address.channel, encode.DATA_COARSE, coarse))
        if address.kind == "nrpn":
            messages.append(encode.controller(address.channel, encode.DATA_FINE, fine))
        return messages

    def _selection(self, channel: int, number: int) -> list[bytes]:
        """What is missing for a parameter to be selected; the coarse half may be there."""
        if self._selected.get(channel) == number:
            return []
        both = encode.parameter_number(channel, number)
        return both[1:] if self._selecting.get(channel) == number >> 7 else both

    def _hear_numbered(self, address: Address, number: int, value: int) -> None:
        channel = address.channel
        if number == encode.NRPN_COARSE:
            self._selected.pop(channel, None)
            self._selecting[channel] = value
        elif number == encode.NRPN_FINE:
            self._selected[channel] = self._selecting.pop(channel) << 7 | value
        elif number == encode.DATA_COARSE:
            self._coarse[address] = value
            self._fine.pop(address, None)
        else:
            self._fine[address] = value


def _fine_half(address: Address) -> Address:
    return Address("cc", address.channel, address.number + encode.FINE)


def _plain(address: Address, value: int) -> bytes:
    if address.kind == "cc":
        return encode.controller(address.channel, address.number, value)
    if address.kind == "pitch_bend":
        return encode.pitch_bend(address.channel, value)
    if address.kind == "pressure":
        return encode.pressure(address.channel, value)
    return encode.poly_pressure(address.channel, address.number, value)
