"""The gazetteer: from the words of a report to a position, its method and how far off it may be."""

from __future__ import annotations

import psycopg
import pytest
import shapely
from shapely.geometry import LineString, Point, box

from cop.catalogue import catalogue
from cop_ingest.gazetteer.chainage import chainage_in
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
    for measure in (0, 1000, 2000, 3000, 4000):  # that its line begins at the post of 0 km is chance
        add("post", ("Long Road", "長路"), Point(at(measure, 15)), 20, measure_m=float(measure))
    add("road", ("Back Road", "後路"), LineString([at(0, 1400), at(4000, 1400)]), 20, chainage=True)
    for measure in (1000, 3000):
        add("post", ("Back Road", "後路"), Point(at(4000 - measure, 1400)), 20, measure_m=float(measure))
    add("road", ("Bare Road", "光路"), LineString([at(0, 1700), at(4000, 1700)]), 20, chainage=True)
    add("road", ("One Post Road",), LineString([at(0, 1900), at(4000, 1900)]), 20, chainage=True)
    add("post", ("One Post Road",), Point(at(4000, 1900)), 20, measure_m=500.0)
    add("number", ("AB1234",), Point(at(1800, 12)), 10, after=("lamppost", "lp", "l p", "燈柱", "燈柱編號"))
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
        (["近斜坡編號11SW-A/C123，長路"], (50, 50), "11SW-A/C123"),
        (["斜坡11SW-A/C123"], (50, 50), "11SW-A/C123"),
        (["Tree down at Lamppost No. AB1234, Long Road"], (1800, 12), "AB1234"),
        (["L/P AB 1234"], (1800, 12), "AB1234"),
        (["長路近燈柱編號AB1234"], (1800, 12), "AB1234"),
        (["燈柱 ab1234 旁"], (1800, 12), "AB1234"),
        (["Long Road K1+250"], (1250, 0), "1.25 km along Long Road"),
        (["長路K1+250"], (1250, 0), "1.25 km along Long Road"),
        (["長路１．２５公里"], (1250, 0), "1.25 km along Long Road"),
        (["Long Road 1.25 km"], (1250, 0), "1.25 km along Long Road"),
        (["Long Road Ch.1250"], (1250, 0), "1.25 km along Long Road"),
        (["Back Road CH 1+500"], (2500, 1400), "1.5 km along Back Road"),
        (["Back Road CH 0+200"], (3800, 1400), "0.2 km along Back Road"),
        (["One Post Road CH 1+500"], (3000, 1900), "1.5 km along One Post Road"),
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


def test_a_cars_mark_is_no_lamppost() -> None:
    found = place(_town(), ["AB1234 hit a barrier"], "NTH")
    assert found is not None
    assert found.method == "district"


def test_a_chainage_without_posts_is_as_far_off_as_not_knowing_the_end_leaves_it() -> None:
    found = place(_town(), ["Bare Road CH 1+200"])
    assert found is not None
    assert found.why == "1.2 km along Bare Road, whichever way it counts"
    for true_one in (1200, 2800):
        assert _metres(found, true_one, 1700) <= found.uncertainty_m
    at_post = place(_town(), ["Back Road CH 1+200"])
    assert at_post is not None
    assert at_post.uncertainty_m < 100


def test_posts_that_do_not_agree_with_the_line_are_a_doubt() -> None:
    index = _town()
    line = LineString([(EAST, NORTH + 3000), (EAST + 4000, NORTH + 3000)])
    index.add(Entry("layer", "r", "road", "Odd Road", line, 20, chainage=True), "Odd Road")
    for measure, e in ((0.0, 0.0), (1000.0, 1600.0)):
        post = Point(EAST + e, NORTH + 3000)
        index.add(Entry("layer", f"p{e}", "post", "Odd Road", post, 20, measure_m=measure), "Odd Road")
    found = place(index, ["Odd Road CH 0+500"])
    assert _metres(found, 800, 3000) < 2
    assert found is not None
    assert found.uncertainty_m == 20 + 50 + 300


def test_a_road_of_several_carriageways_is_placed_between_its_posts() -> None:
    index = _town()
    lines = shapely.MultiLineString([[(EAST, NORTH + 3500), (EAST + 3000, NORTH + 3500)],
                                     [(EAST, NORTH + 3520), (EAST + 3000, NORTH + 3520)]])  # fmt: skip
    index.add(Entry("layer", "r", "road", "Dual Road", lines, 20, chainage=True), "Dual Road")
    for measure in (0.0, 2000.0):
        post = Point(EAST + measure, NORTH + 3500)
        index.add(Entry("layer", f"p{measure}", "post", "Dual Road", post, 20, measure_m=measure), "Dual Road")
    assert _metres(place(index, ["Dual Road CH 0+700"]), 700, 3500) < 25


@pytest.mark.parametrize(
    "text", ["a queue of 2 km on Long Road", "Long Road: traffic 2 km long", "車龍長2公里，長路", "60 km/h"]
)
def test_a_queue_is_no_chainage(text: str) -> None:
    assert chainage_in([text]) is None


def test_forms_fold_marks_cases_and_abbreviations() -> None:
    assert words("King’s Rd., North Point") == ("kings", "road", "north", "point")
    assert words("St John Hospital") == ("st", "john", "hospital")
    assert words("Third St") == ("third", "street")
    assert characters("青山公路　–　元朗段") == characters("青山公路－元朗段")
    assert characters("茘枝角") == characters("荔枝角")


def test_the_catalogue_says_what_the_gazetteer_is_made_of() -> None:
    kinds = {layer.places.kind for layer in sources() if layer.places}
    assert kinds == {"number", "address", "road", "landmark", "area", "district", "post"}


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
    with psycopg.connect(loaded.owner_dsn) as connection:
        lamp, lit = connection.execute(
            "SELECT lamppost_no, ST_AsBinary(geom) FROM layer.lampposts ORDER BY id LIMIT 1"
        ).fetchone() or (None, None)
        road, zero, end = connection.execute(
            "SELECT a.road_zh, ST_AsBinary(a.geom), ST_AsBinary(b.geom) FROM layer.road_posts AS a JOIN layer.road_posts AS b "
            "USING (road_en) WHERE a.chainage_m = 0 AND b.chainage_m = 1000 AND a.road_en = 'Lung Cheung Road'"
        ).fetchone() or (None, None, None)  # fmt: skip
    found = place(index, [f"塌樹，燈柱編號{lamp}"])
    assert found is not None
    assert found.point.distance(shapely.from_wkb(lit)) < 1e-6
    found = place(index, [f"{road} CH 0+100"])
    assert found is not None
    assert found.uncertainty_m < 200
    assert found.point.distance(shapely.from_wkb(zero)) < found.point.distance(shapely.from_wkb(end))
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
