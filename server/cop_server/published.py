"""`cop ingest reference --published`: the layers' originals from the departments, shown with their licence first."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import psycopg
import typer

from cop.catalogue import Layer, catalogue
from cop.errors import LoadRefused, SetupTrouble
from cop.settings import Settings
from cop_ingest.published import Manners, licence_line
from cop_ingest.reference import load_published
from cop_server.console import say, warn
from cop_server.installation import place_of


def fetch_published(settings: Settings, owner_dsn: str, names: Sequence[str], yes: bool) -> None:
    """Download and load the originals of the layers named, or of all that have one.

    On a terminal the licences are shown and asked about; elsewhere they are printed. A layer that fails keeps its old
    records; the command then ends with an error after the rest was done. Raises SetupTrouble.
    """
    layers = _chosen(names)
    for layer in layers:
        say(licence_line(layer))
    if not yes and sys.stdin.isatty() and not typer.confirm("Download these under their licences?"):
        raise SetupTrouble("nothing was downloaded; --yes skips the question")
    failed = 0
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        try:
            manners = Manners(mirrors=settings.published_mirrors)
            for outcome in load_published(layers, place_of(settings, connection), manners):
                failed += outcome.failure is not None
                (say if outcome.failure is None else warn)(outcome.sentence)
        except LoadRefused as exc:
            raise SetupTrouble(str(exc)) from exc
    if failed:
        raise SetupTrouble(f"{failed} of {len(layers)} originals were not loaded, see above; run it again for them")


def _chosen(names: Sequence[str]) -> list[Layer]:
    offered = {layer.id: layer for layer in catalogue().layers.values() if layer.source.published is not None}
    unknown = [name for name in names if name not in offered]
    if unknown:
        raise SetupTrouble(
            f"{', '.join(unknown)}: no layer with a published original is called so; wanted {', '.join(offered)}"
        )
    return [offered[name] for name in dict.fromkeys(names)] if names else list(offered.values())
