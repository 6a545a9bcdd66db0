"""The OSC server: one receiver behind a UDP port, a TCP port, and whoever else brings packets."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable

from remapd.control.controller import Controller
from remapd.control.osc.allowed import hearing
from remapd.control.osc.counters import Counters
from remapd.control.osc.limits import TokenBucket
from remapd.control.osc.peer import Guest
from remapd.control.osc.receiver import Receiver
from remapd.control.osc.settings import OscSettings
from remapd.control.osc.tcp import TcpPort
from remapd.control.osc.udp import UdpPort
from remapd.errors import RemapdError

#: Guests that are remembered, for what they have left to send.
MAX_GUESTS = 64

_log = logging.getLogger("remapd.osc")


class OscServer:
    """Lets the tree be changed, read and followed over OSC.

    Parameters
    ----------
    controller : Controller
        What is changed and read.
    settings : OscSettings
        Where to listen, and to whom.

    Attributes
    ----------
    counters : Counters
        What came so far.
    """

    def __init__(self, controller: Controller, settings: OscSettings) -> None:
        self._controller, self._settings = controller, settings
        self.counters = Counters()
        self._receiver = Receiver(controller, settings.max_ahead_s, self.counters)
        self._udp = UdpPort(controller, self._receiver, settings, self.counters)
        self._tcp = TcpPort(controller, self._receiver, settings, self.counters)
        self._guests: OrderedDict[Hashable, Guest] = OrderedDict()

    @property
    def host(self) -> str:
        """Address on which it listens."""
        return self._settings.host

    @property
    def udp_port(self) -> int | None:
        """The UDP port; None if it is closed."""
        return self._udp.port

    @property
    def tcp_port(self) -> int | None:
        """The TCP port; None if it is closed."""
        return self._tcp.port

    def counts(self) -> dict[str, int]:
        """What came so far, and what there is at the moment, by name."""
        now = {"waiting": self._receiver.waiting, "peers": len(self._udp.peers), "connections": len(self._tcp)}
        return {**self.counters.as_dict(), **now}

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        RemapdError
            If a port cannot be had.
        """
        self._receiver.start()
        if not self._settings.enabled:
            return
        try:
            for port, wanted, name in (
                (self._udp, self._settings.udp, "udp"),
                (self._tcp, self._settings.tcp, "tcp"),
            ):
                if wanted:
                    await self._open(port, name)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Listen no more, and forget everybody."""
        await self._udp.stop()
        await self._tcp.stop()
        await self._receiver.stop()

    def receive(self, data: bytes, source: Hashable, reply: Callable[[bytes], None]) -> None:
        """Do what a packet says that came by other means; never raises.

        Parameters
        ----------
        data : bytes
            The packet.
        source : hashable
            Who sent it; changes are made in its name, and what it may send in a second is limited.
        reply : callable
            Takes each packet that answers it.
        """
        guest = self._guest(source, reply)
        if guest.budget.wait_s() > 0.0:
            self.counters.over_rate += 1
        else:
            self._receiver.receive(data, guest)

    def _guest(self, source: Hashable, reply: Callable[[bytes], None]) -> Guest:
        guest = self._guests.pop(source, None)
        if guest is None or guest.send != reply:
            rate_per_s = self._settings.rate_per_s
            guest = Guest(self._controller, self._receiver.post, source, reply, TokenBucket(rate_per_s, rate_per_s))
        self._guests[source] = guest
        if len(self._guests) > MAX_GUESTS:
            self._guests.popitem(last=False)
        return guest

    async def _open(self, port: UdpPort | TcpPort, name: str) -> None:
        try:
            await port.start()
        except OSError as error:
            wanted = self._settings.udp_port if name == "udp" else self._settings.tcp_port
            reason = error.strerror or str(error)
            raise RemapdError(
                f"OSC cannot listen on {self.host} port {wanted} ({name}): {reason}; "
                f"set osc.{name}_port, or osc.{name} = false"
            ) from None
        _log.info("OSC listens on %s port %s (%s)", self.host, port.port, name)
        if port.host is not None and not hearing([])(port.host) and not self._settings.allow:
            _log.warning("OSC listens on %s and hears this machine alone; osc.allow names others", self.host)
