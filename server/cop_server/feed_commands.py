"""Commands of the feeds: run the worker, ask one once, list, report, run kept payloads again, prune."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.settings import Settings, get_settings
from cop_ingest.feeds import keeping, table
from cop_ingest.feeds.check import faults_of
from cop_ingest.feeds.clock import Clock, OurClock, SimulatorClock
from cop_ingest.feeds.declared import Feed, feeds
from cop_ingest.feeds.fetch import Fetcher
from cop_ingest.feeds.rerun import rerun as run_again
from cop_ingest.feeds.turn import Workshop, run_turn
from cop_ingest.feeds.worker import Work, heartbeat, holder_name, mode_of, pool_of, run_worker
from cop_ingest.inbox.folder import let_go
from cop_ingest.times import read_time
from cop_server.cluster_existing import find_store
from cop_server.console import say, warn

_FEED = Annotated[str, typer.Option("--feed", help="The feed's id, as `cop ingest feeds` lists it.")]


def add_commands(ingest: typer.Typer) -> None:
    """Put these commands into `cop ingest`."""
    ingest.command(name="run")(run)
    ingest.command()(once)
    ingest.command(name="feeds")(list_feeds)
    ingest.command()(report)
    ingest.command()(rerun)
    ingest.command()(prune)


def run(
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End with standard input.")] = False,
) -> None:
    """Ask every feed at its cadence and load what it says, until stopped (COP_FEEDS: live or simulator)."""
    settings = get_settings()
    if settings.feeds == "off":
        raise SetupTrouble("COP_FEEDS is off; set it to live, or to simulator with COP_FEEDS_URL")
    _need_address(settings)
    if faults := faults_of(feeds(), catalogue()):
        raise SetupTrouble("\n".join(faults))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    with _workshop(settings) as (shop, owner_dsn):
        say(f"{len(feeds())} feeds, {settings.feeds}" + ("" if beside else "; stop with Ctrl-C"))
        if beside:
            threading.Thread(target=end_with_input, daemon=True).start()
        run_worker(Work(owner_dsn, feeds(), shop, settings.raw_days))


def end_with_input_soon() -> None:
    """Let this process end when its standard input does: what runs beside a server must not outlive it."""
    threading.Thread(target=end_with_input, daemon=True).start()


def end_with_input() -> None:
    """A worker beside a server must not outlive it."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def once(feed: _FEED) -> None:
    """Ask one feed now, and say what came of it."""
    settings = get_settings()
    _need_address(settings)
    declared = _declared(feed)
    with _workshop(settings) as (shop, owner_dsn), heartbeat(owner_dsn, shop):
        with shop.connections.connection() as connection:
            keeping.know(connection, [feed], shop.mode)
        ended = run_turn(shop, declared)
    if ended is None:
        raise SetupTrouble(f"{feed} is being asked by another worker at this moment")
    say(f"{feed}: {ended.outcome}{_told(ended)}")
    if ended.outcome == "failed":
        raise typer.Exit(1)


def _need_address(settings: Settings) -> None:
    if settings.plays:
        raise SetupTrouble(
            "COP_FEEDS_URL is not set: wanted a simulator's address (`cop run` says that of its own; `cop simulate` "
            "and `cop exercise run` start one), or COP_FEEDS=live for the published addresses"
        )


def list_feeds(
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of docs/feeds.md, from the files.")] = False,
) -> None:
    """List the feeds with their state, in the mode of COP_FEEDS."""
    if markdown:
        typer.echo(table.markdown(feeds()), nl=False)
        return
    settings = get_settings()
    with pool_of(find_store(settings).owner_dsn, 1) as pool, pool.connection() as connection:
        known = keeping.states(connection, mode_of(settings.feeds))
    for name, feed in feeds().items():
        state, cause, _attempt, good, *_rest = known.get(name, (None, None, None, None))
        at = good.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if good else "never"
        typer.echo(f"{name:28} {state or 'not asked':9} last good {at:20} every {feed.cadence_s} s  {cause or ''}")


