"""``remapd midi monitor``: the messages that come in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from remapd.commands.midi._rtmidi import load_rtmidi

if TYPE_CHECKING:
    from remapd.control.midi.messages import Movement
    from remapd.control.midi.ports import Ports

#: Name of the port to which others connect.
OWN_PORT = "monitor"
_POLL_S, _SCAN_S = 0.002, 0.5
_MESSAGES_AT_ONCE = 256


@click.command("monitor")
@click.argument("port", required=False)
@click.option("--count", metavar="N", type=click.IntRange(1), help="End after so many messages.")
def monitor(port: str | None, count: int | None) -> None:
    """Show each MIDI message that comes in, until Ctrl-C.

    PORT is a part of the names of ports to listen to, those of sinks of ours as well; they may come and go. Without one
    a port named `monitor` is made, for others to connect to. What several messages say together, such as the two
    halves of a value or a numbered parameter, is told in a line of its own that begins with `=`.
    """
    from remapd.audio.jack_watch import JackWatch
    from remapd.audio.midi_interface import MidiUnavailableError
    from remapd.audio.portaudio_library import silenced_stderr
    from remapd.commands._shared import terminated_like_interrupted
    from remapd.control.midi.ports import CLIENT_NAME, Ports
    from remapd.errors import RemapdError

    rtmidi = load_rtmidi()
    try:
        with silenced_stderr():
            ports = Ports(rtmidi, "" if port else OWN_PORT, (port,) if port else ())
    except MidiUnavailableError as error:
        raise RemapdError(f"there is no MIDI: {error}") from None
    watch = JackWatch(f"{CLIENT_NAME}-monitor-watch") if ports.interface.casefold() == "jack" else None
    shown = Shown(ports, count)
    try:
        with terminated_like_interrupted():
            shown.run(lambda: watch is not None and watch.ended.is_set())
    except KeyboardInterrupt:
        pass
    if watch is not None and watch.ended.is_set():
        raise RemapdError("the JACK server ended")
    if watch is not None:
        watch.close()
    ports.close()
    click.echo(f"remapd: {shown.messages} messages", err=True)


class Shown:
    """Shows what comes, and counts it.

    Parameters
    ----------
    ports : Ports
        Where it comes from.
    count : int, optional
        After so many messages it is enough.
    """

    def __init__(self, ports: Ports, count: int | None = None) -> None:
        from remapd.control.midi.decoder import Decoder

        self._ports, self._count = ports, count
        self._decoder = Decoder()
        self._open: list[str] | None = None
        self._next_scan_s = float("-inf")
        self.messages = 0

    def run(self, is_over: Callable[[], bool]) -> None:
        """Show what comes until it is enough or over."""
        while not is_over() and not self._is_enough():
            now_s = time.monotonic()
            if now_s >= self._next_scan_s:
                self._next_scan_s = now_s + _SCAN_S
                self._scan()
            for port, messages in self._ports.drain(_MESSAGES_AT_ONCE).items():
                for message in messages:
                    self._show(port, message, now_s)
            self._show_movements(self._decoder.flush(now_s))
            time.sleep(_POLL_S)

    def _scan(self) -> None:
        """Say to what is listened when that has changed."""
        self._ports.scan()
        if self._ports.open != self._open:
            self._open = self._ports.open
            listened = ", ".join(self._open) or "no port yet; there is " + (", ".join(self._ports.available) or "none")
            click.echo(f"remapd: listening to {listened} ({self._ports.interface})", err=True)
            for name, fault in self._ports.faults.items():
                click.echo(f"remapd: {name}: {fault}", err=True)

    def _show(self, port: str, message: bytes, now_s: float) -> None:
        from remapd.commands.midi.text import text_of

        if self._is_enough():
            return
        self.messages += 1
        click.echo(f"{_clock()} {self._prefix(port)}{text_of(message)}")
        self._show_movements(self._decoder.decode(message, port, now_s))

    def _show_movements(self, movements: list[Movement]) -> None:
        for movement in movements:
            is_whole = movement.kind in ("nrpn", "rpn") or (movement.kind == "cc14" and movement.fine)
            if is_whole:
                moved = f"{movement.steps:+d} steps" if movement.steps else f"{100.0 * movement.position:.2f} %"
                name = f"{movement.kind} {movement.number}"
                where = f"{self._prefix(movement.port)}channel {movement.channel:2}"
                click.echo(f"{_clock()} {where}  = {name}: {moved} of its way")

    def _prefix(self, port: str) -> str:
        """The port's name, if there are several."""
        return f"{port}  " if len(self._open or ()) > 1 else ""

    def _is_enough(self) -> bool:
        return self._count is not None and self.messages >= self._count


def _clock() -> str:
    """Time of the day to the ms."""
    now_s = time.time()
    return time.strftime("%H:%M:%S", time.localtime(now_s)) + f".{int(now_s * 1e3) % 1000:03d}"
