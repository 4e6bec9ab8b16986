"""What the feeds said at the moment that an exercise opens with, loaded once: no layer of theirs begins empty.

The answers are the simulator's, read by the feeds' own parsers; nothing is fetched, and no feed's state is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg import sql

from cop.catalogue import Layer, catalogue
from cop_ingest.feeds.declared import Feed, feeds
from cop_ingest.feeds.loading import labelled
from cop_ingest.feeds.parse import led_by, parser_of
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.feeds.places import Places
from cop_ingest.feeds.rasters import keep_raster
from cop_ingest.load import LoadReport, Origin, load_observations, load_register, load_whole, manifest_of
from cop_ingest.records import Parsed
from cop_ingest.simulator.endpoints import Endpoint, endpoints, find
from cop_ingest.simulator.world.world import World


def load_opening(
    connection: psycopg.Connection[Any], world: World, at: datetime, blobs: Path
) -> Iterator[tuple[Feed, LoadReport]]:
    """Load each feed's answer at a time (UTC) into layers that are empty and nothing else fills; what each brought.

    The connection is in autocommit, as the owner role. `blobs` is where grids are kept.
    """
    addresses, places = endpoints(), Places()
    for feed in _waiting(connection):
        bodies = _bodies(feed, world, addresses, at)
        reading = parser_of(feed)(Payload(bodies, at, feed.options))
        layer = catalogue().layers[feed.target.layer]
        parsed = places.placed(connection, feed.position, layer, reading.parsed)
        yield feed, _loaded(connection, feed, layer, parsed, reading, at, manifest_of(*bodies.values()))
        if reading.raster is not None and feed.target.coverage:
            keep_raster(reading.raster, blobs / f"{feed.target.coverage}.tif")


def _waiting(connection: psycopg.Connection[Any]) -> list[Feed]:
    """The feeds whose layers are empty, and are not filled by a file, a stand-in or the story."""
    found = []
    for feed in feeds().values():
        layer = catalogue().layers[feed.target.layer]
        # Two feeds may fill one layer: all are asked before the first is loaded.
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier("layer", layer.id))
        row = connection.execute(query).fetchone()
        if not (layer.source.reader or layer.stand_in or layer.ticks) and row is not None and not row[0]:
            found.append(feed)
    return found


def _bodies(feed: Feed, world: World, addresses: list[Endpoint], at: datetime) -> dict[str, bytes]:
    bodies = {name: _body(world, addresses, part.url, at) for name, part in feed.parts.items()}
    leads = led_by(feed, Payload(bodies, at, feed.options))
    return bodies | {part: _body(world, addresses, url, at) for part, url in leads.items()}


def _body(world: World, addresses: list[Endpoint], url: str, at: datetime) -> bytes:
    parts = urlsplit(url)
    hit = find(addresses, str(parts.hostname), unquote(parts.path[1:]), dict(parse_qsl(parts.query)))
    assert hit is not None, f"the simulator has no {url}"
    endpoint, asked = hit
    body = endpoint.write(world, endpoint.published(world, at), asked)
    assert body is not None, f"the simulator answers 404 to {url}"
    return body


def _loaded(
    connection: psycopg.Connection[Any], feed: Feed, layer: Layer, parsed: Parsed, reading: Reading, at: datetime,
    manifest: bytes,
) -> LoadReport:  # fmt: skip
    origin = Origin(f"feed {feed.id}, as the exercise opens", manifest, "exercise")
    if feed.target.how == "latest":
        return load_observations(connection, layer, parsed, origin, reading.published_at or at)
    if feed.target.how == "whole":
        return load_whole(connection, layer, parsed, origin, may_be_empty=True)
    records = [labelled(record, feed, "exercise", {}) for record in parsed.records]
    return load_register(connection, layer, Parsed(records, parsed.refusals), origin)
