"""WSD's water suspensions: pipe-separated, about 190 rows. SOURCES 3.22; the form of its times is not verified."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cop_ingest.district_names import district_code
from cop_ingest.feeds.parse.common import collect, line_of, row_checked, rows_of, time_of, wanted_text
from cop_ingest.feeds.payload import Payload, Reading
from cop_ingest.records import Record, id_from_value
from cop_ingest.texts import matching_form

_HEADER = ("SUSPENSION_ID", "SUSPENSION_DATE_TIME", "ACTUAL_RESUMPTION_DATE_TIME", "DISTRICT_ENG", "STATUS")
_STATUSES = {"suspended": "suspended", "resumed": "resumed", "scheduled": "planned", "planned": "planned"}


def parse(payload: Payload) -> Reading:
    """The suspensions of the part `all`; Record.id is the suspension's number. Raises NotThisFeed."""
    return Reading(collect(rows_of(payload, "all", _HEADER), _record, key_of=_ref), None, None)


def _ref(row: Mapping[str, str]) -> str:
    number = wanted_text(row.get("SUSPENSION_ID"), "SUSPENSION_ID")
    ref = f"WSD-{id_from_value(number)}"
    if ref == "WSD-":
        raise ValueError(f"SUSPENSION_ID: found {number!r}, wanted letters and digits")
    return ref


def _record(row: Mapping[str, str]) -> Record:
    row = row_checked(row)
    ref = _ref(row)
    district = district_code(row.get("DISTRICT_ENG")) or district_code(row.get("DISTRICT_ZHT"))
    resumed_at = time_of(row.get("ACTUAL_RESUMPTION_DATE_TIME"), "ACTUAL_RESUMPTION_DATE_TIME")
    status = _STATUSES.get(matching_form(row["STATUS"]))
    address = [line_of(row.get(f"LONG_ADDRESS{tail}")) for tail in ("", "_ZHT")]
    remarks = [] if district else [f"{row['DISTRICT_ENG'][:60]!r} is none of the 18 districts"]
    if status is None and resumed_at is None:
        remarks.append(f"STATUS: {row['STATUS'][:60]!r} is not known")
    suspended_at, unread = _suspended_at(row)
    remarks += unread
    properties: dict[str, object] = {
        "suspension_no": line_of(row.get("SUSPENSION_ID")),
        "title_en": address[0],
        "title_zh": address[1],
        "water_en": line_of(row.get("WATER_TYPE_DESCRIPTION")),
        "water_zh": line_of(row.get("WATER_TYPE_DESCRIPTION_ZHT")),
        "nature_en": line_of(row.get("NATURE_DESCRIPTION")),
        "nature_zh": line_of(row.get("NATURE_DESCRIPTION_ZHT")),
        "cause_en": line_of(row.get("CAUSE")),
        "cause_zh": line_of(row.get("CAUSE_ZHT")),
        "district": district,
        "state": "resumed" if resumed_at else status or "unknown",
        "status_en": line_of(row.get("STATUS")),
        "status_zh": line_of(row.get("STATUS_ZHT")),
        "suspended_at": suspended_at,
        "resumed_at": resumed_at,
        "ended_at": None,
        "department": "WSD",
        "source_ref": ref,
    }
    return Record(ref, properties, None, tuple(remarks))


def _suspended_at(row: Mapping[str, str]) -> tuple[datetime | None, list[str]]:
    """When the water went off, or null and a remark: a suspension is not lost over the form of its time."""
    try:
        at = time_of(row.get("SUSPENSION_DATE_TIME"), "SUSPENSION_DATE_TIME")
    except ValueError as exc:
        return None, [str(exc)]
    return at, [] if at else ["SUSPENSION_DATE_TIME: is missing"]
