"""TD's journey time indicators: what the boards before the tunnels show. SOURCES 3.15."""

from __future__ import annotations

from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

from cop_ingest.feeds.parse.common import collect, line_of, newest, wanted_text, wanted_time, whole_of, xml_part
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.records import Record, id_from_value
from cop_ingest.xmlsafe import fields_of, local_name

_LEVELS = {"1": "congested", "2": "slow", "3": "smooth"}
_GRAPHIC_CLOSED = 3


def parse(payload: Payload) -> Reading:
    """One record a board and destination from the part `all`; Record.id is `<board>-<destination>`.

    Minutes are null where the board shows none (-1), and for graphic boards, whose figure is a level. Options:
    `destinations`, code to names in both languages. Raises NotThisFeed.
    """
    root = xml_part(payload, "all", "jtis_journey_list")
    boards = [child for child in root if local_name(child) == "jtis_journey_time"]
    parsed = collect(
        enumerate(boards, 1), partial(_record, names=payload.options.get("destinations", {})), "observed_at"
    )
    return Reading(parsed, newest(parsed, "observed_at"), None)


def _record(board: Element, names: dict[str, Any]) -> Record:
    fields = fields_of(board)
    location = wanted_text(fields.get("LOCATION_ID"), "LOCATION_ID")
    destination = wanted_text(fields.get("DESTINATION_ID"), "DESTINATION_ID")
    id_ = id_from_value(f"{location}-{destination}")
    if not id_:
        raise ValueError("LOCATION_ID and DESTINATION_ID: wanted letters and digits")
    told = whole_of(fields.get("JOURNEY_DATA"), "JOURNEY_DATA", 0, 600, ("-1",))
    graphic = line_of(fields.get("JOURNEY_TYPE")) == "2"
    colour = line_of(fields.get("COLOUR_ID"))
    minutes = None if graphic else told
    properties: dict[str, object] = {
        "location_id": location,
        "destination_id": destination,
        "destination_en": names.get(destination, {}).get("en"),
        "destination_zh": names.get(destination, {}).get("zh"),
        "observed_at": wanted_time(fields.get("CAPTURE_DATE"), "CAPTURE_DATE"),
        "minutes": minutes,
        "state": _state(told, colour, graphic=graphic),
        "graphic": graphic,
        "text": line_of(fields.get("JOURNEY_DESC")),
    }
    remarks = () if destination in names else (f"the destination {destination[:40]} has no known name",)
    return Record(id_, properties, None, remarks)


def _state(told: int | None, colour: str | None, *, graphic: bool) -> str:
    """Traffic on the way in a word; a colour without a value tells nothing."""
    if graphic and told == _GRAPHIC_CLOSED:
        return "closed"
    return _LEVELS.get(colour or "", "unknown") if told is not None else "unknown"
