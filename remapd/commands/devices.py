"""``remapd devices``: the audio devices of this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from remapd.audio.devices import Device, HostApi


@click.command("devices")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the list.")
@click.option("--rates/--no-rates", default=True, show_default=True, help="Ask each device which rates it takes.")
def command(as_json: bool, rates: bool) -> None:
    """List audio devices by host API, with their channels, rates and latency.

    The number in brackets, or a part of the name that no other device has, is what `remapd run --device` takes.
    """
    from remapd.audio.devices import list_host_apis, supported_rates

    host_apis = list_host_apis()
    known = {d.index: supported_rates(d) for api in host_apis for d in api.devices} if rates else {}
    if as_json:
        click.echo(json.dumps([_as_dict(api, known) for api in host_apis], indent=2))
        return
    for line in device_lines(host_apis, known):
        click.echo(line)


def device_lines(host_apis: list[HostApi], rates: dict[int, tuple[int, ...]]) -> list[str]:
    """Format the devices as lines of text; `rates` holds supported rates in Hz by index of the device."""
    lines = []
    for api in host_apis:
        lines.append(f"{api.name}{'' if api.devices else ': no devices'}")
        width = max((len(device.name) for device in api.devices), default=0)
        lines += [_line(device, width, rates.get(device.index)) for device in api.devices]
    if not any(api.devices for api in host_apis):
        lines.append("No device was found; remapd doctor says why, and --backend virtual works without one.")
    return lines


def _line(device: Device, width: int, rates: tuple[int, ...] | None) -> str:
    default = [name for name in ("input", "output") if name in _defaults(device)]
    columns = [
        f"  [{device.index}]",
        f"{device.name:{width}}",
        f"{device.inputs:2} in, {device.outputs:2} out",
        _rate_text(device, rates),
        f"{device.input_latency_ms:.1f} ms in, {device.output_latency_ms:.1f} ms out",
        f"default {' and '.join(default)}" if default else "",
    ]
    return "  ".join(columns).rstrip()


def _defaults(device: Device) -> list[str]:
    return ["input"] * device.is_default_input + ["output"] * device.is_default_output


def _rate_text(device: Device, rates: tuple[int, ...] | None) -> str:
    shown = rates or [device.default_sample_rate]
    return "/".join(f"{rate / 1000.0:g}" for rate in shown) + " kHz"


def _as_dict(api: HostApi, rates: dict[int, tuple[int, ...]]) -> dict[str, object]:
    devices = [{**device.as_dict(), "sample_rates": list(rates.get(device.index, ()))} for device in api.devices]
    return {"host_api": api.name, "devices": devices}
