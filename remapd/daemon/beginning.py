"""What a daemon begins with: the engine that plays already, if one does, and what holds of all that is said."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from remapd.audio.backend import StreamSettings
from remapd.control.controller import Controller
from remapd.control.device import changed_stream
from remapd.control.plans import misfits, plan_once
from remapd.control.settings.config import Config
from remapd.control.sinks.starting import starting_sinks
from remapd.control.sounds import Sounds
from remapd.control.store.session_files import kept_aside, read_with_backup
from remapd.daemon.adoption import Orphan, find_orphan
from remapd.daemon.startup import Flags, starting_values
from remapd.engine.layout import MAX_TRACKS
from remapd.errors import RemapdError
from remapd.mapping.default_model import DEFAULT_MODEL
from remapd.mapping.library import load_model_named

_BACKEND = "/device/backend"
NO_FLAGS = Flags()


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a daemon begins with.

    Parameters
    ----------
    orphan : Orphan or None
        The engine that plays already.
    stream : StreamSettings
        The device.
    session : dict
        All that holds, as the controller begins with it.
    values : dict
        Values of the session that was found.
    has_left_out : bool
        Whether sinks of the session had to be left out.
    notes : list of str
        What is to be told of all this.
    """

    orphan: Orphan | None
    stream: StreamSettings
    session: dict[str, Any]
    values: Mapping[str, object]
    has_left_out: bool
    notes: list[str]

    def take_up(self, controller: Controller, sounds: Sounds, config: Config) -> list[str]:
        """Have the controller begin so; returns what had to be replaced, of which the file is kept aside."""
        replaced = controller.begin(self.session)
        if self.has_left_out or (replaced and misfits(self.values, sounds)):
            replaced.append(kept_aside(config.directories().session_file))  # It is soon written anew.
        return replaced


def find_beginning(
    config: Config, flags: Flags, fixed: Mapping[str, Any], fresh: bool, resumes: bool, built: ExitStack
) -> Beginning:
    """Look for an engine that plays on and for the session, and bring together what is said where.

    Parameters
    ----------
    config, flags, fixed, fresh
        As `Daemon` takes them.
    resumes : bool
        Whether the last daemon was ended against its will.
    built : ExitStack
        Gets what must be undone if the daemon cannot be built.
    """
    orphan = find_orphan(config.directories().runtime)
    notes = []
    if orphan is not None:
        built.callback(orphan.leave)
        notes.append("took over the engine that played on")
    session, more = _session(config, fresh)
    plays_on = orphan is not None and not fresh
    if plays_on and replace(flags, sinks=()) != NO_FLAGS:
        notes.append("it plays as it did: options of device and tracks do not hold; with --fresh they would")
    values = starting_values(config.values(), session["values"], flags, resumes or plays_on, plays_on)
    synths = _synths(values) if config.sinks else {}
    sinks, left_out = starting_sinks(config.sinks, session.get("sinks"), resumes or plays_on, synths)
    stream = _stream(values, fixed, orphan.spec.stream if orphan is not None and plays_on else None)
    whole = {**session, "values": values, "sinks": sinks}
    return Beginning(orphan, stream, whole, session["values"], bool(left_out), [*notes, *more, *left_out])


def _session(config: Config, fresh: bool) -> tuple[dict[str, Any], list[str]]:
    """The session to go on from, always with values, and what has to be told of it."""
    if not config.session.restore or fresh:
        return {"values": {}}, []
    session, notes = read_with_backup(config.directories().session_file)
    found = session or {}
    values = found.get("values")
    return {**found, "values": values if isinstance(values, dict) else {}}, notes


def _synths(values: Mapping[str, object]) -> dict[int, str]:
    """Synthesiser of each track, as far as its model can be loaded."""
    models = {number: str(values.get(f"/track/{number}/model", DEFAULT_MODEL)) for number in range(1, MAX_TRACKS + 1)}
    found = {}
    for name in set(models.values()):
        with contextlib.suppress(RemapdError):
            found[name] = load_model_named(name).synth
    return {number: found[name] for number, name in models.items() if name in found}


def _stream(values: Mapping[str, object], fixed: Mapping[str, Any], playing: StreamSettings | None) -> StreamSettings:
    """The device that values ask for, with the rest from what plays already; what does not fit has its default."""
    once, _ = plan_once({path: value for path, value in values.items() if path.startswith("/device/")}, lenient=True)
    return changed_stream(playing or StreamSettings(backend=str(once[_BACKEND]), **fixed), once)
