"""The config as TOML: as an example with every setting explained, and as it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from remapd.control.settings.config import Config
from remapd.control.settings.sections import range_text
from remapd.control.settings.values import ControlValues

#: Sections of which there may be several, with an example of one.
_SEVERAL = {
    "track": """\
#[[track]]
#model = "snare_1"
#input_channel = 1
#gain_db = -3.0
#onset.hold_ms = 12.0
#osc1.freq = 180.0
#depth.osc1.freq = 0.5""",
    "sinks": """\
#[[sinks]]
#kind = "osc"
#host = "127.0.0.1"
#port = 57110
#form = "supercollider"
#tracks = [1]
#[[sinks]]
#kind = "midi"
#port = "TR-8S"
#profile = "roland-tr-8s"
#instrument = "BD"
""",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, for people.

    Parameters
    ----------
    name : str
        Its name in the section.
    description : str
        One sentence.
    limits : str
        What it may be, in words; may be empty.
    default : object
        What it is unless told otherwise; None for nothing.
    """

    name: str
    description: str
    limits: str
    default: object


def settings_of(section: str) -> list[Setting]:
    """All settings of a section, from where they are declared."""
    field = Config.model_fields[section]
    checks = _checks(field)
    if checks is not None:
        return [
            Setting(name, control.description, _control_limits(control.parameter, control.choices), control.default)
            for name, control in checks.controls.items()
        ]
    fields: Mapping[str, FieldInfo] = getattr(field.annotation, "model_fields", {})
    return [
        Setting(n, f.description or "", range_text(f), f.get_default(call_default_factory=True))
        for n, f in fields.items()
    ]


def example_text() -> str:
    """Every setting with its default, commented out: what is left so follows the version that reads it."""
    lines = ["# Settings of remapd. A line that begins with # holds its default; take the # away to change it."]
    for name, field in Config.model_fields.items():
        lines += ["", *_comment(_section_text(field))]
        lines += [_SEVERAL[name].rstrip()] if name in _SEVERAL else [f"[{name}]", *_example_lines(name)]
    return "\n".join(lines) + "\n"


def effective_text(config: Config) -> str:
    """Every setting as it holds, without secrets; of a control, unless the session says otherwise."""
    lines: list[str] = []
    for name, value in config_document(config).items():
        if name in _SEVERAL:
            for one in value:
                lines += [f"[[{name}]]", *_value_lines(one), ""]
        else:
            lines += [f"[{name}]", *_value_lines(value), ""]
    return "\n".join(lines)


def config_document(config: Config) -> dict[str, Any]:
    """The config as plain values, without secrets and what is not set."""
    given = {name: _plain(getattr(config, name)) for name in Config.model_fields}
    for name, field in Config.model_fields.items():
        checks = _checks(field)
        if checks is not None:
            given[name] = checks.defaults() | given[name]
    return given | {"paths": _plain(config.directories())}


def _section_text(field: FieldInfo) -> str:
    return field.description or (field.annotation.__doc__ if field.annotation is not None else None) or ""


def _checks(field: FieldInfo) -> ControlValues | None:
    for part in field.metadata:
        if isinstance(part, BeforeValidator) and isinstance(part.func, ControlValues):
            return part.func
    return None


def _control_limits(parameter: Any, choices: tuple[str, ...]) -> str:
    return parameter.range_text() if parameter is not None else ", ".join(choices)


def _example_lines(section: str) -> Iterator[str]:
    for setting in settings_of(section):
        limits = f" ({setting.limits})" if setting.limits else ""
        yield from _comment(setting.description.rstrip(".") + limits + ".")
        yield f"#{_assignment(setting.name, setting.default)}" if setting.default is not None else f"#{setting.name} ="


def _comment(text: str) -> list[str]:
    return [f"# {' '.join(text.split())}"]


def _value_lines(values: Mapping[str, Any]) -> list[str]:
    return [_assignment(name, value) for name, value in values.items()]


def _assignment(name: str, value: object) -> str:
    key = name if name.replace("_", "").isalnum() else json.dumps(name)
    return f"{key} = {_inline(_plain(value))}"


def _inline(value: Any) -> str:
    """Value as TOML has it in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(_assignment(name, inner) for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.__dict__)
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {
            str(name): _plain(inner)
            for name, inner in value.items()
            if inner is not None and not isinstance(inner, SecretStr)
        }
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
