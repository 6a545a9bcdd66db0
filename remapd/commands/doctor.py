"""``remapd doctor``: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from remapd.commands._shared import tell_of_compilation

if TYPE_CHECKING:
    from remapd.daemon.health.finding import Check, Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_FAILED = 1


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON document in place of the list.")
def command(as_json: bool) -> None:
    """Check Python, the compiled code, audio, MIDI, the config and real-time rights.

    Ends with status 1 only if remapd cannot do its job here at all; a warning is a part that is missing or slower.
    """
    if not as_json:
        tell_of_compilation()
    findings: list[Finding] = []
    for finding in _findings():
        findings.append(finding)
        if not as_json:
            _show(finding)
    is_well = all(finding.status != "fail" for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": is_well, "findings": [finding.as_dict() for finding in findings]}, indent=2))
    sys.exit(0 if is_well else _FAILED)


def _findings() -> Iterator[Finding]:
    from remapd.daemon.health import audio, config, midi, models, self_test, system

    checks: list[Check] = [
        system.check_python,
        system.check_cache,
        self_test.check_engine,
        audio.check_audio,
        midi.check_midi,
        models.check_models,
        config.check_config,
        system.check_priority,
        system.check_memory,
        system.check_cpu,
    ]
    for check in checks:
        yield from check()


def _show(finding: Finding) -> None:
    click.echo(f"{click.style(f'{finding.status:5}', fg=_COLOURS[finding.status])} {finding.topic}: {finding.text}")
    if finding.remedy:
        click.echo(f"      -> {finding.remedy}")
