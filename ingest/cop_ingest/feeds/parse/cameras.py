"""TD's list of traffic cameras (cop_ingest.cameras) as a feed: UTF-16, tabs, two byte-order marks. SOURCES 3.16."""

from __future__ import annotations

from cop.catalogue import catalogue
from cop_ingest.cameras import merge_cameras, parse_camera_list
from cop_ingest.feeds.parse.common import body_of, storable, this_feed
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.records import Parsed, Refusal


def parse(payload: Payload) -> Reading:
    """The cameras of the parts `en` and `tc` (if there), one record a camera, by its key.

    The list tells no time. Raises NotThisFeed.
    """
    names = [name for name in ("en", "tc") if name in payload.parts or name == "en"]
    with this_feed():
        lists = [parse_camera_list(body_of(payload, name), name) for name in names]
    parsed = merge_cameras(catalogue().layers["traffic_cameras"], lists)
    refusals = [Refusal(one.ordinal, storable(one.reason), storable(one.raw)) for one in parsed.refusals]
    return Reading(Parsed(parsed.records, refusals), None, None)
