"""Whatever bytes come, a parser answers with records and refusals or raises LoadRefused, nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cop.catalogue import load_catalogue
from cop.errors import LoadRefused
from cop.resources import resource
from cop_ingest.cameras import merge_cameras, parse_camera_list
from cop_ingest.traffic_news import parse_traffic_news_v1, parse_traffic_news_v2
from cop_ingest.vector import read_vector
from cop_ingest.wind import parse_wind

LAYERS = load_catalogue(resource("layers")).layers
PUBLISHED = datetime(2025, 9, 23, 6, 20, tzinfo=UTC)
CALM = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

WIND = (
    "\ufeffDate time,Automatic Weather Station,10-Minute Mean Wind Direction(Compass points),"
    "10-Minute Mean Speed(km/hour),10-Minute Maximum Gust(km/hour)\n"
    "202509231410,Kai Tak,North,17,30\n202509231410,Tate's Cairn,,40,53"
).encode()
NEWS_V1 = """<?xml version='1.0' encoding='utf-8'?><body xmlns='http://data.one.gov.hk/td'><message>
<msgID>36839</msgID><CurrentStatus>3</CurrentStatus><ChinText>因水管爆裂，昌榮路封閉。</ChinText>
<EngText>Due to watermain burst, a lane is closed.</EngText>
<ReferenceDate> 2017/9/16 上午 07:20:43</ReferenceDate></message></body>""".encode()
NEWS_V2 = """<list><message><INCIDENT_NUMBER>IN-26-1</INCIDENT_NUMBER>
<LOCATION_CN>青山公路　–　元朗段</LOCATION_CN>
<ANNOUNCEMENT_DATE>2026-09-30T19:15:00</ANNOUNCEMENT_DATE><INCIDENT_STATUS_EN>NEW</INCIDENT_STATUS_EN>
<LATITUDE>22.3</LATITUDE><LONGITUDE>114.1</LONGITUDE></message></list>""".encode()
CAMERAS_CSV = b"\xff\xfe\xff\xfe" + (
    "key\tregion\tdistrict\tdescription\teasting\tnorthing\tlatitude\tlongitude\turl\r\n"
    "H429F\tHong Kong Island\tSouthern\tAberdeen Praya Road\t833514\t812196\t22.2485255\t114.1501576\tu\r\n"
).encode("utf-16-le")
CAMERAS_JSON = json.dumps([{"key": "K", "easting": 833514, "northing": 812196, "latitude": None}]).encode()
CAMERAS_XML = (
    "<image-list><image><key>K</key><chinese-description>香港仔</chinese-description></image></image-list>"
).encode()


def _cameras(body: bytes) -> None:
    parsed = merge_cameras(LAYERS["traffic_cameras"], [parse_camera_list(body, "cameras")])
    for record in parsed.records:
        str(record).encode()


PARSERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "wind": (lambda body: parse_wind(body, PUBLISHED), WIND),
    "news v1": (parse_traffic_news_v1, NEWS_V1),
    "news v2": (parse_traffic_news_v2, NEWS_V2),
    "cameras csv": (_cameras, CAMERAS_CSV),
    "cameras json": (_cameras, CAMERAS_JSON),
    "cameras xml": (_cameras, CAMERAS_XML),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_body_cut_at_any_byte(name: str) -> None:
    parse, body = PARSERS[name]
    parse(body)
    for length in range(len(body)):
        with suppress(LoadRefused):
            parse(body[:length])


@pytest.mark.parametrize("name", PARSERS)
@CALM
@given(data=st.data())
def test_a_body_with_bytes_changed(name: str, data: st.DataObject) -> None:
    parse, body = PARSERS[name]
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(LoadRefused):
        parse(bytes(changed))


@pytest.mark.parametrize("name", PARSERS)
@CALM
@given(body=st.binary(max_size=200))
@example(body=b"[" * 100_000)
@example(body=b"\xff\xfe")
@example(body=b"\0\0\0\0")
@example(body=b"[1, null]")
@example(body=b'[{"key": "a\\ud800", "region": "\\u0000", "latitude": "\\ud800", "longitude": "1e999"}]')
@example(body=b"<a/>")
def test_any_bytes(name: str, body: bytes) -> None:
    with suppress(LoadRefused):
        PARSERS[name][0](body)


@pytest.mark.parametrize("name", PARSERS)
@CALM
@given(text=st.text(max_size=40))
def test_any_text_in_a_field(name: str, text: str) -> None:
    parse, body = PARSERS[name]
    for field in (b"K", b"NEW", b"17", b"36839", b"833514"):
        with suppress(LoadRefused):
            parse(body.replace(field, text.encode("utf-8", "replace")))


AREA = {"type": "Polygon", "coordinates": [[[114.2, 22.3], [114.3, 22.3], [114.3, 22.4], [114.2, 22.3]]]}
NAMES = {"AREA_CODE": "KT", "NAME_EN": "a", "NAME_TC": "觀塘", "BEGIN_LIFESPAN": "20160101"}
DISTRICT = {"type": "Feature", "properties": NAMES, "geometry": AREA}
GEOJSON = json.dumps({"type": "FeatureCollection", "features": [DISTRICT]}, ensure_ascii=False).encode()
GML = """<c xmlns:gml="http://www.opengis.net/gml/3.2" xmlns="http://example.org/t">
<gml:featureMember><d gml:id="d">
<AREA_CODE>KT</AREA_CODE><NAME_EN>a</NAME_EN><NAME_TC>觀塘</NAME_TC><BEGIN_LIFESPAN>20160101</BEGIN_LIFESPAN>
<g><gml:Polygon gml:id="p" srsName="urn:ogc:def:crs:EPSG::2326">
<gml:exterior><gml:LinearRing><gml:posList>
819000 836000 819000 837000 820000 837000 819000 836000</gml:posList></gml:LinearRing>
</gml:exterior></gml:Polygon></g>
</d></gml:featureMember></c>""".encode()


@pytest.mark.parametrize(("name", "body"), [("a.geojson", GEOJSON), ("a.gml", GML)])
def test_a_vector_file_cut_at_any_byte(tmp_path: Path, name: str, body: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    assert [record.id for record in read_vector(LAYERS["districts"], path).records] == ["KT"]
    for length in range(0, len(body.rstrip()), 3):
        path.write_bytes(body[:length])
        with pytest.raises(LoadRefused, match=name):
            read_vector(LAYERS["districts"], path)


@CALM
@given(data=st.data())
def test_a_geojson_with_bytes_changed(tmp_path: Path, data: st.DataObject) -> None:
    changed = bytearray(GEOJSON)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.geojson"
    path.write_bytes(bytes(changed))
    with suppress(LoadRefused):
        read_vector(LAYERS["districts"], path)


@CALM
@given(body=st.binary(max_size=300))
def test_a_table_of_any_bytes(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"name_en,name_tc,latitude,longitude\n" + body)
    with suppress(LoadRefused):
        read_vector(LAYERS["weather_stations"], path)
