"""Drawers of drains and storage tanks, flooding blackspots and the low coast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Point

from cop_ingest.territory.base import Drawer, Feature, Territory, in_degrees, in_metres, points, to_metres
from cop_ingest.territory.limits import pairs
from cop_ingest.territory.named import Spot, spots
from cop_ingest.territory.relief_map import stream_lines

_CHANNELS = 1400
_CHANNEL_BELOW_M = 70.0

TANKS = spots("""
Tai Hang Tung Stormwater Storage Tank|大坑東蓄洪池|114.1695|22.3285
Sheung Wan Stormwater Pumping Station|上環雨水泵房|114.1505|22.2860
Happy Valley Underground Stormwater Storage Tank|跑馬地地下蓄洪池|114.1825|22.2700
Anderson Road Quarry Flood Lake|安達臣道石礦場人工湖|114.2305|22.3270
Tsim Kan Uk Floodwater Pumping Station|尖鼻咀泵房|114.0080|22.4770
San Tin Polder Floodwater Pumping Station|新田防洪泵房|114.0720|22.4960
""")

_RIVERS = tuple(
    tuple(line.split("|"))
    for line in (Path(__file__).parent / "data" / "rivers.txt").read_text(encoding="utf-8").splitlines()
)
"""Kind, names, and the course by hand, good to some 300 m."""

BLACKSPOTS = spots("""
Tai O|大澳|113.8650|22.2535
Lei Yue Mun Praya Road|鯉魚門海傍道|114.2385|22.2915
Luk Tei Tong, Mui Wo|梅窩鹿地塘|113.9925|22.2655
Ta Kwu Ling|打鼓嶺|114.1570|22.5270
Kwu Tung North|古洞北|114.1060|22.5090
Sha Po Tsuen|沙埔村|114.0620|22.4480
Shui Hau, Tin Liu Tsuen|田寮村|114.0210|22.4310
Hung Shui Kiu Main Street|洪水橋大街|113.9960|22.4320
Tai Po Road - Tai Wo|大埔公路太和段|114.1600|22.4530
Pai Lau Road, Tuen Mun|屯門排樓|113.9800|22.4130
Yuen Long Fung Kat Heung|元朗逢吉鄉|114.0610|22.4590
Kam Tin Shui Tau Tsuen|錦田水頭村|114.0600|22.4440
Wong Tai Sin Police Station|黃大仙警署|114.1990|22.3400
Nathan Road near Boundary Street|彌敦道近界限街|114.1680|22.3265
Waterloo Road near Pui Ching Road|窩打老道近培正道|114.1770|22.3180
Queen's Road East near Wan Chai Road|皇后大道東近灣仔道|114.1760|22.2750
Sheung Wan Queen's Road Central|上環皇后大道中|114.1510|22.2850
Chai Wan Sun Yip Street|柴灣新業街|114.2410|22.2640
Shau Kei Wan Main Street East|筲箕灣東大街|114.2290|22.2785
Castle Peak Road near Sham Tseng|青山公路近深井|114.0600|22.3688
Sai Kung Po Tung Road|西貢普通道|114.2705|22.3800
Pui O Lo Wai|貝澳老圍|113.9760|22.2440
Fanling Ma Wat|粉嶺麻笏|114.1470|22.4940
Sha Tin Wong Uk|沙田王屋|114.2050|22.3840
""")

LOW_COAST = spots("""
Tai O|大澳|113.8640|22.2540
Lei Yue Mun|鯉魚門|114.2385|22.2900
Heng Fa Chuen|杏花邨|114.2405|22.2785
Sham Tseng San Tsuen|深井新村|114.0600|22.3670
Nam Wai, Sai Kung|西貢南圍|114.2660|22.3590
Kar Wo Lei|嘉和里|113.9890|22.3770
Kat Hing Back Street, Tai O|大澳吉慶後街|113.8660|22.2520
Cheung Chau Praya|長洲海傍|114.0280|22.2090
Peng Chau Waterfront|坪洲海傍|114.0390|22.2860
Mui Wo|梅窩|113.9970|22.2650
Sai Kung Waterfront|西貢海傍|114.2730|22.3810
Tseung Kwan O South|將軍澳南|114.2590|22.3030
Siu Sai Wan Promenade|小西灣海濱|114.2500|22.2650
Sheung Wan Waterfront|上環海濱|114.1510|22.2880
Aberdeen Praya|香港仔海傍|114.1550|22.2480
Stanley Waterfront|赤柱海傍|114.2110|22.2185
Sha Tau Kok|沙頭角|114.2230|22.5460
Yung Shue Wan|榕樹灣|114.1120|22.2260
Sok Kwu Wan|索罟灣|114.1310|22.2060
Lau Fau Shan|流浮山|113.9850|22.4680
Nam Sang Wai|南生圍|114.0420|22.4620
Kwun Tong Waterfront|觀塘海濱|114.2150|22.3060
""")


def _stormwater(territory: Territory) -> Iterable[Feature]:
    """Rivers, drainage tunnels and tanks with their true names, and unnamed channels down the valleys."""
    courses = [LineString(to_metres(np.array(pairs(course)))) for _, _, _, course in _RIVERS]
    for number, ((kind, name_en, name_zh, _), line) in enumerate(zip(_RIVERS, in_degrees(courses), strict=True), 1):
        yield _drain(f"EXR{number:02d}", kind, name_en, name_zh), line
    for number, (tank, spot) in enumerate(zip(TANKS, _ashore(territory, TANKS), strict=True), 1):
        kind = "pumping_station" if tank.name_en.endswith("Station") else "tank"
        yield _drain(f"EXT{number:02d}", kind, tank.name_en, tank.name_zh), spot
    for number, line in enumerate(in_degrees(_channels(territory)), 1):
        yield _drain(f"EXC{number:04d}", "channel", None, None), line


def _drain(number: str, kind: str, name_en: str | None, name_zh: str | None) -> dict[str, object]:
    return {"facility_id": number, "kind": kind, "name_en": name_en, "name_zh": name_zh}


def _channels(territory: Territory) -> list[LineString]:
    """The lower ends of streams, where a town has walled them in."""
    ground = territory.ground
    low = []
    for line in stream_lines(territory, "stormwater", territory.many(_CHANNELS), ground.land_metres):
        coords = np.asarray(line.coords)
        lower = coords[ground.height(coords[:, 0], coords[:, 1]) < _CHANNEL_BELOW_M]
        if len(lower) > 3:
            low.append(LineString(lower))
    return low


def _ashore(territory: Territory, places: Sequence[Spot]) -> list[Point]:
    """The places as points; one that the coarse coast leaves in the water is moved to the nearest land."""
    ground = territory.ground
    at = [Point(place.lon, place.lat) for place in places]
    inner = ground.inner(25.0)
    ends = [shapely.get_point(shapely.shortest_line(inner, spot), 0) for spot in in_metres(at)]
    return list(points(np.array([(end.x, end.y) for end in ends])))


def _blackspots(territory: Territory) -> Iterable[Feature]:
    moved = _ashore(territory, BLACKSPOTS)
    codes = territory.ground.district_of(*np.array([(spot.x, spot.y) for spot in moved]).T)
    for number, (place, spot, code) in enumerate(zip(BLACKSPOTS, moved, codes, strict=True), 1):
        yield (
            {
                "blackspot_id": f"EXF{number:02d}",
                "name_en": place.name_en,
                "name_zh": place.name_zh,
                "district": str(code) or None,
            },
            spot,
        )


def _low_coast(territory: Territory) -> Iterable[Feature]:
    """At each place the land within 200 m of the water and 450 m of the place."""
    ground = territory.ground
    band = shapely.difference(ground.land_metres, ground.inner(200.0))
    circles = [shapely.buffer(spot, 450) for spot in in_metres(_ashore(territory, LOW_COAST))]
    parts = [shapely.buffer(shapely.intersection(circle, band), 0) for circle in circles]
    for number, (place, area) in enumerate(zip(LOW_COAST, in_degrees(parts), strict=True), 1):
        pieces = [piece for piece in shapely.get_parts(shapely.make_valid(area)) if piece.geom_type == "Polygon"]
        yield (
            {
                "area_id": f"EXS{number:02d}",
                "name_en": place.name_en,
                "name_zh": place.name_zh,
            },
            MultiPolygon(pieces),
        )


DRAWERS: dict[str, Drawer] = {
    "stormwater": _stormwater,
    "flood_blackspots": _blackspots,
    "storm_surge_areas": _low_coast,
}
