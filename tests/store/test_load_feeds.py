"""What each feed's parser gives is taken by the store, and the same again changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
from feed_payloads import GOOD, as_bytes

from cop.catalogue import Layer, catalogue
from cop_ingest.feeds.declared import Feed, feeds
from cop_ingest.feeds.parse import parser_of
from cop_ingest.feeds.payload import Payload
from cop_ingest.load import LoadReport, Origin, load_observations, load_register, load_whole
from cop_ingest.records import Parsed, Record
from cop_server.cluster import Cluster

RECEIVED = datetime(2026, 10, 9, 14, 0, tzinfo=UTC)


def loaded(connection: psycopg.Connection, feed: Feed, layer: Layer, parsed: Parsed) -> LoadReport:
    origin = Origin(feed.id, feed.id.encode(), "exercise")
    if feed.target.how == "whole":
        return load_whole(connection, layer, parsed, origin)
    if feed.target.how == "latest":
        return load_observations(connection, layer, parsed, origin, RECEIVED)
    return load_register(connection, layer, Parsed([labelled(record, feed) for record in parsed.records]), origin)


def labelled(record: Record, feed: Feed) -> Record:
    """The record with what the loader of feeds gives it."""
    label = {"department": feed.department, "source": feed.id, "message_status": "exercise", "release": feed.release}
    return Record(record.id, {**label, **record.properties}, record.geometry, record.remarks)


def test_every_feeds_records_are_taken_and_the_same_again_changes_nothing(store: Cluster) -> None:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        for feed in feeds().values():
            layer = catalogue().layers[feed.target.layer]
            parts = {part: as_bytes(body) for part, body in GOOD[feed.id].items()}
            parsed = parser_of(feed)(Payload(parts, RECEIVED, feed.options)).parsed
            assert parsed.refusals == [], feed.id
            first = loaded(connection, feed, layer, parsed)
            assert (first.inserted, first.unchanged) == (len(parsed.records), 0), feed.id
            second = loaded(connection, feed, layer, parsed)
            assert (second.state, second.unchanged) == ("unchanged", len(parsed.records)), feed.id
