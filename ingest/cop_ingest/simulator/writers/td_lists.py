"""The Transport Department's cameras, car parks and roadworks (SOURCES 3.16 to 3.18)."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw

from cop_ingest import grid
from cop_ingest.district_names import district_code
from cop_ingest.places import DISTRICT_CENTRES, PLACES
from cop_ingest.scenario.calendar import DAY_STARTS
from cop_ingest.simulator.chance import chosen, number, share
from cop_ingest.simulator.world.news import district_names
from cop_ingest.simulator.world.services import gale, hurricane, vacancy
from cop_ingest.simulator.world.world import World
from cop_ingest.simulator.writers.text import XML, as_json, element, local, spaced

_COLUMNS = ("key", "region", "district", "description", "easting", "northing", "latitude", "longitude", "url")
_TWO_MARKS = b"\xff\xfe\xff\xfe"
_TELLS_S = 240  # what a car park tells is up to four minutes old
_REGIONS_ZH = {"Hong Kong Island": "香港島", "Kowloon": "九龍", "New Territories": "新界"}
IMAGE_HOST = "tdcctv.data.one.gov.hk"


def camera_rows(world: World, language: str) -> list[dict[str, str]]:
    """The cameras' fields in the order of the columns."""
    return [_camera(camera, language) for camera in world.cameras]


def _camera(camera: dict[str, Any], language: str) -> dict[str, str]:
    region = str(camera.get("region") or "")
    code = district_code(camera.get("district")) or _district_at(camera["lon"], camera["lat"])
    district = district_names(code)
    if language == "en":
        texts = (region, district[0], str(camera.get("description_en") or ""))
    else:
        chinese = camera.get("description_zh") or camera.get("description_en") or ""
        texts = (_REGIONS_ZH.get(region, region), district[1], str(chinese))
    east, north = camera.get("easting"), camera.get("northing")
    if east is None or north is None:
        east, north = grid.to_east_north(camera["lon"], camera["lat"])
    values = (
        str(camera["key"]), *texts, f"{east:.0f}", f"{north:.0f}", f"{camera['lat']:.7f}", f"{camera['lon']:.7f}",
        f"https://{IMAGE_HOST}/{camera['key']}.JPG",
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


def _district_at(lon: float, lat: float) -> str:
    return min(DISTRICT_CENTRES, key=lambda code: (DISTRICT_CENTRES[code][0] - lon) ** 2
               + (DISTRICT_CENTRES[code][1] - lat) ** 2)  # fmt: skip


def camera_csv(world: World, _: datetime, language: str) -> bytes:
    """The list called .csv: UTF-16LE with two byte-order marks, tabs and CRLF."""
    lines = ["\t".join(_COLUMNS), *("\t".join(row.values()) for row in camera_rows(world, language))]
    return _TWO_MARKS + ("\r\n".join(lines) + "\r\n").encode("utf-16-le")


def camera_picture(world: World, at: datetime, key: str) -> bytes | None:
    """A camera's picture: grey, with its number, the time, and that it is an exercise. None: no such camera."""
    if all(camera["key"] != key for camera in world.cameras):
        return None
    picture = Image.new("RGB", (320, 240), (60, 64, 70) if gale(at) else (110, 116, 122))
    draw = ImageDraw.Draw(picture)
    for line, text in enumerate((f"EXERCISE {key}", local(at).strftime("%Y-%m-%d %H:%M"), "not a real picture")):
        draw.text((12, 12 + 18 * line), text, fill=(235, 235, 235))
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=60)
    return body.getvalue()


def vacancies(world: World, at: datetime) -> bytes:
    """Vacancies of all car parks, each told anew every four minutes at a time of its own; -1 has no data."""
    minute = at.replace(second=0, microsecond=0)
    parks = []
    for values, _ in world.car_parks:
        park = str(values["park_id"])
        updated = minute - timedelta(seconds=(int(minute.timestamp()) - number(world.seed, "park at", park)) % _TELLS_S)
        spaces = {"category": "HOURLY", "vacancy_type": "A", "vacancy": vacancy(world.seed, park, updated)}
        kinds = [{"type": "P", "service_category": [{**spaces, "lastupdate": spaced(updated)}]}]
        parks.append({"park_id": park, "vehicle_type": kinds})
    return as_json({"car_park": parks}, mark=True)


