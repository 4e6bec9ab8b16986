"""What the basemap shows: the store's layers, repaired, beside contours and labels, as features for the tiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import shapely

from cop.store.statements import statements
from cop_tiles.basemap import repair
from cop_tiles.basemap.labels import Label, first_zooms
from cop_tiles.basemap.mercator import REGION, to_mercator
from cop_tiles.basemap.names import Names
from cop_tiles.basemap.terrain import Terrain, contour_levels

LAST_ZOOM = 14
_STRETCH = 1.08  # EPSG:3857 metres of a metre on the ground, at Hong Kong's latitude
_NOTICES_EVERYWHERE = 11
SOURCE_LAYERS = frozenset({"land", "sea", "wood", "water", "contour", "coast", "road", "district", "label", "notice"})
# The relief map paints the sea over its tinted land, paler towards the shore: metres from the shore, step of depth.
_SHOALS = ((0.0, 0), (260.0, 1), (750.0, 2), (1800.0, 3))

# Kind of place in the layer -> kind of label, first zoom, order among labels.
_PLACES = {
    "town": ("town", 10.0, 2.0),
    "suburb": ("suburb", 11.0, 4.0),
    "quarter": ("quarter", 13.0, 5.0),
    "village": ("village", 13.0, 6.0),
    "neighbourhood": ("village", 14.0, 7.0),
}
_OTHER_PLACE = ("village", 14.0, 8.0)
_LANDMARK = ("suburb", 10.0, 3.0)
# "Kowloon City" says enough of a district; "Southern" does not.
_BARE_DIRECTIONS = frozenset({"North", "Eastern", "Southern", "Islands", "Central and Western"})


class Feature(NamedTuple):
    """One thing to draw: source layer, attributes, the tile zooms that hold it, geometry in EPSG:3857."""

    source_layer: str
    props: dict[str, Any]
    from_zoom: int
    to_zoom: int
    geometry: shapely.Geometry


class Road(NamedTuple):
    """A road in EPSG:3857; `main` where a map of the whole city shows it, `tunnel` where it is under ground."""

    main: bool
    tunnel: bool
    line: shapely.Geometry


class Place(NamedTuple):
    """A named place at x, y of EPSG:3857; kind as OpenStreetMap says it (town, suburb, …)."""

    zh: str
    en: str
    kind: str
    x: float
    y: float


class District(NamedTuple):
    """A district's names and area in EPSG:3857, sea included."""

    zh: str
    en: str
    area: shapely.Geometry


@dataclass(frozen=True)
class Layers:
    """The store's layers that the basemap draws, geometries in EPSG:3857; any may be empty."""

    land: Sequence[shapely.Geometry]
    wood: Sequence[shapely.Geometry]
    water: Sequence[shapely.Geometry]
    roads: Sequence[Road]
    districts: Sequence[District]
    places: Sequence[Place]


@cache
def sql() -> dict[str, str]:
    """The named statements of basemap.sql."""
    return statements(Path(__file__).with_name("basemap.sql"))


def read_layers(connection: psycopg.Connection[Any], roads: Sequence[Road]) -> Layers:
    """Read the layers as they are in the store, beside the roads that were chosen for them."""

    def shapes(name: str) -> list[shapely.Geometry]:
        return [shapely.from_wkb(row[0]) for row in connection.execute(sql()[name])]

    return Layers(
        land=shapes("land"),
        wood=shapes("wood"),
        water=shapes("water"),
        roads=roads,
        districts=[
            District(zh, en, shapely.make_valid(shapely.from_wkb(wkb)))
            for zh, en, wkb in connection.execute(sql()["districts"])
        ],
        places=[Place(*row) for row in connection.execute(sql()["places"])],
    )


def features(layers: Layers, terrain: Terrain | None, names: Names, exercise: bool) -> Iterator[Feature]:
    """Everything that goes into the vector tiles, made one part after the other."""
    reservoirs = repair.named_reservoirs(layers.water, names.reservoirs)
    named_water = [shape for _, shape in reservoirs]
    land = repair.repaired_land(layers.land, terrain, named_water)
    yield from _surface(layers, land, terrain, named_water)
    if terrain is not None:
        yield from _contours(terrain)
    yield from _roads(layers.roads)
    yield from _district_lines(layers.districts)
    labels = [*_district_labels(layers.districts, land), *_place_labels(layers.places, names)]
    labels += [*_water_labels(names, land, reservoirs), *_other_labels(names)]
    yield from _labelled(labels)
    if exercise:
        yield from _notices(layers)


def _drawn(
    source_layer: str, shapes: Iterable[shapely.Geometry], from_zoom: int, props: dict[str, Any] | None = None
) -> Iterator[Feature]:
    for shape in shapes:
        if not shape.is_empty:
            yield Feature(source_layer, props or {}, from_zoom, LAST_ZOOM, shape)


def _surface(
    layers: Layers, land: shapely.Geometry, terrain: Terrain | None, reservoirs: Sequence[shapely.Geometry]
) -> Iterator[Feature]:
    yield from _drawn("land", shapely.get_parts(land), 0)
    yield from _drawn("wood", layers.wood, 8)
    yield from _drawn("water", repair.repaired_water(layers.water, land, terrain, reservoirs), 8)
    yield from _drawn("coast", [repair.coast_lines(land)], 6)
    yield from _sea(land)


