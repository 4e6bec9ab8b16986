"""`cop subscriptions`: what the API offers, at the terminal and without a department's limits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

import typer

from cop.errors import Invalid, Refused, SetupTrouble
from cop.identity import Principal
from cop.settings import Mode, get_settings
from cop.store.reading import close_pool
from cop.store.writing import close_write_pool
from cop_server.cluster_existing import find_store
from cop_server.console import say
from cop_server.delivery import book
from cop_server.delivery.manage import keep_change, read_change, read_new
from cop_server.delivery.notes import form_of_change, note_change
from cop_server.delivery.subscription import Subscription
from cop_server.delivery.webhook import ask_permission, told_secret
from cop_server.identity.keys import holder_by_id
from cop_server.noting import flush

subscriptions_app = typer.Typer(no_args_is_help=True, help="Subscriptions: webhooks, and what the broker is told.")
_OPERATOR = Principal("operator", "emsc")
_Name = Annotated[str, typer.Argument(help="The subscription's id, as `cop subscriptions list` shows it.")]


def add_commands(app: typer.Typer) -> None:
    """Put these commands into `cop`."""
    app.add_typer(subscriptions_app, name="subscriptions")


@contextmanager
def _store() -> Iterator[None]:
    """The store as the app role sees it; what the API would refuse ends in a sentence."""
    os.environ["COP_APP_DATABASE_URL"] = find_store(get_settings()).app_dsn
    get_settings.cache_clear()
    try:
        yield
    except Invalid as exc:
        raise SetupTrouble("\n".join(f"{one.pointer.strip('/')}: {one.reason}" for one in exc.faults)) from exc
    except Refused as exc:
        raise SetupTrouble(exc.detail) from exc
    finally:
        close_pool()
        close_write_pool()


@subscriptions_app.command(name="list")
def list_() -> None:
    """Show all subscriptions: id, state, whose, place, failures, dead letters, target, last error."""
    with _store():
        for one in book.listed(None, everybody=True):
            whose, error = one.owner_department or "-", f"  ({one.last_error})" if one.last_error else ""
            typer.echo(
                f"{one.id}  {one.state:7} {whose:8} {one.mode}:{one.audience}  at {one.place_n}"
                f"  failures {one.failures}  dead letters {one.dead_letters}  {one.target}{error}"
            )


@subscriptions_app.command()
def add(
    target: Annotated[str, typer.Argument(help="The https address that events are sent to.")],
    key: Annotated[str, typer.Option(help="Id of the API key in whose name it is; it ends with the key.")],
    collections: Annotated[str | None, typer.Option(help="Collections with commas between them; none: all.")] = None,
    bbox: Annotated[str | None, typer.Option(help="west,south,east,north")] = None,
    filter_: Annotated[str | None, typer.Option("--filter", help="CQL2 text.")] = None,
    audience: Annotated[str | None, typer.Option(help="A narrower audience than the key's own.")] = None,
    mode: Annotated[str | None, typer.Option(help="actual, exercise or test; none: COP_MODE.")] = None,
    since: Annotated[int | None, typer.Option(help="Begin behind this number; 0: the whole; none: now.")] = None,
) -> None:
    """Subscribe a target, which must agree; shows the secret that its events are signed with, this once."""
    given = {"target": target, "collections": collections, "bbox": bbox, "filter": filter_, "audience": audience,
             "since": since}  # fmt: skip
    document: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with _store():
        wanted = read_new(holder_by_id(key), _mode(mode), document)
        wanted = replace(wanted, rate=asyncio.run(ask_permission(target)))
        book.create(wanted)
        _note(wanted, "create")
        assert wanted.secret is not None
        say(f"subscription {wanted.id} to {target}; keep its secret now, it cannot be shown again:")
        typer.echo(told_secret(wanted.secret))


def _note(subscription: Subscription, form: str) -> None:
    """Tell the audit at once: no server process writes it here."""
    note_change(_OPERATOR, subscription, form)
    flush(finish=True)


def _mode(text: str | None) -> Mode:
    modes: dict[str, Mode] = {"actual": "actual", "exercise": "exercise", "test": "test"}
    if text is not None and text not in modes:
        raise SetupTrouble(f"--mode: {text} is none of {', '.join(modes)}")
    return get_settings().mode if text is None else modes[text]


@subscriptions_app.command()
def pause(name: _Name) -> None:
    """Send nothing until it is resumed; nothing is lost meanwhile."""
    with _store():
        _changed(name, {"state": "paused"})
    say(f"{name} is paused")


@subscriptions_app.command()
def resume(
    name: _Name,
    key: Annotated[str | None, typer.Option(help="Id of the API key that answers for it now; none: as before.")] = None,
    since: Annotated[int | None, typer.Option(help="Go on behind this number instead of where it stopped.")] = None,
) -> None:
    """Go on from where it stopped; a target that was given up is asked again whether it agrees."""
    document: dict[str, Any] = {"state": "active"} | ({} if since is None else {"since": since})
    with _store():
        _changed(name, document, key)
    say(f"{name} goes on")


def _changed(name: str, document: dict[str, Any], key: str | None = None) -> None:
    found = book.one(name)
    if found.kind != "webhook":
        raise SetupTrouble(f"{name} is the broker's: COP_MQTT_PUBLISH says what is published")
    subject = found.owner_subject if key is None else f"key:{key}"
    if document["state"] == "active":
        by = holder_by_id(subject.removeprefix("key:"))
    else:
        by = Principal(found.owner_subject, "emsc")
    change = read_change(replace(by, subject=subject), found, document)
    if change.asks_target:
        rate = asyncio.run(ask_permission(found.target))
        change = replace(change, subscription=replace(change.subscription, rate=rate))
    _note(keep_change(change), form_of_change(found, change.subscription))


@subscriptions_app.command()
def remove(name: _Name) -> None:
    """End a subscription, its dead letters too."""
    with _store():
        found = book.one(name)
        book.remove(found.id)
        _note(found, "remove")
    say(f"{name} is removed")


@subscriptions_app.command()
def redeliver(name: _Name) -> None:
    """Send its dead letters again, each in its newest state."""
    with _store():
        found = book.one(name)
        letters = book.redeliver(found.id)
        _note(found, "redeliver")
    say(f"{letters} are sent again")
