"""The command `cop`: what a person at the terminal, make and a service unit call."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.resources import clone_folder
from cop.settings import get_settings
from cop.store.migrate import apply_layers, migrate
from cop_server.cluster_existing import find_store
from cop_server.console import explaining, say
from cop_server.keeping import commands as keeping
from cop_server.lazily import lazily

# What a command needs beyond this is imported when it is asked for: the whole takes two seconds.
layers_app = typer.Typer(no_args_is_help=True, help="Layers: data in layers/*.yml.")
ingest_app = typer.Typer(no_args_is_help=True, help="Data in: reference layers, first incidents, real-time feeds.")
key_app = typer.Typer(no_args_is_help=True, help="API keys: for programs, QGIS and ArcGIS.")


def _ingest(to: typer.Typer) -> None:
    from cop_server import feed_commands

    feed_commands.add_commands(ingest_app)
    to.add_typer(ingest_app, name="ingest")


def _exercise(to: typer.Typer) -> None:
    from cop_server.exercise_commands import exercise_app

    to.add_typer(exercise_app, name="exercise")


def _simulate(to: typer.Typer) -> None:
    from cop_server import simulate

    simulate.add_to(to)


def _inbox(to: typer.Typer) -> None:
    from cop_server.inbox_commands import inbox_app

    to.add_typer(inbox_app, name="inbox")


def _record_keeping(to: typer.Typer) -> None:
    from cop_server import record_keeping

    record_keeping.add_commands(to)


def _subscriptions(to: typer.Typer) -> None:
    from cop_server.delivery import commands

    commands.add_commands(to)


_PARTS = {
    "ingest": _ingest, "exercise": _exercise, "simulate": _simulate, "inbox": _inbox, "subscriptions": _subscriptions,
    **dict.fromkeys(("verify", "redact", "head", "history", "observations", "audit"), _record_keeping),
}  # fmt: skip
app = typer.Typer(
    cls=lazily(_PARTS), no_args_is_help=True, add_completion=False, help="An open-standards Common Operational Picture."
)
app.add_typer(layers_app, name="layers")
app.add_typer(key_app, name="key")
keeping.add_to(app)


def main() -> None:
    """Run a command; trouble that we can name ends in a sentence and exit code 1."""
    with explaining():
        app()


@app.command()
def run() -> None:
    """Start the store, bring it up to date, load what is missing, and serve until stopped."""
    from cop_server import lifecycle

    lifecycle.run(get_settings())


@app.command()
def serve() -> None:
    """Serve only: the store is there and up to date (for service units; reads COP_APP_DATABASE_URL)."""
    from cop_server import lifecycle

    lifecycle.serve(get_settings())


@app.command()
def stop() -> None:
    """Stop the server that `cop run` started here, and the private store."""
    from cop_server import lifecycle

    lifecycle.stop(get_settings())


@app.command()
def status() -> None:
    """Say what runs: server, store, layers."""
    from cop_server import lifecycle

    lifecycle.status(get_settings())


@app.command()
def clean(
    actual: Annotated[int | None, typer.Option(help="How many Actual records you know will be deleted.")] = None,
) -> None:
    """Delete the private store and all state; refused while it holds Actual records unless told their count."""
    from cop_server import lifecycle

    lifecycle.clean(get_settings(), actual)


@app.command(name="migrate")
def migrate_() -> None:
    """Apply the migrations that the store lacks."""
    applied = migrate(find_store(get_settings()).owner_dsn)
    say(f"applied {', '.join(applied)}" if applied else "the store is up to date")


@app.command()
def render(
    to: Annotated[Path | None, typer.Option(help="Folder to write to; none: the clone.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 where they differ.")] = False,
) -> None:
    """Write pygeoapi-config.yml and openapi/openapi.json from layers/."""
    from cop_server.render import outdated, write

    root = to or clone_folder()
    if root is None:
        raise SetupTrouble("render works in a clone; an installed cop carries its rendered files with it")
    if not check:
        say(f"wrote {', '.join(write(catalogue(), root)) or 'nothing: all is up to date'}")
        return
    names = outdated(catalogue(), root)
    if names:
        raise SetupTrouble(f"{', '.join(names)}: not what layers/ says; run `cop render` and commit")
    say("pygeoapi-config.yml and openapi/ are what layers/ says")


@app.command()
def basemap() -> None:
    """Build the embedded basemap from the layers, where they have changed."""
    from cop_server import installation

    settings = get_settings()
    if not installation.build_basemap(settings, find_store(settings).owner_dsn):
        raise typer.Exit(1)


@app.command()
def seed(
    layer: Annotated[list[str] | None, typer.Option(help="Only this layer (again for more); none: all.")] = None,
    outside: Annotated[bool, typer.Option("--outside", help="The Lands Department's tiles instead, slowly.")] = False,
) -> None:
    """Draw the basemaps' tiles of Hong Kong beforehand; an interrupted run goes on where it stopped."""
    from cop_server import seeding

    seeding.seed(get_settings(), layer or [], outside=outside)


