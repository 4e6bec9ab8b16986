"""The addresses that the simulator answers, each with its feed, its rhythm and its writer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cop_ingest.simulator.publishing import (
    Published,
    bulletins,
    every,
    news_change,
    once,
    warnings_change,
    wind_files,
)
from cop_ingest.simulator.world import cyclone
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers import (
    health_and_water,
    hko_cyclone,
    hko_grid,
    hko_warnings,
    hko_weather,
    odds,
    td_lists,
    td_news,
    td_traffic,
    transport,
)

Asked = Mapping[str, str]
"""What was asked: the named parts of the path, and the query's parameters."""
Write = Callable[[World, datetime, Asked], bytes | None]

JSON, CSV, XML = "application/json", "text/csv", "application/xml"


@dataclass(frozen=True)
class Endpoint:
    """An address: host, a pattern of the path, parameters that must be so, media type, rhythm, writer.

    `feed` is the id of the feed in ingest/feeds that asks there, `also` that of a second one.

    The writer's bytes depend on nothing but the world, the time of publication and what was asked; None is 404.
    """

    feed: str
    host: str
    path: str
    media: str
    published: Published
    write: Write
    query: Mapping[str, str] = field(default_factory=dict)
    also: str | None = None

    def asked(self, host: str, path: str, query: Mapping[str, str]) -> Asked | None:
        """What is asked of it by an address, None where the address is another's."""
        found = re.fullmatch(self.path, path) if host == self.host else None
        if found is None or any(query.get(name) != value for name, value in self.query.items()):
            return None
        return {**query, **found.groupdict()}


def find(endpoints: list[Endpoint], host: str, path: str, query: Mapping[str, str]) -> tuple[Endpoint, Asked] | None:
    """The endpoint that an address belongs to, with what is asked."""
    for endpoint in endpoints:
        asked = endpoint.asked(host, path, query)
        if asked is not None:
            return endpoint, asked
    return None


def _lang(write: Callable[[World, datetime, str], bytes]) -> Write:
    """A writer that wants the language: en, tc or sc, from the path or the query."""

    def written(world: World, at: datetime, asked: Asked) -> bytes | None:
        language = asked.get("lang", "en").lower()
        return write(world, at, language) if language in ("en", "tc", "sc") else None

    return written


def _bare(write: Callable[[World, datetime], bytes]) -> Write:
    return lambda world, at, _: write(world, at)


def endpoints() -> list[Endpoint]:
    """All addresses; where two would match the first counts."""
    return [*_hko(), *_td(), *_others()]


_OPEN_DATA = r"weatherAPI/opendata/"
_STATIONS = r"weatherAPI/hko_data/regional-weather/"


def _hko() -> Iterator[Endpoint]:
    host = "data.weather.gov.hk"
    weather = _OPEN_DATA + r"weather\.php"
    for feed, kind, published, write in (
        ("hko_warnsum", "warnsum", warnings_change, hko_warnings.warnsum),
        ("hko_warninginfo", "warningInfo", warnings_change, hko_warnings.warning_information),
        ("hko_swt", "swt", warnings_change, hko_warnings.special_tips),
        ("hko_rhrread", "rhrread", every(60, 2), hko_weather.current_weather),
    ):
        second = "hko_rhrread_rain" if kind == "rhrread" else None
        yield Endpoint(feed, host, weather, JSON, published, _lang(write), {"dataType": kind}, second)
    rain = _OPEN_DATA + r"hourlyRainfall\.php"
    yield Endpoint("hko_hourly_rainfall", host, rain, JSON, every(15, 2), _lang(hko_weather.hourly_rainfall))
    wind = _STATIONS + r"latest_10min_wind(_uc)?\.csv"
    yield Endpoint("hko_wind_10min", host, wind, CSV, wind_files, _bare(lambda world, at: world.winds.at(at).body))
    warm = _STATIONS + r"latest_1min_temperature(_uc)?\.csv"
    yield Endpoint("hko_temperature", host, warm, CSV, every(10, 2), _lang(hko_weather.temperature_csv))
    grid = r"weatherAPI/hko_data/F3/Gridded_rainfall_nowcast(_uc)?\.csv"
    yield Endpoint("hko_nowcast", host, grid, CSV, every(12, 4), _lang(hko_grid.nowcast))
    www = "www.weather.gov.hk"
    yield Endpoint("hko_cyclones", www, r"wxinfo/currwx/tc_list\.xml", XML, bulletins,
                   _bare(hko_cyclone.cyclone_list))  # fmt: skip
    yield Endpoint("hko_cyclones", www, rf"wxinfo/currwx/hko_tctrack_{cyclone.ID}\.xml", XML, bulletins,
                   _bare(hko_cyclone.track))  # fmt: skip
    fields = _OPEN_DATA + r"opendata\.php"
    yield Endpoint("hko_visibility", host, fields, JSON, every(10, 3), _lang(hko_weather.visibility),
                   {"dataType": "LTMV"})  # fmt: skip
    yield Endpoint("hko_lightning", host, fields, JSON, every(60, 15), _lang(hko_weather.lightning_count),
                   {"dataType": "LHL"})  # fmt: skip
    for kind in ("HHOT", "HLT"):
        yield Endpoint("hko_tide", host, fields, JSON, once, _tide, {"dataType": kind})
    quake = _OPEN_DATA + r"earthquake\.php"
    for feed, kind, felt in (("hko_earthquake", "qem", False), ("hko_felt_earthquake", "feltearthquake", True)):
        yield Endpoint(feed, host, quake, JSON, once, _quake(felt), {"dataType": kind})
    lamps = r"weatherAPI/smart-lamppost/smart-lamppost\.php"
    yield Endpoint("hko_lampposts", host, lamps, JSON, every(10, 3), _lamppost)
    listed = r"common/hko_data/smart-lamppost/files/smart_lamppost_met_device_location\.json"
    yield Endpoint("hko_lampposts", "www.hko.gov.hk", listed, JSON, once, _bare(odds.lamppost_list))


