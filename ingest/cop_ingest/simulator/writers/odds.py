"""Lampposts, closed trails and press releases (SOURCES 3.23 and numbers 26, 27)."""

from __future__ import annotations

from datetime import datetime, timedelta

from cop_ingest.scenario.calendar import DAY_EVENT, SIGNALS, WARNING_NAMES
from cop_ingest.simulator.chance import number, share
from cop_ingest.simulator.world.services import CLOSED_FROM, trail_closed
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.hko_weather import celsius, humidity
from cop_ingest.simulator.writers.text import XML, as_json, element, local, rfc822
from cop_ingest.territory.names_nature import TRAIL_SECTIONS

LAMPPOSTS = 71


def lamppost(world: World, at: datetime, post: str, device: str) -> bytes:
    """What a lamppost measures; its time is compact, in Hong Kong time."""
    here = at.replace(minute=at.minute // 10 * 10, second=0, microsecond=0)
    stamp = local(here).strftime("%Y%m%d%H%M%S")
    gust = world.winds.gust(here) / 3.6
    body = {
        "RH": f"{humidity(world, here):.1f}", "T0": f"{celsius(world, post, here):.1f}", "TS": stamp, "VN": "1.0",
        "WS": f"{gust * 0.3 * (0.7 + 0.6 * share(world.seed, 'lamp', post, here)):.0f}",
        "WD": str(number(world.seed, "lamp way", post, here) % 360), "DH": "12", "TP": stamp,
    }  # fmt: skip
    return as_json({"BD": "00", "DI": device, "GI": "00", "PI": post, "TS": "0", "BODY": {"HKO": body}})


def lamppost_list(world: World, _: datetime) -> bytes:
    """Where the lampposts stand: 71 of them beside the detectors' roads."""
    spots = world.traffic.detectors[:: max(1, len(world.traffic.detectors) // LAMPPOSTS)][:LAMPPOSTS]
    posts = [
        {"PI": f"GF{3600 + count}", "DI": "01", "lat": round(spot.lat, 6), "lon": round(spot.lon, 6)}
        for count, spot in enumerate(spots)
    ]
    return as_json(posts)


def trails(_: World, at: datetime) -> bytes:
    """Closed trails as GeoJSON lines; dates are epoch milliseconds. Empty before they are closed."""
    features = []
    for count, section in enumerate(TRAIL_SECTIONS if trail_closed(at) else (), 1):
        told = {
            "OBJECTID": count,
            "TRAIL_ID": f"T{count:03d}",
            "TRAIL_NAME_EN": f"{section.trail_en} Section {section.number}",
            "TRAIL_NAME_TC": f"{section.trail_zh}第{section.number}段",
            "LOCATION_EN": f"{section.from_en} to {section.to_en}",
            "LOCATION_TC": f"{section.from_zh}至{section.to_zh}",
            "STATUS_EN": "Temporary closed",
            "STATUS_TC": "暫時封閉",
            "EFFECTIVE_DATE": _milliseconds(CLOSED_FROM),
            "EXPECTED_EXPIRY_DATE": _milliseconds(CLOSED_FROM + timedelta(days=4)),
        }
        line = {"type": "LineString", "coordinates": [list(point) for point in section.course]}
        features.append({"type": "Feature", "id": count, "geometry": line, "properties": told})
    return as_json({"type": "FeatureCollection", "features": features})


_FACILITIES = (("Barbecue site", "燒烤場"), ("Campsite", "營地"), ("Visitor centre", "遊客中心"))


def facilities(_: World, at: datetime) -> bytes:
    """Closed facilities at the ends of the trails' sections."""
    features = []
    for count, section in enumerate(TRAIL_SECTIONS[::2] if trail_closed(at) else (), 1):
        kind_en, kind_zh = _FACILITIES[count % 3]
        told = {"OBJECTID": count, "FAC_ID": f"F{count:03d}", "FACILITY_TYPE_EN": kind_en, "FACILITY_TYPE_TC": kind_zh,
                "LOCATION_EN": section.from_en, "LOCATION_TC": section.from_zh, "STATUS_EN": "Temporary closed",
                "STATUS_TC": "暫時封閉", "EFFECTIVE_DATE": _milliseconds(CLOSED_FROM),
                "EXPECTED_EXPIRY_DATE": _milliseconds(CLOSED_FROM + timedelta(days=4))}  # fmt: skip
        point = {"type": "Point", "coordinates": list(section.course[0])}
        features.append({"type": "Feature", "id": count, "geometry": point, "properties": told})
    return as_json({"type": "FeatureCollection", "features": features})


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def press(_: World, at: datetime, language: str) -> bytes:
    """Press releases as RSS: one for each warning of the day, the newest first."""
    items = []
    for signal in sorted(SIGNALS, key=lambda one: one.issued_at, reverse=True):
        if signal.event != DAY_EVENT or signal.issued_at > at:
            continue
        name = WARNING_NAMES[signal.code][language != "en"]
        title = f"{name} issued (exercise)" if language == "en" else f"{name}發出（演習）"
        link = (
            f"https://www.info.gov.hk/gia/general/{local(signal.issued_at):%Y%m/%d}/P{signal.issued_at:%Y%m%d%H%M}.htm"
        )
        inner = [element("title", title), element("link", link), element("guid", link),
                 element("pubDate", rfc822(signal.issued_at))]  # fmt: skip
        items.append("<item>" + "".join(inner) + "</item>\n")
    tongue = "en" if language == "en" else "zh-hk"
    head = "".join([
        element("title", "Press Releases" if language == "en" else "新聞公報"),
        element("link", "https://www.info.gov.hk/gia/general/today.htm"),
        element("language", tongue), element("lastBuildDate", rfc822(at)),
    ])  # fmt: skip
    return f'{XML}<rss version="2.0">\n<channel>\n{head}\n{"".join(items)}</channel>\n</rss>\n'.encode()
