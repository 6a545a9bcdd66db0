"""``remapd osc monitor``: the messages that arrive at a port."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from remapd.osc.listener import Arrival, Listener


@click.command("monitor")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all of them.")
@click.option("--port", default=9001, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 is a free one.")
@click.option("--tcp", is_flag=True, help="TCP in place of UDP, in either framing.")
@click.option("--count", metavar="N", type=click.IntRange(1), help="End after so many messages.")
def monitor(host: str, port: int, tcp: bool, count: int | None) -> None:
    """Show each OSC message that arrives in a line of its own, until Ctrl-C.

    A line has the time, who sent it, how far ahead its time tag was (- without one, now for one that asks for no
    delay), its address, its types and its arguments. What is no OSC is told on standard error.
    """
    from remapd.commands._shared import terminated_like_interrupted
    from remapd.osc.listener import Listener

    listener = Listener(host, port, tcp)
    click.echo(f"remapd: listening on {listener.address}, {'TCP' if tcp else 'UDP'}", err=True)
    shown = Shown(count)
    try:
        with terminated_like_interrupted():
            shown.all_of(listener)
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()
    click.echo(f"remapd: {shown.summary(listener.dropped)}", err=True)


class Shown:
    """Shows what comes, and counts it.

    Parameters
    ----------
    count : int, optional
        After so many messages it is enough.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = count
        self.messages = self.packets = self.faults = 0

    def all_of(self, listener: Listener) -> None:
        """Show what comes until it is enough."""
        for arrival in listener.arrivals():
            self.show(arrival)
            if self._is_enough():
                return

    def show(self, arrival: Arrival) -> None:
        """Show the messages of a packet, or say why there are none."""
        from remapd.errors import FieldError
        from remapd.osc.lines import line_of, tagged_messages

        try:
            messages = tagged_messages(arrival.data) if not arrival.fault else []
            fault = arrival.fault
        except FieldError as error:
            messages, fault = [], str(error)
        if fault:
            self.faults += 1
            click.echo(f"{_clock(arrival.time_s)} {arrival.source} not OSC: {fault}", err=True)
            return
        self.packets += 1
        for tagged in messages:
            if not self._is_enough():
                self.messages += 1
                click.echo(f"{_clock(arrival.time_s)} {arrival.source} {line_of(tagged, arrival.time_s)}")

    def summary(self, dropped: int) -> str:
        """Say how much it was."""
        parts = [f"{self.messages} messages in {self.packets} packets"]
        parts += [f"{self.faults} that were no OSC"] if self.faults else []
        parts += [f"{dropped} that the system dropped"] if dropped else []
        return ", ".join(parts)

    def _is_enough(self) -> bool:
        return self._count is not None and self.messages >= self._count


def _clock(time_s: float) -> str:
    """Time of the day to the microsecond."""
    return time.strftime("%H:%M:%S", time.localtime(time_s)) + f".{int(time_s * 1e6) % 1_000_000:06d}"
