"""``remapd profiles import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remapd.errors import FieldError

if TYPE_CHECKING:
    from remapd.sinks.profiles.csv_import import Imported
    from remapd.sinks.profiles.profile import Profile

_FILE = click.Path(path_type=Path, readable=False)
_SHOWN = 20


@click.command("import")
@click.argument("source", type=_FILE, metavar="FILE.csv")
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="By default NAME.toml in your own folder.")
@click.option("--name", default="", metavar="NAME", help="Name of the profile; by default maker and device.")
@click.option("--channel", default=10, show_default=True, help="MIDI channel, which the table does not say.")
@click.option("--note", default=38, show_default=True, help="Note of the drum, which the table does not say.")
@click.option("--nrpn", is_flag=True, help="Use the NRPN of a line that has a controller too.")
@click.option("--skip-bad", is_flag=True, help="Leave out lines that do not fit, in place of refusing the table.")
@click.option("--licence", metavar="TEXT", help="Of the table; by default that of midi.guide, CC-BY-SA-4.0.")
@click.option("--attribution", metavar="TEXT", help="Who made the table; by default midi.guide.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def import_profile(
    source: Path,
    output: Path | None,
    name: str,
    channel: int,
    note: int,
    nrpn: bool,
    skip_bad: bool,
    licence: str | None,
    attribution: str | None,
    force: bool,
) -> None:
    """Make a profile of a table of controllers as midi.guide has them (https://midi.guide, folder by maker, CSV).

    Each line is checked, and those that do not fit are named. What of a hit moves what is not in such a table: the file
    ends with a line for each control that you complete. Licence and attribution of the table are kept.
    """
    from remapd.files import read_capped
    from remapd.sinks.profiles.csv_import import ATTRIBUTION, LICENCE, ImportSettings, import_table, refuse
    from remapd.sinks.profiles.csv_table import MAX_FILE_BYTES

    settings = ImportSettings(
        name=name,
        channel=channel,
        note=note,
        licence=LICENCE if licence is None else licence,
        attribution=ATTRIBUTION if attribution is None else attribution,
        prefers_nrpn=nrpn,
        skips_bad=skip_bad,
    )
    imported = import_table(read_capped(source, MAX_FILE_BYTES, "table"), source.name, settings)
    if imported.profile is None:
        if len(imported.problems) > 1:  # One alone is in the refusal.
            _tell(imported)
        raise refuse(imported, source.name)
    _tell(imported)
    profile = imported.profile
    path = _write(profile, output, force)
    count = len(profile.instruments[0].controls)
    click.echo(f"{click.format_filename(path)}: {profile.title}, {count} controls, no mappings yet")
    click.echo(
        "It plays notes alone until you complete the lines at its end: which number of a hit moves which control."
    )
    click.echo(f"Then: remapd profiles verify {click.format_filename(path)}")
    click.echo("An example of such lines: remapd profiles show roland-tr-8s --toml")


def _tell(imported: Imported) -> None:
    """Name the lines that do not fit, and what was left out of others."""
    wrong = "left out" if imported.profile else "does not fit"
    for kind, problems in ((wrong, imported.problems), ("note", imported.remarks)):
        for problem in problems[:_SHOWN]:
            click.echo(f"remapd: {kind}: {problem}", err=True)
        if len(problems) > _SHOWN:
            click.echo(f"remapd: {kind}: {len(problems) - _SHOWN} more", err=True)


def _write(profile: Profile, output: Path | None, force: bool) -> Path:
    from remapd.files import make_folder, replace_file
    from remapd.sinks.profiles.csv_import import template
    from remapd.sinks.profiles.library import SHIPPED, profile_from, user_folder
    from remapd.sinks.profiles.writing import profile_text

    path = output or user_folder() / f"{profile.name}.toml"
    if path.exists() and not force:
        raise FieldError("output", "a file that is not there yet, or --force", str(path))
    if output is None and (SHIPPED / path.name).exists() and not force:
        raise FieldError("--name", "another name, as it would hide a profile that ships, or --force", profile.name)
    content = profile_text(profile, template(profile)).encode()
    # What is written can be read.
    profile_from(content, profile.name, str(path))
    if output is None:
        make_folder(path.parent)
    replace_file(path, content, "profile")
    return path
