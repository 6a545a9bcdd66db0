"""Documents of models and presets as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from remapd.control.store.library import Library
from remapd.control.store.library_entry import Entry
from remapd.errors import RemapdError


class PresetDocument(BaseModel):
    """A sound of a synth; the content of a preset's file."""

    name: str
    synth: str
    description: str
    preset: dict[str, float] = Field(description="Value of each parameter of the synth, in its unit.")
    damping: dict[str, float] = Field(description="How far a network may move a parameter, 0 to 1; 1 is left out.")


class PresetRow(BaseModel):
    """A preset of the library."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "open_snare",
                "is_own": False,
                "size_bytes": 812,
                "modified_s": 1767225600.0,
                "synth": "snare808",
                "description": "Long and bright.",
                "problem": None,
            }
        }
    )
    name: str
    is_own: bool = Field(description="Whether it is the user's own; what ships can neither be deleted nor renamed.")
    size_bytes: int
    modified_s: float = Field(description="When it was last written, in seconds since 1970.")
    synth: str | None = Field(description="Null where the file is damaged.")
    description: str | None
    problem: str | None = Field(description="What is wrong with the file; null if nothing is.")


class ModelRow(PresetRow):
    """A model of the library with the most of its card."""

    licence: str | None
    preset: str | None = Field(description="Name of the preset that it brings.")
    features: list[str] = Field(description="What it hears of a hit.")
    network: str | None = Field(description="Kind and sizes of its layers.")
    parameters: int | None = Field(description="How many weights it has.")
    recipe: str | None = Field(description="How it was made.")


class ModelCard(BaseModel):
    """Everything about a model but its weights."""

    model_config = ConfigDict(extra="allow")
    format: int
    name: str = Field(description="As the file has it; the library goes by the name of the file.")
    description: str
    licence: str
    provenance: dict[str, str] = Field(description="What it was made from and how.")
    sample_rate_hz: float
    synth: dict[str, str]
    features: dict[str, Any]
    scaler: dict[str, dict[str, float]]
    preset: PresetDocument
    network: dict[str, Any]


def model_rows(library: Library) -> list[dict[str, Any]]:
    """All models of a library, damaged ones too; reads files."""
    return [_model_row(library, entry) for entry in library.models().values()]


def preset_rows(library: Library) -> list[dict[str, Any]]:
    """All presets of a library, damaged ones too; reads files."""
    return [_preset_row(library, entry) for entry in library.presets().values()]


def entry_members(entry: Entry) -> dict[str, Any]:
    """What is known of a file without reading it."""
    return {
        "name": entry.name,
        "is_own": entry.is_own,
        "size_bytes": entry.size_bytes,
        "modified_s": entry.modified_s,
    }


def _preset_row(library: Library, entry: Entry) -> dict[str, Any]:
    try:
        preset = library.preset(entry.name)
    except RemapdError as error:
        return {**entry_members(entry), "synth": None, "description": None, "problem": str(error)}
    return {**entry_members(entry), "synth": preset.synth, "description": preset.description, "problem": None}


def _model_row(library: Library, entry: Entry) -> dict[str, Any]:
    try:
        model = library.model(entry.name)
    except RemapdError as error:
        nothing = dict.fromkeys(ModelRow.model_fields)
        return {**nothing, "features": [], **entry_members(entry), "problem": str(error)}
    network = model.network
    return {
        **entry_members(entry),
        "synth": model.synth,
        "description": model.description,
        "problem": None,
        "licence": model.licence,
        "preset": model.preset.name,
        "features": list(model.scaler.names),
        "network": f"{network.kind} {'-'.join(str(size) for size in network.sizes)}",
        "parameters": network.parameter_count,
        "recipe": model.provenance.get("recipe") or model.provenance.get("method"),
    }