def report(
    feed: _FEED,
    hours: Annotated[float, typer.Option(help="Turns of the last so many hours.", min=0.1)] = 24,
) -> None:
    """Reckon up a feed: what became of every record that came, and why any was refused; exit 1 if sums disagree."""
    settings = get_settings()
    _declared(feed)
    mode, since = mode_of(settings.feeds), datetime.now(UTC) - timedelta(hours=hours)
    with pool_of(find_store(settings).owner_dsn, 1) as pool, pool.connection() as connection:
        lines = keeping.report(connection, feed, mode, since)
        refused = keeping.reasons(connection, feed, mode, since, of="reasons")
        failed = keeping.reasons(connection, feed, mode, since, of="causes")
    for one in lines:
        say(f"{one.turns} turns {one.outcome}: {one.seen} seen = {one.inserted} new + {one.updated} changed + "
            f"{one.unchanged} unchanged + {one.refused} refused; {one.closed} closed by absence")  # fmt: skip
    for reason, count, example in refused:
        typer.echo(f"  refused {count}: {reason}: {example}")
    for cause, count, last in failed:
        typer.echo(f"  failed {count}: {cause} (last {last:%Y-%m-%dT%H:%M:%SZ})")
    if wrong := sum(one.wrong for one in lines):
        raise SetupTrouble(f"{feed}: the sums of {wrong} turns do not agree")


def rerun(
    feed: _FEED,
    begin: Annotated[str, typer.Option("--from", help="2025-09-24T09:00; Hong Kong time without an offset.")],
    end: Annotated[str | None, typer.Option("--to", help="The same; none: up to now.")] = None,
) -> None:
    """Read kept payloads of a feed again, in their order; idempotent, and nothing newer is overwritten."""
    settings = get_settings()
    declared = _declared(feed)
    with _workshop(settings) as (shop, owner_dsn), heartbeat(owner_dsn, shop):
        for one in run_again(shop, declared, _time(begin), _time(end) if end else None):
            tell = warn if one.ended.outcome == "failed" else say
            tell(f"turn {one.of} of {one.received_at:%Y-%m-%dT%H:%M:%SZ}: {one.ended.outcome}{_told(one.ended)}")


def prune() -> None:
    """Let go of payloads, turns and files of the inbox older than COP_RAW_DAYS, as worker and inbox do daily."""
    settings = get_settings()
    with pool_of(find_store(settings).owner_dsn, 1) as pool, pool.connection() as connection:
        turns, payloads = keeping.prune(connection, settings.raw_days)
    files = let_go(settings.inbox_folder, timedelta(days=settings.raw_days))
    gone = f"{turns} turns, {payloads} payloads and {files} files of the inbox"
    say(f"let go of {gone} older than {settings.raw_days:g} days")


@contextmanager
def _workshop(settings: Settings) -> Iterator[tuple[Workshop, str]]:
    """What turns share, and the owner's address; loads are the owner role's."""
    owner_dsn = find_store(settings).owner_dsn
    simulated = settings.feeds == "simulator" and settings.feeds_url
    clock: Clock = SimulatorClock(settings.feeds_url) if simulated else OurClock()
    fetcher = Fetcher(settings.contact or settings.url, settings.feeds_url)
    with pool_of(owner_dsn) as pool:
        shop = Workshop(pool, fetcher, clock, mode_of(settings.feeds), holder_name())
        try:
            yield shop, owner_dsn
        finally:
            shop.readers.close()
            fetcher.close()


def _declared(name: str) -> Feed:
    if name not in feeds():
        raise SetupTrouble(f"there is no feed {name}; there are {', '.join(feeds())}")
    return feeds()[name]


def _time(text: str) -> datetime:
    try:
        return read_time(text)
    except ValueError as exc:
        raise SetupTrouble(f"{text}: {exc}; wanted a time like 2025-09-24T09:00") from exc


def _told(ended: keeping.Ended) -> str:
    sums = ended.sums
    numbers = f"; {sums.seen} seen, {sums.inserted} new, {sums.updated} changed, {sums.closed} closed"
    return numbers + (f"; {ended.cause}" if ended.cause else "")
