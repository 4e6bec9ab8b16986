"""Commands that keep the record: verify, sign, prune, redact."""

from __future__ import annotations

from typing import Annotated

import typer

from cop.audit import sign_audit
from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.heads import Verifier, kept_heads, sign_head
from cop.observations import prune as prune_observations
from cop.settings import get_settings
from cop.upkeep import prune as prune_history
from cop.upkeep import redact as redact_record
from cop.verify import Report
from cop.verify import verify as verify_store
from cop_server.audit_commands import audit_app
from cop_server.cluster_existing import find_store
from cop_server.console import console, fail, say

head_app = typer.Typer(no_args_is_help=True, help="Signed heads: what the journal had come to, and when.")
observations_app = typer.Typer(no_args_is_help=True, help="Observations: how long single ones are kept.")
history_app = typer.Typer(no_args_is_help=True, help="The history: how long it is kept.")
_SHOWN = 50


def add_commands(app: typer.Typer) -> None:
    """Put these commands into `cop`."""
    app.add_typer(head_app, name="head")
    app.add_typer(history_app, name="history")
    app.add_typer(observations_app, name="observations")
    app.add_typer(audit_app, name="audit")
    app.command()(verify)
    app.command()(redact)


def verify(
    layer: Annotated[
        list[str] | None, typer.Option(help="Rows of this layer only (again for more); none: all.")
    ] = None,
) -> None:
    """Walk the journal's chain and signed heads, and compare every row of every layer with it; exit 1 on any fault."""
    settings = get_settings()
    if unknown := set(layer or ()) - set(catalogue().layers):
        raise SetupTrouble(f"there is no layer {', '.join(sorted(unknown))}; leave --layer out to compare all")
    store = find_store(settings)
    with console.status("walking the chain") as status:
        heads, verifier = kept_heads(settings.var), Verifier(settings.var)
        report = verify_store(
            store.owner_dsn, heads, verifier, only=layer or (), follow=lambda one: status.update(f"comparing {one}")
        )
    _tell(report)
    if not report.is_sound:
        fail(f'{report.total} faults; nothing was changed. What to do: docs/operations.md, "When `cop verify` finds"')
    say("the journal and all records agree")


def _tell(report: Report) -> None:
    say(
        f"{report.entries} journal rows up to number {report.head}, {report.layers} layers, {report.heads} signed heads"
    )
    if report.reads:
        say(f"{report.reads} rows of the audit")
    if report.unsealed_loads:
        say(f"{report.unsealed_loads} loads are from before loads were sealed: no hash vouches for their rows together")
    for one in report.redacted:
        say(f"redacted: {one.layer} {one.feature} at {one.seq}: {', '.join(one.columns)} ({one.reason}; entry {one.n})")
    for fault in report.faults[:_SHOWN]:
        typer.echo(str(fault))
    if report.total > _SHOWN:
        typer.echo(f"… and {report.total - _SHOWN} more")


@head_app.command(name="sign")
def sign() -> None:
    """Sign the ends of journal and audit, and show them: written down elsewhere, they prove what was there."""
    settings = get_settings()
    head = sign_head(find_store(settings).owner_dsn, settings.var)
    typer.echo(f"{head.n} {head.hash.hex()} {head.signed_at:%Y-%m-%dT%H:%M:%SZ} key {head.key_id}")
    read = sign_audit(find_store(settings).owner_dsn, settings.var)
    if read is not None:
        typer.echo(f"audit {read.n} {read.hash.hex()} {read.signed_at:%Y-%m-%dT%H:%M:%SZ} key {read.key_id}")


@history_app.command()
def prune(
    really: Annotated[bool, typer.Option("--really", help="Do it; without this, only say what would go.")] = False,
) -> None:
    """Let go of versions older than COP_HISTORY_DAYS, or than a layer's own history_days; a dry run unless told."""
    settings = get_settings()
    if settings.history_days is None and all(one.history_days is None for one in catalogue().feature_layers):
        raise SetupTrouble("history is kept for ever here: set COP_HISTORY_DAYS, or history_days in a layer's file")
    store, total = find_store(settings), 0
    for one in prune_history(store.owner_dsn, catalogue(), settings.history_days, really=really):
        total += one.versions
        if one.versions:
            typer.echo(f"{one.layer}: {one.versions} versions, closed up to number {one.to} ({one.days:g} days ago)")
    if really:
        head = sign_head(store.owner_dsn, settings.var)
        say(f"{total} versions are gone; head {head.n} is signed")
    else:
        say(f"{total} versions would go; `cop history prune --really` lets them go")


@observations_app.command(name="prune")
def prune_series(
    really: Annotated[bool, typer.Option("--really", help="Do it; without this, only say what would go.")] = False,
) -> None:
    """Keep what is older than COP_SERIES_DAYS, or a layer's own series_days, by the hour; a dry run unless told."""
    settings = get_settings()
    total = 0
    for one in prune_observations(find_store(settings).owner_dsn, catalogue(), settings.series_days, really=really):
        total += 1
        typer.echo(f"{one.layer}: {one.day}" + (f", {one.hours} hours kept" if really else ""))
    say(f"{total} days {'are put away' if really else 'would be put away; --really does it'}")


def redact(
    layer: Annotated[str, typer.Argument(help="The collection.")],
    feature: Annotated[str, typer.Argument(help="The record's id.")],
    columns: Annotated[str, typer.Option(help="What to empty, with commas between; geometry too.")],
    reason: Annotated[str, typer.Option(help="Why, in words that may be kept for ever.")],
    by: Annotated[str, typer.Option(help="Who does it; stands in the journal.")],
) -> None:
    """Empty columns of a record in its present and all its past; the journal keeps the hashes and says so."""
    settings = get_settings()
    found = catalogue().layers.get(layer)
    if found is None or not found.is_feature_layer:
        raise SetupTrouble(f"there is no layer {layer!r} with records; `cop layers check` and docs name them")
    store = find_store(settings)
    names = [name.strip() for name in columns.split(",") if name.strip()]
    emptied, versions = redact_record(store.owner_dsn, found, feature, names, reason=reason, by=by)
    head = sign_head(store.owner_dsn, settings.var)
    say(f"{layer} {feature}: {emptied} of {versions} versions lost content; head {head.n} is signed")
