"""The first Actual and Test incidents: the Transport Department's recorded news."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from cop.catalogue import Layer
from cop.errors import LoadRefused
from cop_ingest.load import LoadReport, Origin, Provenance, load_register, manifest_of
from cop_ingest.records import Parsed
from cop_ingest.traffic_news import parse_traffic_news_v1, parse_traffic_news_v2


@dataclass(frozen=True, slots=True)
class NewsFile:
    """A recording of the traffic news: its place in the data folder, parser, mode and provenance."""

    pattern: str
    parse: Callable[[bytes, str, str], Parsed]
    message_status: str
    provenance: Provenance


# A recording of the real feed is Actual; a sample written after documentation is a Test.
_NEWS = (
    NewsFile("td_special_traffic_news_v1/*.xml", parse_traffic_news_v1, "actual", "real"),
    NewsFile("documented_samples/td_trafficnews_v2.xml", parse_traffic_news_v2, "test", "exercise"),
)


def load_news(connection: psycopg.Connection, layer: Layer, data: Path) -> Iterator[LoadReport | LoadRefused]:
    """Load the recordings in the data folder; a file that is refused is told and does not stop the others."""
    for news in _NEWS:
        for file in sorted(data.glob(news.pattern)):
            yield _load_news(connection, layer, news, file)


def _load_news(connection: psycopg.Connection, layer: Layer, news: NewsFile, file: Path) -> LoadReport | LoadRefused:
    try:
        raw = file.read_bytes()
        parsed = news.parse(raw, news.message_status, file.name)
        origin = Origin(f"{file.parent.name}/{file.name}", manifest_of(raw), news.provenance, raw)
        return load_register(connection, layer, parsed, origin)
    except LoadRefused as exc:
        return exc
    except OSError as exc:
        return LoadRefused(f"{file.name}: cannot be read: {exc.strerror}")
