"""The gazetteer: from the words of a report to a position, its method and how far off it may be."""

from __future__ import annotations

import psycopg
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from cop.catalogue import catalogue
from cop_ingest.gazetteer.index import Entry, Index, read_index, sources
from cop_ingest.gazetteer.names import characters, words
from cop_ingest.gazetteer.place import Placement, place
from cop_ingest.gazetteer.placing import Gazetteer, placed
from cop_ingest.grid import to_east_north
from cop_ingest.records import Parsed, Record
from cop_server.cluster import Cluster

# A small town in EPSG:2326: a road from west to east, one that crosses it, and what stands beside them.
EAST, NORTH = 836_000.0, 820_000.0


def _town() -> Index:
    index = Index()

    def add(kind: str, names: tuple[str, ...], shape: shapely.Geometry, within: float = 10.0, **more: object) -> None:
        entry = Entry("layer", names[0], kind, names[0], shape, within, **more)  # type: ignore[arg-type]
        for name in names:
            index.add(entry, name)

    def at(e: float, n: float) -> tuple[float, float]:
        return EAST + e, NORTH + n

    add("road", ("Long Road", "長路"), LineString([at(0, 0), at(4000, 0)]), 20, chainage=True)
    add("road", ("Cross Street", "橫街"), LineString([at(1000, -300), at(1000, 10)]), 20)
    add("road", ("Castle Peak Road - Yuen Long", "青山公路－元朗段"), LineString([at(0, 900), at(500, 900)]), 20)
    add("road", ("Endless Road",), LineString([at(0, 2000), at(20000, 2000)]), 20)
    add("landmark", ("Queen's Hospital", "皇后醫院"), Point(at(2500, 80)), 100)
    add("landmark", ("Twin House",), Point(at(100, 100)))
    add("landmark", ("Twin House",), Point(at(3000, -2500)))
    add("area", ("Old Town", "舊城"), Point(at(3500, 200)), 500)
    add("number", ("11SW-A/C123",), Point(at(50, 50)))
    add("address", ("Long Road", "長路"), Point(at(700, 15)), 30, number="28")
    add("district", ("North District", "北區"), box(*at(-100, -500), *at(5000, 5000)), district="NTH")
    add("district", ("South District", "南區"), box(*at(-100, -5000), *at(5000, -500)), district="STH")
    return index


def _metres(found: Placement | None, e: float, n: float) -> float:
    assert found is not None
    east, north = to_east_north(found.point.x, found.point.y)
    return float(Point(east, north).distance(Point(EAST + e, NORTH + n)))


@pytest.mark.parametrize(
    ("texts", "where", "why"),
    [
        (["slope no. 11SW-A/C123 above Long Road"], (50, 50), "11SW-A/C123"),
        (["28 Long Road"], (700, 15), "number 28 of Long Road"),
        (["長路28號地下"], (700, 15), "number 28 of Long Road"),
        (["Long Road, km 1.5"], (1500, 0), "1.5 km along Long Road"),
        (["LONG ROAD CH 2+250 eastbound"], (2250, 0), "2.25 km along Long Road"),
        (["junction of Long Rd and Cross Street"], (1000, 0), "Long Road at Cross Street"),
        (["長路近橫街"], (1000, 0), "Long Road at Cross Street"),
        (["Long Road near Queen’s Hospital"], (2500, 0), "Long Road by Queen's Hospital"),
        (["Queens Hospital"], (2500, 80), "Queen's Hospital"),
        (["Long Road, Old Town"], (3500, 0), "Long Road in Old Town"),
        (["青山公路　–　元朗段"], (250, 900), "the middle of Castle Peak Road - Yuen Long"),
        (["舊城"], (3500, 200), "Old Town"),
    ],
)
def test_the_most_exact_rule_wins(texts: list[str], where: tuple[float, float], why: str) -> None:
    found = place(_town(), texts)
    assert found is not None
    assert found.why == why
    assert found.method == "geocoded"
    assert _metres(found, *where) < 2
    assert _metres(found, *where) <= found.uncertainty_m