def _tide(_: World, __: datetime, asked: Asked) -> bytes | None:
    year = asked.get("year", "")
    if not re.fullmatch(r"20\d\d", year):
        return None
    return hko_weather.tide(asked.get("station", ""), asked["dataType"], int(year))


def _quake(felt: bool) -> Write:
    return lambda _world, _at, _asked: hko_weather.earthquake(felt=felt)


def _lamppost(world: World, at: datetime, asked: Asked) -> bytes | None:
    post = asked.get("pi", "")
    return odds.lamppost(world, at, post, asked.get("di", "01")) if re.fullmatch(r"[A-Z]{2}\d{4}", post) else None


def _td() -> Iterator[Endpoint]:
    one, static = "resource.data.one.gov.hk", "static.data.gov.hk"
    yield Endpoint("td_news_v2", "www.td.gov.hk", r"(en|tc|sc)/special_news/trafficnews\.xml", XML, news_change,
                   _bare(td_news.news_v2))  # fmt: skip
    yield Endpoint("td_news_v1", one, r"td/(en|tc|sc)/specialtrafficnews\.xml", XML, news_change,
                   _bare(td_news.news_v1))  # fmt: skip
    detectors = r"td/traffic-detectors/"
    yield Endpoint("td_detectors", one, detectors + r"rawSpeedVol-all\.xml", XML, every(1), _bare(td_traffic.raw_speed))
    yield Endpoint("td_segment_speeds", one, detectors + r"irnAvgSpeed-all\.xml", XML, every(2),
                   _bare(td_traffic.segment_speed))  # fmt: skip
    yield Endpoint("td_journey_times", one, r"td/jss/Journeytimev2\.xml", XML, every(2),
                   _bare(td_traffic.journey_times))  # fmt: skip
    info = r"td/traffic-data-strategic-major-roads/info/traffic_speed_volume_occ_info\.csv"
    yield Endpoint("td_detectors", static, info, CSV, once, _bare(td_traffic.detector_list))
    cameras = r"td/traffic-snapshot-images/code/Traffic_Camera_Locations_(?P<lang>En|Tc|Sc)\."
    yield Endpoint("td_cameras", static, cameras + "csv", CSV, once, _lang(td_lists.camera_csv))
    yield Endpoint("td_cameras", static, cameras + "xml", XML, once, _lang(td_lists.camera_xml))
    yield Endpoint("td_cameras", td_lists.IMAGE_HOST, r"(?P<key>[A-Z0-9]+)\.JPG", "image/jpeg", every(2), _picture)
    yield Endpoint("td_car_parks", one, r"td/carpark/vacancy_all\.json", JSON, every(1), _bare(td_lists.vacancies))
    yield Endpoint("td_car_parks", one, r"td/carpark/basic_info_all\.json", JSON, every(60),
                   _bare(td_lists.car_park_list))  # fmt: skip
    works = r"td/roadworks-location/get_all_the_roadworks\."
    yield Endpoint("td_roadworks", one, works + "json", JSON, every(60), _bare(td_lists.roadworks))
    yield Endpoint("td_roadworks", one, works + "geojson", JSON, every(60), _bare(td_lists.roadworks_geojson))