@layers_app.command()
def apply() -> None:
    """Make or extend the tables, history, triggers, policies and grants of all layers."""
    outcome = apply_layers(find_store(get_settings()).owner_dsn, catalogue())
    for layer, what in outcome.items():
        say(f"{layer}: {what}")


@layers_app.command()
def check() -> None:
    """Read all layer files and say what is wrong with them."""
    from cop.query.counted import check_summaries
    from cop_tiles.styling.check import check_styles

    check_styles(catalogue())
    check_summaries(catalogue())
    say(f"{len(catalogue().layers)} layers, all well")


@ingest_app.command()
def reference(
    layers: Annotated[list[str] | None, typer.Argument(help="With --published: these layers only.")] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Download the published originals and load them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask about licences on a terminal.")] = False,
) -> None:
    """Load the reference layers and first incidents that are not loaded yet, or the published originals."""
    from cop_server import installation
    from cop_server.published import fetch_published

    settings = get_settings()
    if published:
        fetch_published(settings, find_store(settings).owner_dsn, layers or [], yes)
    elif layers:
        raise SetupTrouble("layers are named with --published only; without it all that is missing is loaded")
    else:
        installation.load(settings, find_store(settings).owner_dsn)


@key_app.command(name="create")
def create_key(
    label: Annotated[str, typer.Argument(help="Who will hold it, in words.")],
    role: Annotated[str, typer.Option(help="press, partner, viewer, reporter, administrator or emsc.")],
    department: Annotated[
        str | None, typer.Option(help="Of viewers, reporters and administrators: DSD, FSD, …")
    ] = None,
    days: Annotated[int | None, typer.Option(help="How long it holds; none: until it is revoked.", min=1)] = None,
) -> None:
    """Make a key and show it, this once."""
    from cop_server.identity import keys

    name, key = keys.create(find_store(get_settings()).owner_dsn, label, role, department, days)
    say(f"key {name} for {label}; keep it now, it cannot be shown again:")
    typer.echo(key)


@key_app.command(name="list")
def list_keys() -> None:
    """Show all keys: id, state, role, department, holder."""
    from cop_server.identity import keys

    now = datetime.now(UTC)
    for line in keys.listed(find_store(get_settings()).owner_dsn):
        state = "revoked" if line.revoked_at else "expired" if line.expires_at and line.expires_at < now else "valid"
        typer.echo(f"{line.id}  {state:8} {line.role:14} {line.department or '-':8} {line.label}")


@key_app.command(name="revoke")
def revoke_key(name: Annotated[str, typer.Argument(help="The key's id, as `cop key list` shows it.")]) -> None:
    """End a key. Servers that know it stop taking it within five seconds."""
    from cop_server.identity import keys

    keys.revoke(find_store(get_settings()).owner_dsn, name)
    say(f"key {name} is revoked")
