"""The config: what the daemon starts with, from flags, the environment, a file and the defaults, in this order.

The environment names settings like ``REMAPD_HTTP__PORT``; the file is ``remapd.toml`` in the system's folder for
settings. A variable that is empty says nothing. A key that there is not is refused, with the one that may have been
meant.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from remapd.control.jobs.limits import JOB_LIMITS
from remapd.control.recordings.limits import RECORDING_LIMITS
from remapd.control.settings.directories import CONFIG_NAME, Directories, directories
from remapd.control.settings.errors import DELIMITER, PREFIX, field_error, refuse_unknown_variables
from remapd.control.settings.sections import (
    DiscoverySection,
    EngineSection,
    HttpSection,
    LogSection,
    MidiSection,
    OscSection,
    PathsSection,
    SessionSection,
)
from remapd.control.settings.values import ControlValues, track_values
from remapd.control.sinks.starting import config_sinks
from remapd.control.tree import Value, build_tree, numeric
from remapd.engine.layout import MAX_TRACKS
from remapd.errors import ConfigError, FieldError
from remapd.fields import shown
from remapd.files import read_capped
from remapd.parameters import ParameterTable

MAX_FILE_BYTES = 256 * 1024

DEVICE = ControlValues("device", build_tree(()).under("/device"))
MIX = ControlValues("mix", [control for control in build_tree(()).values() if control.setting])


def _table(table: ParameterTable) -> ControlValues:
    """Section whose settings are the parameters of a table."""
    return ControlValues(table.name, [numeric(f"/{table.name}/{parameter.name}", parameter) for parameter in table])


RECORDINGS, JOBS = _table(RECORDING_LIMITS), _table(JOB_LIMITS)

Values = dict[str, Any]


def _empty() -> Values:
    return {}


class Config(BaseSettings):
    """Everything the daemon starts with; checked as it is made.

    Attributes
    ----------
    device, mix : dict
        Values that are given of the controls below ``/device`` and of those of the mix, by name.
    track : list of dict
        For each track the values that are given, by their path below ``/track/N/``.
    sinks : list of dict
        Documents of sinks, each with a name.
    recordings, jobs : dict
        All limits of recordings and training jobs by name.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        extra="forbid",
        frozen=True,
        validate_default=True,
        env_ignore_empty=True,
    )

    http: HttpSection = HttpSection()
    osc: OscSection = OscSection()
    midi: MidiSection = MidiSection()
    discovery: DiscoverySection = DiscoverySection()
    device: Annotated[Values, BeforeValidator(DEVICE)] = Field(default_factory=_empty, description="The audio device.")
    mix: Annotated[Values, BeforeValidator(MIX)] = Field(default_factory=_empty, description="What all tracks go to.")
    track: list[Values] = Field(default_factory=list, max_length=MAX_TRACKS, description="A track; there may be more.")
    sinks: list[Values] = Field(
        default_factory=list, description="Where hits are sent as OSC or MIDI; there may be more."
    )
    recordings: Annotated[Values, BeforeValidator(RECORDINGS)] = Field(
        default_factory=_empty, description="Recordings of the input, and uploads."
    )
    jobs: Annotated[Values, BeforeValidator(JOBS)] = Field(default_factory=_empty, description="Training jobs.")
    session: SessionSection = SessionSection()
    engine: EngineSection = EngineSection()
    log: LogSection = LogSection()
    paths: PathsSection = PathsSection()

    @field_validator("recordings")
    @classmethod
    def _all_recordings(cls, given: Values) -> Values:
        return RECORDINGS.defaults() | given

    @field_validator("jobs")
    @classmethod
    def _all_jobs(cls, given: Values) -> Values:
        return JOBS.defaults() | given

    @field_validator("track", mode="before")
    @classmethod
    def _checked_tracks(cls, given: object) -> object:
        if not isinstance(given, Sequence) or isinstance(given, str):
            raise FieldError("track", "tracks, each begun by [[track]]", given)
        return [track_values(track, f"track.{number}") for number, track in enumerate(given, 1)]

    @field_validator("sinks", mode="before")
    @classmethod
    def _checked_sinks(cls, given: object) -> object:
        return config_sinks(given)

    def values(self) -> dict[str, Value]:
        """Value by path of the tree for every control of which something is said."""
        values: dict[str, Value] = {f"/device/{name}": value for name, value in self.device.items()}
        values |= {f"/{name}": value for name, value in self.mix.items()}
        if "level" in self.log.model_fields_set:
            values["/log_level"] = self.log.level
        for number, track in enumerate(self.track, 1):
            values |= {f"/track/{number}/{path}": value for path, value in track.items()}
        return values

    def directories(self) -> Directories:
        """Folders: those that are named here, else the system's own."""
        return directories(self.paths.config, self.paths.data, self.paths.state, self.paths.runtime)


def load_config(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read the config.

    Parameters
    ----------
    path : Path, optional
        The file; by default `config_path`, which need not exist.
    overrides : mapping, optional
        What flags say, by section and name; it wins over all else.

    Raises
    ------
    ConfigError
        If the file cannot be read or is no TOML.
    FieldError
        If a key is unknown or a value does not fit; `field` names it (``http.port``).
    """
    document = _document(path)
    refuse_unknown_variables(os.environ, Config.model_fields)

    class Loaded(Config):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, document)

    try:
        return Loaded(**(overrides or {}))
    except ValidationError as error:
        raise field_error(error.errors(include_url=False)[0], Config.model_fields) from None
    except SettingsError as error:
        raise ConfigError(f"the environment: {error}, which is no JSON text") from None


def config_path() -> Path:
    """The config file of this user; it need not exist."""
    chosen = os.environ.get(f"{PREFIX}PATHS{DELIMITER}CONFIG")
    return (Path(chosen) if chosen else directories().config) / CONFIG_NAME


def _document(path: Path | None) -> dict[str, Any]:
    if path is None:
        path = config_path()
        if not os.path.lexists(path):
            return {}
    content = read_capped(path, MAX_FILE_BYTES, "config")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"config {str(path)!r} is no TOML text: {shown(str(error), 200)}") from None