def car_park_list(world: World, at: datetime) -> bytes:
    """Names and positions of the car parks, joined by park_id."""
    parks = []
    for values, _ in world.car_parks:
        told = {name: values.get(name) for name in ("park_id", "name_en")}
        told |= {"name_tc": values["name_zh"], "name_sc": values["name_zh"]}
        told |= {"displayAddress_en": values.get("address_en"), "displayAddress_tc": values.get("address_zh")}
        told |= {"district_en": values["district_en"], "district_tc": values["district_zh"]}
        told |= {"latitude": values["latitude"], "longitude": values["longitude"]}
        status = "CLOSED" if hurricane(at) and share(world.seed, "park shut", values["park_id"]) < 0.15 else "OPEN"
        parks.append({**told, "opening_status": status, "height": "", "remark_en": "", "remark_tc": ""})
    return as_json({"car_park": parks}, mark=True)


_WORKS = (("Roadworks", "道路工程"), ("Utility works", "公用設施工程"), ("Road inspection", "道路檢查"))
_WORK_LANES = (("Slow lane", "慢線"), ("Fast lane", "快線"), ("Middle lane", "中線"))
_WORK_COUNT = 77


def roadworks(world: World, at: datetime) -> bytes:
    """Works on strategic roads as a JSON array; all are stopped in the gale (the list is then empty)."""
    return as_json([] if gale(at) else list(_roadworks(world, at)))


def roadworks_geojson(world: World, at: datetime) -> bytes:
    """The same as GeoJSON points."""
    listed = [] if gale(at) else list(_roadworks(world, at))
    features = [
        {"type": "Feature",
         "geometry": {"type": "Point", "coordinates": [float(work["longitude"]), float(work["latitude"])]},
         "properties": work}
        for work in listed
    ]  # fmt: skip
    return as_json({"type": "FeatureCollection", "features": features})


def _roadworks(world: World, at: datetime) -> list[dict[str, str]]:
    works = []
    for count in range(_WORK_COUNT):
        place = chosen(list(PLACES), world.seed, "roadworks", count)
        starts = (DAY_STARTS - timedelta(hours=number(world.seed, "works", count) % 40)).replace(minute=0)
        lane = chosen(_WORK_LANES, world.seed, "works lane", count)
        begun = starts <= at
        works.append({
            "roadworks_id": str(1001 + count),
            "latitude": f"{place.lat + 0.002 * (share(world.seed, 'works lat', count) - 0.5):.7f}",
            "longitude": f"{place.lon + 0.002 * (share(world.seed, 'works lon', count) - 0.5):.7f}",
            "workstype": _WORKS[count % 3][0],
            "worksstatus": "In progress" if begun else "In preparation",
            "worksstatus_tc": "進行中" if begun else "預備中",
            "roadname": place.street_en,
            "roadname_tc": place.street_zh,
            "locdesc": f"near {place.area_en}",
            "locdesc_tc": f"近{place.area_zh}",
            "lane": lane[0],
            "lane_tc": lane[1],
            "starttime": local(starts).strftime("%Y-%m-%d %H:%M"),
            "endtime": local(starts + timedelta(hours=72)).strftime("%Y-%m-%d %H:%M"),
        })  # fmt: skip
    return works


def camera_xml(world: World, _: datetime, language: str) -> bytes:
    """The list as XML."""
    images = []
    for row in camera_rows(world, language):
        inner = "".join(f"\t\t{element(name, value)}\n" for name, value in row.items())
        images.append(f"\t<image>\n{inner}\t</image>\n")
    return f"{XML}<image-list>\n{''.join(images)}</image-list>\n".encode()
