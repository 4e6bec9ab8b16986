"""Every quirk of the sources that is written down has a test, and a record that cannot be read is known by its key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cop_ingest.feeds.payload import Reading

TESTS = Path(__file__).parent.parent
DOCUMENT = TESTS.parent / "docs" / "feed-formats.md"
Read = Callable[..., Reading]

QUIRKS = (
    "without zone", "12-hour Chinese", "previous day", "epoch milliseconds", "byte-order marks", "compatibility characters",
    "zero volume", "`M`", "`N/A`", "`-1`", "`99`", "`{}`", "published twice", "late files", "ends by disappearing",
)  # fmt: skip


def test_every_quirk_has_a_test_that_is_there() -> None:
    table = DOCUMENT.read_text(encoding="utf-8").partition("## Which test keeps which quirk")[2].partition("\n## ")[0]
    named = re.findall(r"`(test_\w+)`", table)
    there = set(
        re.findall(r"^def (test_\w+)", "\n".join(f.read_text() for f in TESTS.rglob("test_*.py")), re.MULTILINE)
    )
    assert len(named) > 40
    assert [name for name in named if name not in there] == []
    rows = [line for line in table.splitlines() if "`test_" in line]
    assert [quirk for quirk in QUIRKS if not any(quirk in row.split("| `test_")[0] for row in rows)] == []


WARNING = {"code": "TC8NE", "actionCode": "ISSUE", "issueTime": "2025-09-23T14:20:00+08:00", "updateTime": "then"}
MESSAGE = (
    "<list><message><INCIDENT_NUMBER>IN-26-1</INCIDENT_NUMBER><INCIDENT_HEADING_EN>x</INCIDENT_HEADING_EN>"
    "<ANNOUNCEMENT_DATE>then</ANNOUNCEMENT_DATE></message></list>"
)
HEADER = "SUSPENSION_ID|DISTRICT_ENG|SUSPENSION_DATE_TIME|ACTUAL_RESUMPTION_DATE_TIME|STATUS\n"
TRAIL = {"attributes": {"TRAIL_ID": 7}, "properties": {"TRAIL_ID": 7, "EFFECTIVE_DATE": "then"}, "type": "Feature"}

BAD = {
    "hko_warnsum": ({"en": {"WTCSGNL": WARNING}}, "TC8NE-20250923T0620Z"),
    "td_news_v2": ({"news": MESSAGE}, "IN-26-1"),
    "td_news_v1": ({"news": "<body><message><msgID>9</msgID></message></body>"}, "9"),
    "wsd_suspensions": ({"all": HEADER + "12|Sha Tin||then|x"}, "WSD-12"),
    "hko_warninginfo": ({"en": {"details": [{"warningStatementCode": "WL", "contents": []}]}}, "WL"),
    "afcd_trails": ({"all": {"type": "FeatureCollection", "features": [TRAIL]}}, "AFCD-T-7"),
    "td_roadworks": ({"all": [{"roadworks_id": "1", "starttime": "then"}]}, "TD-RW-1"),
}


@pytest.mark.parametrize("feed", BAD)
def test_a_record_that_cannot_be_read_is_known_by_its_key(read: Read, feed: str) -> None:
    parts, key = BAD[feed]
    parsed = read(feed, **parts).parsed
    assert ([record.id for record in parsed.records], [refusal.key for refusal in parsed.refusals]) == ([], [key])


def test_an_incident_is_reported_when_its_first_version_was_announced(read: Read) -> None:
    versions = "".join(
        f"<message><INCIDENT_NUMBER>IN-26-1</INCIDENT_NUMBER><INCIDENT_HEADING_EN>{at}</INCIDENT_HEADING_EN>"
        f"<ANNOUNCEMENT_DATE>2026-09-30T19:{at}:00</ANNOUNCEMENT_DATE><INCIDENT_STATUS_EN>UPDATED</INCIDENT_STATUS_EN>"
        f"<ID>{at}</ID></message>"
        for at in (30, 45, 10, 20)
    )
    (record,) = read("td_news_v2", news=f"<list>{versions}</list>").parsed.records
    assert (record.properties["title_en"], f"{record.properties['reported_at']:%H:%M}") == ("45", "11:10")
