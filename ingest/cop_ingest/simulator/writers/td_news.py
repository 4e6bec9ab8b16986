"""The Transport Department's special traffic news, both versions (SOURCES 3.11, 3.12)."""

from __future__ import annotations

from datetime import datetime
from xml.sax.saxutils import escape

from cop_ingest.simulator.world.news import Message, district_names
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import XML, XSI, element, local, plain

_ROOT = f'<list {XSI} xsi:schemaLocation="https://www.td.gov.hk/tc/special_news/trafficnews.xsd">'
_BODY = (
    "<body xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='http://data.one.gov.hk/td "
    "http://data.one.gov.hk/xsd/td/specialtrafficnews.xsd' xmlns='http://data.one.gov.hk/td'>"
)
_STATUS_ZH = {"NEW": "最新情況", "UPDATED": "更新", "CLOSED": "完結"}
_LANES = {1: ("fast lane", "快線"), 2: ("fast and middle lanes", "快線及中線")}
_ASTERISKS = "\n\n ********************\n "
_APP = (
    'Transport Department has launched the "eTraffic News" mobile application for the latest traffic news.',
    "運輸署現已推出《交通快訊》流動應用程式發布最新的交通消息。",
)


def news_v2(world: World, at: datetime) -> bytes:
    """The list of the second version; it has no messages where there is no news."""
    messages = "".join(_message(message) for message in world.news.at(at))
    return f"{XML}{_ROOT}\n{messages}</list>\n".encode()


def _message(message: Message) -> str:
    district_en, district_zh = district_names(message.district)
    lon, lat = message.position or ("", "")
    content_en, content_zh = contents(message)
    values = (
        ("INCIDENT_NUMBER", message.number),
        ("INCIDENT_HEADING_EN", message.heading[0]), ("INCIDENT_HEADING_CN", message.heading[1]),
        ("INCIDENT_DETAIL_EN", message.detail[0]), ("INCIDENT_DETAIL_CN", message.detail[1]),
        ("LOCATION_EN", message.road[0]), ("LOCATION_CN", wide(message.road[1])),
        ("DISTRICT_EN", district_en), ("DISTRICT_CN", district_zh),
        ("DIRECTION_EN", message.direction[0]), ("DIRECTION_CN", message.direction[1]),
        ("ANNOUNCEMENT_DATE", plain(message.at)),
        ("INCIDENT_STATUS_EN", message.status), ("INCIDENT_STATUS_CN", _STATUS_ZH[message.status]),
        ("NEAR_LANDMARK_EN", message.near[0]), ("NEAR_LANDMARK_CN", message.near[1]),
        ("BETWEEN_LANDMARK_EN", ""), ("BETWEEN_LANDMARK_CN", ""),
        ("ID", message.id),
        ("CONTENT_EN", content_en), ("CONTENT_CN", content_zh),
        ("LATITUDE", lat), ("LONGITUDE", lon),
    )  # fmt: skip
    inner = "".join(f"    {element(name, value)}\n" for name, value in values)
    return f"  <message>\n{inner}  </message>\n"


def wide(road: str) -> str:
    """A road's Chinese name with full-width blanks about its dash, as the department writes it."""
    return road.replace("－", "　–　")


def contents(message: Message) -> tuple[str, str]:
    """What a message says in English and in Chinese."""
    cause_en, cause_zh = message.detail[0].lower(), message.detail[1]
    where_en = f"{message.road[0]} ({message.direction[0]} bound) near {message.near[0]}"
    where_zh = f"{wide(message.road[1])}(往{message.direction[1]}方向)近{message.near[1]}"
    if message.status == "CLOSED":
        return (f"The {cause_en} on {where_en} has been cleared. All lanes are re-opened to all traffic.",
                f"{where_zh}的{cause_zh}已經清理，全線現已重開。{_day(message)}")  # fmt: skip
    if message.closed:
        return (f"Due to {cause_en} , {where_en} is closed to all traffic.",
                f"因{cause_zh}，{where_zh}全線現已封閉。{_day(message)}")  # fmt: skip
    if message.lanes in _LANES:
        lane_en, lane_zh = _LANES[message.lanes]
        verb = "is" if message.lanes == 1 else "are"
        return (f"Due to {cause_en} , the {lane_en} of {where_en} {verb} closed to all traffic.",
                f"因{cause_zh}，{where_zh}的{lane_zh}現已封閉。{_day(message)}")  # fmt: skip
    return f"Due to {cause_en} , traffic is busy on {where_en}.", f"因{cause_zh}，{where_zh}交通繁忙。{_day(message)}"


def _day(message: Message) -> str:
    """Now and then the date, with the compatibility characters (U+2F49, U+2F47) that the department's text has."""
    at = local(message.at)
    return f"({at.year}年{at.month}\u2f49{at.day}\u2f47更新)" if message.id % 4 == 0 else ""


def news_v1(world: World, at: datetime) -> bytes:
    """The same news as free text, in the first version's namespace."""
    messages = "".join(_free(message) for message in world.news.at(at))
    return f"<?xml version='1.0' encoding='utf-8'?>\n {_BODY}\n{messages} </body>\n".encode()


def _free(message: Message) -> str:
    english, chinese = (text + _ASTERISKS + app for text, app in zip(contents(message), _APP, strict=True))
    name_en, _ = district_names(message.district)
    listed = f"\n                    {escape(name_en)}" if name_en else ""
    values = (
        ("msgID", message.id), ("CurrentStatus", 3 if message.status == "CLOSED" else 2),
        ("ChinText", chinese), ("ChinShort", chinese), ("EngText", english), ("EngShort", english),
        ("ReferenceDate", marked(message.at)), ("IncidentRefNo", message.number),
        ("CountofDistricts", int(bool(name_en))),
    )  # fmt: skip
    inner = "".join(f"                    <{name}>{escape(str(value))}</{name}>\n" for name, value in values)
    districts = f"                    <ListOfDistrict>{listed}\n                    </ListOfDistrict>\n"
    return f"                <message>\n{inner}{districts}                </message>\n"


def marked(at: datetime) -> str:
    """` 2017/9/16 上午 07:20:43`: a blank before it, and the Chinese marker of the half of the day."""
    here = local(at)
    half = "上午" if here.hour < 12 else "下午"
    return f" {here.year}/{here.month}/{here.day} {half} {(here.hour - 1) % 12 + 1:02d}:{here:%M:%S}"
