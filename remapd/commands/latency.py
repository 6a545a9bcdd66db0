"""``remapd latency``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from remapd.commands._shared import sound_options, tell_of_compilation, terminated_like_interrupted, track_setup

if TYPE_CHECKING:
    from remapd.latency.session import Measurement

_CHANNELS = 2


@click.command("latency")
@sound_options
@click.option("--device", metavar="NAME|INDEX", help="Input and output device, by part of the name or index.")
@click.option("--host-api", metavar="NAME", help="ALSA, JACK, Core Audio, WASAPI...; JACK if its server runs.")
@click.option("--sample-rate", type=float, metavar="HZ", help="In Hz; by default what suits the device.")
@click.option("--block-size", type=int, help="In frames, 64 by default; a JACK server has its own.")
@click.option("--clicks", "count", type=click.IntRange(3, 1000), default=50, show_default=True, help="How many.")
@click.option("--connect", is_flag=True, help="Connect the ports in JACK, in place of a cable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the table.")
def command(
    model: str,
    preset: str | None,
    settings: tuple[str, ...],
    device: str | None,
    host_api: str | None,
    sample_rate: float | None,
    block_size: int | None,
    count: int,
    connect: bool,
    as_json: bool,
) -> None:
    """Measure the latency of a device and of all that remapd adds: clicks out, through a cable, and in again.

    Connect output 1 to input 1; clicks are played there, loud: turn loudspeakers down. With a second cable from output
    2 to input 2 the synthesiser's sound is measured too. The daemon must not use the device meanwhile.
    """
    if not as_json:
        tell_of_compilation()
    from remapd.audio.backend import StreamSettings
    from remapd.demo.signals import stop_signals
    from remapd.latency.session import measure

    given = {"sample_rate": sample_rate, "block_size": block_size}
    stream = StreamSettings(
        host_api=host_api or ("JACK" if connect else None),
        input_device=device,
        output_device=device,
        input_channels=_CHANNELS,
        output_channels=_CHANNELS,
    ).changed(**{name: value for name, value in given.items() if value is not None})
    setup = track_setup(model, preset, settings)
    with terminated_like_interrupted(), stop_signals() as stop:
        measurement = measure(stream, setup, count, connect, stop)
    click.echo(json.dumps(_document(measurement), indent=2) if as_json else "\n".join(_lines(measurement)))


def _document(measurement: Measurement) -> dict[str, object]:
    """All figures, for programs."""
    rows = {row.stage: {k: v for k, v in asdict(row).items() if k != "stage"} for row in measurement.rows}
    return {**asdict(measurement), "rows": rows}


def _lines(measurement: Measurement) -> list[str]:
    """All figures, for people."""
    from remapd.latency.budget import STAGES

    stream, rate = measurement.stream, measurement.stream.sample_rate
    block = measurement.block_frames
    block_text = f"blocks of {block} frames ({1e3 * block / rate:.2f} ms)"
    lines = [
        f"{stream.output_name} -> {stream.input_name}: {rate:g} Hz, {block_text}",
        f"{measurement.clicks} clicks played, {measurement.arrived} came in, the engine heard {measurement.heard} hits",
        "",
        f"{'ms':12}{'p50':>9}{'p99':>9}{'max':>9}{'jitter':>9}",
    ]
    for row in measurement.rows:
        figures = "".join(f"{value:9.3f}" for value in (row.p50, row.p99, row.maximum, row.jitter))
        lines.append(f"{row.stage:12}{figures}  {STAGES[row.stage]}")
    if not measurement.second_cable:
        lines.append("(output 2 was not heard on input 2, so the synthesiser's sound itself was not measured)")
    return lines