def test_a_name_that_means_two_places_is_none_until_the_district_tells_them_apart() -> None:
    assert place(_town(), ["Twin House"]) is None
    assert _metres(place(_town(), ["Twin House"], "STH"), 3000, -2500) < 2
    assert _metres(place(_town(), ["Twin House"], "NTH"), 100, 100) < 2


def test_what_lies_outside_the_told_district_is_not_believed() -> None:
    found = place(_town(), ["Queen's Hospital"], "STH")
    assert found is not None
    assert found.method == "district"
    assert found.uncertainty_m > 2000


def test_a_long_road_alone_is_no_point() -> None:
    assert place(_town(), ["Endless Road"]) is None


def test_words_that_name_nothing_are_no_position_and_the_district_is_the_last_resort() -> None:
    assert place(_town(), ["somewhere"]) is None
    assert place(_town(), []) is None
    found = place(_town(), ["somewhere"], "NTH")
    assert found is not None
    assert found.method == "district"


def test_a_chainage_beyond_the_road_is_not_believed() -> None:
    found = place(_town(), ["Long Road km 9.9"], "NTH")
    assert found is not None
    assert found.why == "the middle of Long Road"


def test_forms_fold_marks_cases_and_abbreviations() -> None:
    assert words("King’s Rd., North Point") == ("kings", "road", "north", "point")
    assert words("St John Hospital") == ("st", "john", "hospital")
    assert words("Third St") == ("third", "street")
    assert characters("青山公路　–　元朗段") == characters("青山公路－元朗段")
    assert characters("茘枝角") == characters("荔枝角")


def test_the_catalogue_says_what_the_gazetteer_is_made_of() -> None:
    kinds = {layer.places.kind for layer in sources() if layer.places}
    assert kinds == {"number", "address", "road", "landmark", "area", "district"}


def test_the_real_layers_place_what_the_feeds_say(loaded: Cluster) -> None:
    with psycopg.connect(loaded.owner_dsn) as connection:
        index = read_index(connection)
        district = {row[0]: shapely.from_wkb(row[1]) for row in connection.execute(
            "SELECT code, ST_AsBinary(geom) FROM layer.districts")}  # fmt: skip
        slope, at = connection.execute("SELECT slope_no, ST_AsBinary(geom) FROM layer.slopes LIMIT 1").fetchone() or (
            None, None)  # fmt: skip
    found = place(index, [f"Landslip below slope {slope}"])
    assert found is not None
    assert found.point.distance(shapely.from_wkb(at)) < 0.01
    for text, code in (("Nathan Road near Jordan Station", "YTM"), ("近觀塘站", "KT"), ("Lion Rock Tunnel", "ST")):
        found = place(index, [text], code)
        assert found is not None, text
        assert found.method == "geocoded", text
        assert found.point.distance(district[code]) < 0.01, text


def test_records_without_coordinates_are_placed_and_the_others_kept(loaded: Cluster) -> None:
    layer = catalogue().layers["incidents"]
    near = shapely.to_wkb(Point(114.17, 22.3))
    parsed = Parsed([
        Record("a", {"location_en": "Kwun Tong Station", "district": "KT"}, None),
        Record("b", {"location_en": "Kwun Tong Station"}, near),
        Record("c", {"location_en": "nowhere that is known"}, None),
    ])  # fmt: skip
    gazetteer = Gazetteer()
    with psycopg.connect(loaded.owner_dsn) as connection:
        first, second, third = placed(layer, parsed, gazetteer.index(connection)).records
        assert gazetteer.index(connection) is gazetteer.index(connection)
    assert first.geometry is not None
    assert first.properties["position_method"] == "geocoded"
    assert first.properties["position_uncertainty_m"] == 150
    assert first.remarks == ("placed by name: Kwun Tong, within 150 m",)
    assert second == parsed.records[1]
    assert third == parsed.records[2]
