"""The sections of the config that are no controls of the tree: settings with range, default and description."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode

from remapd.control.tree import build_tree

_NAME_LENGTH = 63
_LOG_LEVEL = build_tree(())["/log_level"]


def _no_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("Input should be a number")
    return value


def _split(value: Any) -> Any:
    """Names from one text, as the environment and flags have them: ``a, b``."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("Input should be one line of printable characters")
    return value


def _folder(value: Path) -> Path:
    path = Path(_line(str(value))).expanduser()
    if not path.is_absolute():
        raise ValueError("Input should be a path from the root on")
    return path


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("Input should be an address or a network like 192.168.1.0/24") from None
    return value


def _origin(value: str) -> str:
    if not value.startswith(("http://", "https://")) or "/" in value.partition("://")[2] or value != value.lower():
        raise ValueError("Input should be like https://desk.example, in lower case and without a path")
    return value


def _host_name(value: str) -> str:
    if not value or value != value.lower() or any(sign in value for sign in "/@ :*"):
        raise ValueError("Input should be a name like desk.local, in lower case and without a port")
    return value


def _level(value: str) -> str:
    return str(_LOG_LEVEL.check(value, "log.level"))


Whole = Annotated[int, BeforeValidator(_no_switch)]
Number = Annotated[float, BeforeValidator(_no_switch), Field(allow_inf_nan=False)]
Line = Annotated[str, AfterValidator(_line), Field(max_length=300)]
Host = Annotated[Line, Field(min_length=1, max_length=253)]
Port = Annotated[Whole, Field(ge=0, le=65535)]
Folder = Annotated[Path, AfterValidator(_folder)]
Names = Annotated[list[Line], NoDecode, BeforeValidator(_split), Field(max_length=64)]
Networks = Annotated[list[Annotated[str, AfterValidator(_network)]], NoDecode, BeforeValidator(_split)]
Origins = Annotated[list[Annotated[Line, AfterValidator(_origin)]], NoDecode, BeforeValidator(_split)]
Hosts = Annotated[list[Annotated[Line, AfterValidator(_host_name)]], NoDecode, BeforeValidator(_split)]


class Section(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class HttpSection(Section):
    """The web page, REST, WebSocket and OSCQuery."""

    enabled: bool = Field(default=True, description="Whether there is a server at all.")
    host: Host = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every one, which needs a token."
    )
    port: Port = Field(default=8808, description="Port; 0 takes any that is free.")
    token: SecretStr | None = Field(
        default=None,
        description="What each request must bring; one is made if the address can be reached from outside.",
    )
    token_file: Folder | None = Field(default=None, description="File with the token, in place of `token`.")
    require_token: bool = Field(default=False, description="Whether a token is needed on this machine too.")
    allowed_hosts: Hosts = Field(
        default=[], description="Names by which browsers may call this machine, beside its own."
    )
    allowed_origins: Origins = Field(default=[], description="Pages of others that may change things.")
    rate_hz: Number = Field(default=1000.0, ge=1.0, le=100000.0, description="Requests a second from one address.")
    connections: Whole = Field(default=256, ge=1, le=10000, description="Connections at a time.")
    websockets: Whole = Field(default=32, ge=1, le=1000, description="WebSockets at a time.")


class OscSection(Section):
    """OSC messages that come in, and feedback to who sends them."""

    enabled: bool = Field(default=True, description="Whether OSC is listened to.")
    host: Host = Field(
        default="127.0.0.1", description="Address to listen on; beyond this machine only `allow` is heard."
    )
    udp: bool = Field(default=True, description="Whether there is a UDP port.")
    udp_port: Port = Field(default=9000, description="UDP port; 0 takes any that is free.")
    tcp: bool = Field(default=True, description="Whether there is a TCP port.")
    tcp_port: Port = Field(default=9000, description="TCP port; 0 takes any that is free.")
    allow: Networks = Field(
        default=[], max_length=64, description="Addresses or networks beyond this machine that are heard."
    )
    load_models: bool = Field(default=False, description="Whether models may be chosen over OSC.")
    max_ahead_s: Number = Field(
        default=60.0, ge=0.0, le=3600.0, description="How far ahead a bundle may be planned, in s."
    )
    peers: Whole = Field(default=32, ge=1, le=256, description="Peers that get feedback at a time.")
    connections: Whole = Field(default=16, ge=0, le=64, description="TCP connections at a time.")
    expire_s: Number = Field(
        default=60.0, ge=1.0, le=3600.0, description="Silence in s after which feedback over UDP ends."
    )
    idle_s: Number = Field(
        default=0.0, ge=0.0, le=86400.0, description="Silence in s that ends a TCP connection; 0: none does."
    )
    rate_per_s: Whole = Field(default=5000, ge=10, le=100000, description="Values that a peer may change in a second.")


class MidiSection(Section):
    """MIDI that comes in."""

    enabled: bool = Field(default=True, description="Whether MIDI is listened to.")
    virtual_port: Line = Field(
        default="remapd", max_length=_NAME_LENGTH, description="Name of our own port; empty: none."
    )
    ports: Names = Field(
        default=[], description="Parts of the names of ports to listen to, in any case; * is every one."
    )


class DiscoverySection(Section):
    """Announcements by zeroconf, so that controllers find remapd; never of an address of this machine alone."""

    enabled: bool = Field(default=True, description="Whether what can be reached from outside is announced.")
    name: Line = Field(
        default="", max_length=_NAME_LENGTH, description="Name to announce; empty is that of the machine."
    )


class LogSection(Section):
    """What is written to the log."""

    level: Annotated[str, AfterValidator(_level)] = Field(
        default=str(_LOG_LEVEL.default), description=f"{_LOG_LEVEL.description} One of {', '.join(_LOG_LEVEL.choices)}."
    )
    format: Literal["plain", "json"] = Field(default="plain", description="Form of the lines.")


class SessionSection(Section):
    """The state that comes back after a restart."""

    restore: bool = Field(default=True, description="Whether to start with what was set when remapd ended.")
    autosave: bool = Field(default=True, description="Whether what is set is kept.")


class EngineSection(Section):
    """The process that plays."""

    orphan_s: Number = Field(
        default=30.0, ge=0.0, le=3600.0, description="How long it plays on by itself, in s, until control is back."
    )


class PathsSection(Section):
    """Folders, in place of the system's own. Only the environment (REMAPD_PATHS__DATA) holds for every command."""

    data: Folder | None = Field(default=None, description="Models, presets, sessions and recordings.")
    state: Folder | None = Field(default=None, description="The current session and the token.")
    config: Folder | None = Field(default=None, description="Of the config file.")
    runtime: Folder | None = Field(default=None, description="Sockets.")


def range_text(setting: FieldInfo) -> str:
    """Range of a number, or the choices, in words, for help and errors; empty where there is none."""
    if get_origin(setting.annotation) is Literal:
        return " or ".join(get_args(setting.annotation))
    bounds = {type(bound): bound for bound in setting.metadata}
    if Ge not in bounds or Le not in bounds:
        return ""
    kind = "a whole number" if setting.annotation is int else "a number"
    return f"{kind} from {bounds[Ge].ge:g} to {bounds[Le].le:g}"
