"""`cop audit`: look at the audit, sign its end, let old rows go."""

from __future__ import annotations

import json
from typing import Annotated, Any

import psycopg
import typer

from cop.audit import READS, WRITES, audited, prune_audit, read_filters
from cop.errors import Refused, SetupTrouble
from cop.settings import get_settings
from cop_server.cluster_existing import find_store
from cop_server.console import say
from cop_server.routes.audit import told

audit_app = typer.Typer(help="The audit: who wrote, read or took away what not everybody may see.")
_MODES = ("actual", "exercise", "test")


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    time: Annotated[str | None, typer.Option(help="A time or an interval: 2025-09-23T00:00:00Z/..")] = None,
    actor: Annotated[str | None, typer.Option(help="As in the journal, such as key:4f0c….")] = None,
    department: Annotated[str | None, typer.Option(help="The actor's.")] = None,
    collection: Annotated[str | None, typer.Option(help="incidents, …")] = None,
    feature: Annotated[str | None, typer.Option(help="A record's id.")] = None,
    deed: Annotated[str | None, typer.Option(help=", ".join((*READS, *WRITES)))] = None,
    request: Annotated[str | None, typer.Option(help="The id that the answer had (X-Request-Id).")] = None,
    mode: Annotated[str | None, typer.Option(help="actual, exercise or test; none: all.")] = None,
    of: Annotated[str | None, typer.Option("--of", help="As administrators of this department see it.")] = None,
    limit: Annotated[int, typer.Option(help="Most entries.", min=1, max=10000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """Show entries, newest first."""
    if context.invoked_subcommand is not None:
        return
    if mode is not None and mode not in _MODES:
        raise SetupTrouble(f"--mode: {mode} is none of {', '.join(_MODES)}")
    given = {"datetime": time, "actor": actor, "department": department, "collection": collection, "feature": feature,
             "deed": deed, "request": request, "limit": str(limit)}  # fmt: skip
    try:
        filters = read_filters({name: value for name, value in given.items() if value is not None}, mode)
    except Refused as exc:
        raise SetupTrouble(f"--{exc.detail.replace('datetime', 'time', 1)}") from exc
    with psycopg.connect(find_store(get_settings()).owner_dsn, options="-c timezone=UTC") as connection:
        for entry in audited(connection, filters, of):
            typer.echo(json.dumps(told(entry), ensure_ascii=False) if as_json else _line(told(entry)))


def _line(entry: dict[str, Any]) -> str:
    what = f"{entry['collection']}{'/' + entry['feature'] if entry['feature'] else ''}"
    times = f" x{entry['count']}" if entry["count"] > 1 else ""
    who = (
        f"{entry['actor']} ({', '.join(part for part in (entry['role'], entry['department']) if part) or 'the store'})"
    )
    return f"{entry['at'][:19]}Z  {entry['deed']:7} {entry['form']:8} {what}{times}  {who}  {entry['mode'] or '-'}"


@audit_app.command()
def prune(
    really: Annotated[bool, typer.Option("--really", help="Do it; without this, only say what would go.")] = False,
) -> None:
    """Let go of rows older than COP_AUDIT_DAYS; a signed head of the last of them stays as the chain's anchor."""
    settings = get_settings()
    if settings.audit_days is None:
        raise SetupTrouble("the audit is kept for ever here: set COP_AUDIT_DAYS")
    rows = prune_audit(find_store(settings).owner_dsn, settings.var, settings.audit_days, really=really)
    say(f"{rows} rows are gone" if really else f"{rows} rows would go; `cop audit prune --really` lets them go")
