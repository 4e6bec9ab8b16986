"""TD's Special Traffic News as feeds: the messages of cop_ingest.traffic_news under keys that outlive a version.

SOURCES 3.11 and 3.12. Version 1 is the fallback of version 2, never asked beside it.
"""

from __future__ import annotations

from cop_ingest.feeds.parse.common import body_of, newest, storable, this_feed
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.records import Parsed, Record, Refusal
from cop_ingest.traffic_news import parse_traffic_news_v1, parse_traffic_news_v2

_LOADERS = ("source", "message_status", "release")


def parse_v2(payload: Payload) -> Reading:
    """Incidents from the part `news`; Record.id is the incident's number at TD, `IN-26-07201`.

    Of several versions of an incident in one answer the newest stays. Raises NotThisFeed.
    """
    with this_feed():
        parsed = parse_traffic_news_v2(body_of(payload, "news").lstrip())
    return _reading(parsed)


def parse_v1(payload: Payload) -> Reading:
    """Incidents from the part `news`; Record.id is the message's number, `36839`. Raises NotThisFeed."""
    with this_feed():
        parsed = parse_traffic_news_v1(body_of(payload, "news").lstrip())
    return _reading(parsed)


def _reading(parsed: Parsed) -> Reading:
    records = [_keyed(record) for record in parsed.records]
    # An older version of an incident that is here is no message lost; a refusal would keep what is over from ending.
    lost = [refusal for refusal in parsed.refusals if not refusal.reason.startswith("superseded")]
    refusals = [Refusal(one.ordinal, one.reason, storable(one.raw), _ref(one.key) if one.key else None) for one in lost]
    kept = Parsed(records, refusals)
    # The newest announcement's time goes back when its message leaves the list; it does not tell when it was made.
    return Reading(kept, newest(kept, "reported_at"), None)


def _ref(id_: str) -> str:
    return id_.removeprefix("TD:").removeprefix("V1-")


def _keyed(record: Record) -> Record:
    """The incident under its own number: the ID of version 2 is that of one version only."""
    ref = _ref(record.id)
    properties = {name: value for name, value in record.properties.items() if name not in _LOADERS}
    return Record(ref, {**properties, "source_ref": ref}, record.geometry, record.remarks)
