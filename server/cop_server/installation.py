"""What an installation consists of, brought up to date step by step: schema, layers, records, basemap."""

from __future__ import annotations

import psycopg

from cop.catalogue import catalogue
from cop.errors import LoadRefused, SetupTrouble
from cop.heads import ensure_key
from cop.settings import Settings
from cop.store.migrate import apply_layers, migrate
from cop_ingest.load import LoadReport
from cop_ingest.reference import Place, load_reference, loadable
from cop_ingest.register import load_news
from cop_server import exercise
from cop_server.console import say, step, track, warn
from cop_tiles.basemap.build import build

BASEMAP = "basemap"


def bring_up_to_date(settings: Settings, owner_dsn: str) -> None:
    """Migrations, layers, records, basemap; each says what it did, and does nothing where nothing is missing."""
    with step("applying migrations"):
        migrate(owner_dsn)
    with step("applying layers"):
        apply_layers(owner_dsn, catalogue())
    ensure_key(settings.var)
    load(settings, owner_dsn)
    build_basemap(settings, owner_dsn)


def place_of(settings: Settings, connection: psycopg.Connection) -> Place:
    """Where this installation's loads take from and put to."""
    return Place(
        connection, settings.data, settings.blob_folder, settings.var / "published",
        settings.exercise_seed, settings.exercise_scale,
    )  # fmt: skip


def load(settings: Settings, owner_dsn: str) -> None:
    """Load what is not loaded yet. A layer that cannot be loaded is told; its old records and all others stay."""
    if settings.data is not None and not settings.data.is_dir():
        raise SetupTrouble(f"COP_DATA: {settings.data} is no folder; name the data folder, or none for the stand-ins")
    where = "the data folder" if settings.data is not None else "exercise stand-ins (no data folder is at hand)"
    register = catalogue().layers["incidents"]
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        place = place_of(settings, connection)
        for outcome in track(
            load_reference(catalogue(), place), f"loading layers from {where}", len(loadable(catalogue()))
        ):
            if outcome.failure is not None:
                warn(outcome.sentence)
            elif outcome.skipped is None:
                say(outcome.sentence)
        # After the layers, so that a moment of the story's past has them too.
        exercise.open_story(connection, settings)
        if settings.feeds == "off":
            exercise.open_feeds(connection, settings)
        for report in load_news(connection, register, settings.data) if settings.data is not None else ():
            _tell(report)


def _tell(report: LoadReport | LoadRefused) -> None:
    if isinstance(report, LoadRefused):
        warn(f"incidents: not loaded: {report}")
    elif report.inserted or report.updated:
        say(f"incidents: {report.inserted} new, {report.updated} changed")


def build_basemap(settings: Settings, owner_dsn: str) -> bool:
    """Draw the embedded basemap anew where the layers under it have changed; whether there is one.

    A failure is told, and never stops the API.
    """
    terrain = settings.blob_folder / "terrain.tif"
    with step("building the basemap"):
        try:
            with psycopg.connect(owner_dsn, autocommit=True) as connection:
                build(connection, terrain if terrain.is_file() else None, settings.var / BASEMAP)
        except Exception as exc:  # fonts, disk, raster: whatever it is, the API serves without a basemap
            reason = str(exc).partition("\n")[0]
            warn(f"the basemap could not be built; the API serves without it: {reason}")
            return False
    return True
