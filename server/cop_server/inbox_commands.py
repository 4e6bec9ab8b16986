"""The commands of the departments' inbox: take a file, watch the folder, listen to the broker, list the mappings."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from cop.errors import SetupTrouble, StoreTrouble
from cop.settings import Mode, Settings, get_settings
from cop_ingest.gazetteer.placing import Gazetteer
from cop_ingest.inbox.alone import Turn
from cop_ingest.inbox.declared import Mapping, mappings
from cop_ingest.inbox.folder import Drop, let_go
from cop_ingest.inbox.readings import take_readings
from cop_ingest.inbox.take import Report, refused, take
from cop_server.cluster_existing import find_store
from cop_server.console import say, warn
from cop_server.delivery.mqtt import read_broker
from cop_server.feed_commands import end_with_input
from cop_server.inbox_listener import Listener

_LOOK_SECONDS = 2.0
_DAY_SECONDS = 86_400.0

inbox_app = typer.Typer(no_args_is_help=True, help="Departments' returns: files in a form of their own.")


@inbox_app.command(name="list")
def list_mappings() -> None:
    """Show the forms that are known: id, department, what a row becomes."""
    for mapping in mappings().values():
        typer.echo(f"{mapping.id:24} {mapping.department:8} {mapping.layer:18} {mapping.title.en} {mapping.title.zh}")


@inbox_app.command(name="take")
def take_file(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, GeoJSON, GeoPackage or JSON.", exists=True, dir_okay=False)],
    form: Annotated[str, typer.Option("--as", help="The mapping, as `cop inbox list` shows it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
) -> None:
    """Take a department's file: every row is created, changed, unchanged, late, or refused with its reasons."""
    settings = get_settings()
    told_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    report = Taker(settings).take(_known(form), file.read_bytes(), file.name, told_at, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(report.document(), ensure_ascii=False, indent=1, default=str))
    else:
        _tell(report)
    if report.counts.get("refused"):
        raise typer.Exit(1)


@inbox_app.command()
def watch(
    once: Annotated[bool, typer.Option("--once", help="Look until nothing is left, then end.")] = False,
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End with standard input.")] = False,
) -> None:
    """Take what is put into the inbox's folder (COP_INBOX), as long as this runs."""
    settings = get_settings()
    if beside:
        threading.Thread(target=end_with_input, daemon=True).start()
    taker = Taker(settings)
    drop = Drop(settings.inbox_folder, mappings())
    drop.prepare()
    if not beside:
        say(f"watching {settings.inbox_folder}")
    tidied = -_DAY_SECONDS
    while True:
        if time.monotonic() - tidied >= _DAY_SECONDS:
            tidied = time.monotonic()
            let_go(settings.inbox_folder, timedelta(days=settings.raw_days))
        try:
            for report in drop.look(taker.take):
                if not beside:
                    say(f"taken: {report.name}")
        except (StoreTrouble, psycopg.OperationalError) as exc:
            warn(f"files wait for the store: {type(exc).__name__}")
        if once and not drop.seen:
            return
        time.sleep(_LOOK_SECONDS)


@inbox_app.command()
def listen(
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End with standard input.")] = False,
) -> None:
    """Take what departments publish to the MQTT broker (COP_MQTT_URL), as long as this runs.

    Of several that run over one store, one listens; the others wait for their turn.
    """
    settings = get_settings()
    broker = read_broker(settings)
    if broker is None:
        raise SetupTrouble("COP_MQTT_URL is not set; wanted mqtt[s]://user:password@host:port")
    taker, known = Taker(settings), mappings()
    ends = threading.Event()
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: ends.set())
    if beside:
        threading.Thread(target=end_with_input, daemon=True).start()
    turn = Turn(taker.owner_dsn, settings.inbox_topic)
    say(f"{len(known)} forms, by {broker.told}" + ("" if beside else "; stop with Ctrl-C"))
    while not ends.is_set():
        if turn.is_ours():
            Listener(settings, broker, known, taker.take, ends).run(turn.is_ours)
        ends.wait(_LOOK_SECONDS)
    turn.end()


class Taker:
    """Takes files into the store of these settings; keeps the names of the gazetteer between them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        store = find_store(settings)
        self.owner_dsn = store.owner_dsn
        if not settings.app_database_url.get_secret_value():  # rows are writes, and writes are the app role's
            os.environ["COP_APP_DATABASE_URL"] = store.app_dsn
            get_settings.cache_clear()
        self._gazetteer = Gazetteer()

    def take(self, mapping: Mapping, body: bytes, name: str, told_at: datetime, *, dry_run: bool = False) -> Report:
        """Take a file; see cop_ingest.inbox.take."""
        mode: Mode = self._settings.mode
        with psycopg.connect(self.owner_dsn, autocommit=True) as connection:
            if mapping.readings:
                return take_readings(connection, mapping, body, name, told_at, mode, dry_run=dry_run)
            index = self._gazetteer.index(connection)
        return take(mapping, body, name, told_at, mode, index, dry_run=dry_run)


def _known(form: str) -> Mapping:
    found = mappings().get(form)
    if found is None:
        raise SetupTrouble(f"there is no form {form!r}; there are {', '.join(mappings())}")
    return found


def _tell(report: Report) -> None:
    for line in refused(report):
        typer.echo(f"row {line.row} ({line.key or 'no number'}): {line.deed}")
        for fault in line.faults:
            where = f"{fault['pointer']}: " if fault.get("pointer") else ""
            typer.echo(f"  {where}{fault['reason']}")
    counts = ", ".join(f"{count} {deed}" for deed, count in report.counts.items())
    tried = " (nothing was written)" if report.dry_run else ""
    say(f"{len(report.lines)} rows of {report.file}: {counts or 'none'}{tried}")