def _sea(land: shapely.Geometry) -> Iterator[Feature]:
    west, south, east, north = REGION
    whole = shapely.box(*to_mercator(west, south), *to_mercator(east, north))
    coarse = shapely.simplify(land, 40.0)
    for metres, depth in _SHOALS:
        near = shapely.buffer(coarse, metres * _STRETCH, quad_segs=6) if metres else land
        shape = shapely.difference(whole, shapely.simplify(near, metres / 60) if metres else near)
        yield from _drawn("sea", shapely.get_parts(shape), 8 if metres else 6, {"depth": depth})


def _contours(terrain: Terrain) -> Iterator[Feature]:
    for level, lines in contour_levels(terrain):
        first = 11 if level % 250 == 0 else 12
        yield from _drawn("contour", shapely.get_parts(lines), first, {"ele": level})


def _roads(roads: Sequence[Road]) -> Iterator[Feature]:
    # Roads of one class as one net: fewer features, and no caps where two pieces meet.
    for main, tunnel in product((False, True), repeat=2):
        lines = list(_lines(road.line for road in roads if (road.main, road.tunnel) == (main, tunnel)))
        if lines:
            net = shapely.line_merge(shapely.multilinestrings(lines))
            props = {"main": int(main), "tunnel": int(tunnel)}
            yield from _drawn("road", shapely.get_parts(net), 9 if main else 12, props)


def _lines(shapes: Iterable[shapely.Geometry]) -> Iterator[shapely.LineString]:
    for part in shapely.get_parts(list(shapes)):
        if part.geom_type == "LineString":
            yield part


def _district_lines(districts: Sequence[District]) -> Iterator[Feature]:
    # Drawn as one net: two neighbours' own outlines would fill each other's dashes.
    edges = [shapely.boundary(district.area) for district in districts]
    if edges:
        net = shapely.line_merge(shapely.unary_union(edges))
        yield from _drawn("district", [net], 7)


def _district_labels(districts: Sequence[District], land: shapely.Geometry) -> Iterator[Label]:
    for district in districts:
        point = repair.widest_point(district.area, land)
        if point is not None:
            short = district.en.removesuffix(" District")
            name = district.en if short in _BARE_DIRECTIONS else short
            yield Label("district", district.zh, name, point.x, point.y, 9.0, 1.0, until=12.0)


def _place_labels(places: Sequence[Place], names: Names) -> Iterator[Label]:
    towns = {place.zh for place in places if place.zh}
    for place in places:
        # "沙田市中心" beside "沙田" says nothing new on a map.
        if any(place.zh.endswith(end) and place.zh.removesuffix(end) in towns for end in ("市", "市中心")):
            continue
        kind, base, order = _PLACES.get(place.kind, _OTHER_PLACE)
        if place.en in names.landmarks and place.kind == "suburb":
            kind, base, order = _LANDMARK
        yield Label(kind, place.zh, place.en, place.x, place.y, base, order)


def _water_labels(
    names: Names, land: shapely.Geometry, reservoirs: Sequence[tuple[Any, shapely.Geometry]]
) -> Iterator[Label]:
    for name in names.seas:
        if not repair.on_land(name, land):
            yield Label("sea", name.zh, name.en, *to_mercator(*name.at), name.z, 3.5)
    for name, shape in reservoirs:
        middle = shapely.get_point(shapely.maximum_inscribed_circle(shape, tolerance=30.0), 0)
        yield Label("reservoir", name.zh, name.en, middle.x, middle.y, name.z, 4.5)


def _other_labels(names: Names) -> Iterator[Label]:
    for nth, summit in enumerate(names.summits):
        base = 11.0 if summit.height >= 500 else 12.0
        at = to_mercator(*summit.at)
        yield Label("summit", summit.zh, summit.en, *at, base, 4.2 + nth / 1000, height=summit.height)
    for name in names.neighbours:
        kind = "territory" if name.until is not None else "town"
        yield Label(kind, name.zh, name.en, *to_mercator(*name.at), name.z, 0.5, until=name.until or 30.0)


def _labelled(labels: Sequence[Label]) -> Iterator[Feature]:
    for label, zoom in zip(labels, first_zooms(labels), strict=True):
        if zoom is None:
            continue
        props: dict[str, Any] = {"kind": label.kind, "zh": label.zh, "en": label.en, "z": zoom, "order": label.order}
        if label.height is not None:
            props["height"] = label.height
        first, last = min(LAST_ZOOM, int(zoom)), LAST_ZOOM if label.until > LAST_ZOOM else int(label.until)
        yield Feature("label", props, first, last, shapely.Point(label.x, label.y))


def _notices(layers: Layers) -> Iterator[Feature]:
    """Points for the words "EXERCISE 演習", 330 to 660 pixels apart at every zoom that has tiles of its own."""
    areas = [district.area for district in layers.districts]
    for zoom in range(6, LAST_ZOOM + 1):
        # Close up only where Hong Kong is: there are a hundred times as many points as from afar.
        shown = areas if areas and zoom > _NOTICES_EVERYWHERE else [*layers.land, *areas]
        if not shown:
            return
        west, south, east, north = shapely.total_bounds(shown)
        step = 400_000 / 2 ** (zoom - 6)
        for col in range(int(west // step), int(east // step) + 1):
            for row in range(int(south // step), int(north // step) + 1):
                at = shapely.Point((col + 0.5) * step, (row + 0.5) * step)
                yield Feature("notice", {"zh": "演習", "en": "EXERCISE"}, zoom, zoom, at)