def _picture(world: World, at: datetime, asked: Asked) -> bytes | None:
    return td_lists.camera_picture(world, at, asked["key"])


def _others() -> Iterator[Endpoint]:
    yield Endpoint("ha_waiting", "www.ha.org.hk", r"opendata/aed/aedwtdata2-(?P<lang>en|tc|sc)\.json", JSON,
                   every(15, 4), _lang(health_and_water.waiting_times))  # fmt: skip
    epd = r"epd/ddata/html/out/"
    yield Endpoint("epd_aqhi", "www.aqhi.gov.hk", epd + r"aqhi_ind_rss_(?P<name>Eng|ChT|ChS)\.xml", XML, every(60, 35),
                   lambda world, at, asked: health_and_water.air_quality(world, at, asked["name"]))  # fmt: skip
    yield Endpoint("epd_pollutants", "www.aqhi.gov.hk", epd + r"24pc_Eng\.xml", XML, every(60, 35),
                   _bare(health_and_water.pollutants))  # fmt: skip
    yield Endpoint("immd_queues", "secure1.info.gov.hk",
                   r"immd/mobileapps/2bb9ae17/data/CPQueueTime(?P<way>[RV])\.json", JSON, every(15),
                   lambda world, at, asked: health_and_water.control_points(world, at, asked["way"]))  # fmt: skip
    yield Endpoint("wsd_suspensions", "www.esd.wsd.gov.hk", r"wsms_open_data/WSMS_OPEN_DATA\(all\)\.csv", CSV, every(5),
                   _bare(health_and_water.water_suspensions))  # fmt: skip
    server = r"server/rest/services/common/"
    for feed, dataset, write in (
        ("afcd_trails", "afcd_rcd_1742550096880_1424", odds.trails),
        ("afcd_facilities", "afcd_rcd_1728897009646_22480", odds.facilities),
    ):
        yield Endpoint(feed, "portal.csdi.gov.hk", rf"{server}{dataset}/FeatureServer/0/query",
                       "application/geo+json", every(60), _bare(write))  # fmt: skip
    yield from _transport()
    for language in ("en", "zh"):
        yield Endpoint(f"isd_press_{language}", "www.info.gov.hk", rf"gia/rss/general_(?P<name>{language})\.xml", XML,
                       warnings_change, lambda world, at, asked: odds.press(world, at, asked["name"]))  # fmt: skip


def _transport() -> Iterator[Endpoint]:
    rt = "rt.data.gov.hk"
    yield Endpoint("mtr_next_train", rt, r"v1/transport/mtr/getSchedule\.php", JSON, every(1 / 6),
                   lambda world, at, asked: transport.next_trains(world, at, asked.get("line", ""),
                                                                  asked.get("sta", "")))  # fmt: skip
    yield Endpoint("kmb_eta", "data.etabus.gov.hk",
                   r"v1/transport/kmb/eta/(?P<stop>\w+)/(?P<route>\w+)/(?P<type>\d)", JSON, every(1),
                   lambda world, at, asked: transport.kmb_arrivals(world, at, asked["stop"], asked["route"],
                                                                   asked["type"]))  # fmt: skip
    yield Endpoint("ctb_eta", rt, r"v2/transport/citybus/eta/CTB/(?P<stop>\w+)/(?P<route>\w+)", JSON, every(1),
                   lambda world, at, asked: transport.citybus_arrivals(world, at, asked["stop"],
                                                                       asked["route"]))  # fmt: skip
    yield Endpoint("gmb_eta", "data.etagmb.gov.hk", r"eta/route-stop/(?P<route>\d+)/(?P<stop>\d+)", JSON, every(1),
                   lambda world, at, asked: transport.minibus_arrivals(world, at, asked["route"],
                                                                       asked["stop"]))  # fmt: skip
    md = "www.mardep.gov.hk"
    yield Endpoint("md_ferries", md, r"e_files/hk/opendata/arrival_tc\.csv", CSV, every(5), _bare(transport.ferries))
    yield Endpoint("md_vessels", md, r"(e_files/)?en/opendata/RN0010\.XML", XML, every(20), _bare(transport.vessels))
