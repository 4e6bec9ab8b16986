"""HKO's 10-minute wind (cop_ingest.wind) as a feed. SOURCES 3.5."""

from __future__ import annotations

from cop_ingest.feeds.parse.common import body_of, this_feed
from cop_ingest.feeds.parse.names import station_zh
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.records import Parsed, Record, id_from_value
from cop_ingest.wind import WindRow, newest_rows, parse_wind


def parse(payload: Payload) -> Reading:
    """The rows of the part `en`, one a station and time. Values are km/h and degrees. Raises NotThisFeed."""
    with this_feed():
        rows, refusals = parse_wind(body_of(payload, "en"), payload.received_at)
    kept = newest_rows(rows)
    observed_at = max((row.observed_at for row in kept), default=None)
    return Reading(Parsed([_record(row) for row in kept], refusals), observed_at, None)


def _record(row: WindRow) -> Record:
    properties: dict[str, object] = {
        "station_en": row.station,
        "station_zh": station_zh(row.station),
        "observed_at": row.observed_at,
        "direction": row.direction,
        "direction_deg": row.direction_deg,
        "mean_kmh": row.mean_kmh,
        "gust_kmh": row.gust_kmh,
    }
    return Record(id_from_value(row.station), properties, None)
