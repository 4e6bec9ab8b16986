"""Published originals: a server on loopback that behaves like CSDI's and the departments', and fails when it is told to."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import fiona
import psycopg
import pytest
from fiona._err import CPLE_BaseError
from shapely.geometry import box, mapping

from cop.catalogue import Layer, catalogue
from cop.catalogue.models import Published
from cop.errors import LoadRefused, SetupTrouble
from cop.settings import Settings
from cop_ingest import grid, published
from cop_ingest.published import Folder, Manners, as_published
from cop_ingest.reference import Outcome, Place, load_published, load_reference
from cop_ingest.vector import read_vector
from cop_server.cluster import Cluster
from cop_server.published import fetch_published

# What GDAL complains of when a FileGDB is closed (see file_gdb) it says again when the collection is let go.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*Collection:pytest.PytestUnraisableExceptionWarning"
)

MakeLayer = Callable[..., Layer]
PAGE_LIMIT = 10_000
HTML = b"<!DOCTYPE html><html><body>Service temporarily unavailable</body></html>"
EXCEPTION = (
    b'<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">'
    b'<ows:Exception exceptionCode="NoApplicableCode"><ows:ExceptionText>Cannot perform query</ows:ExceptionText>'
    b"</ows:Exception></ows:ExceptionReport>"
)


class Department(ThreadingHTTPServer):
    """Serves feature types at …/<dataset>/MapServer/WFSServer and files at any other path.

    `faults` are taken one a request, in order: a status, or cut, html, exception, drip, swap (another version).
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.types: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.faults: list[str] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.most = PAGE_LIMIT
        self.withheld = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def wfs(self, dataset: str) -> str:
        return f"{self.url}/server/services/common/{dataset}/MapServer/WFSServer"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Department

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        self.close_connection = True
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault.isdigit():
            self._send(int(fault), b"busy", {"Retry-After": "0"})
        elif fault == "html":
            self._send(200, HTML, {"Content-Type": "text/html"})
        elif fault == "exception":
            self._send(200, EXCEPTION, {"Content-Type": "application/xml"})
        elif path in self.server.redirects:
            self._send(302, b"", {"Location": self.server.redirects[path]})
        elif path.endswith("/WFSServer"):
            self._send(200, self._wfs({name.lower(): value[0] for name, value in query.items()}), fault=fault)
        elif path in self.server.files:
            self._file(self.server.files[path], fault)
        else:
            self._send(404, b"no such file")

    def _wfs(self, asked: dict[str, str]) -> bytes:
        if asked["request"] == "GetCapabilities":
            names = "".join(f"<FeatureType><Name>{name}</Name></FeatureType>" for name in self.server.types)
            return f"<WFS_Capabilities><FeatureTypeList>{names}</FeatureTypeList></WFS_Capabilities>".encode()
        features = self.server.types.get(asked["typenames"])
        if features is None:
            return EXCEPTION
        if asked.get("resulttype") == "hits":
            return f'<wfs:FeatureCollection numberMatched="{len(features)}" numberReturned="0"/>'.encode()
        assert asked["outputformat"] == "geojson", "CSDI knows geojson and not json"
        start = int(asked.get("startindex", 0))
        served = features[: len(features) - self.server.withheld]
        part = served[start : start + min(int(asked["count"]), self.server.most)]
        return json.dumps({"type": "FeatureCollection", "features": part}, ensure_ascii=False).encode()

    def _file(self, body: bytes, fault: str) -> None:
        etag = f'"{hashlib.sha256(body).hexdigest()[:12]}"'
        if self.headers.get("If-None-Match") == etag:
            self._send(304, b"", {"ETag": etag})
            return
        found, status, extra = body, 200, {"ETag": etag, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked and self.headers.get("If-Range") == etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            found, status = body[start:], 206
            extra["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self._send(status, found, extra, fault)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, fault: str = "") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if fault == "cut":
            self.wfile.write(body[: len(body) * 2 // 3])
        elif fault == "drip":
            for place in range(0, len(body), 64):
                try:
                    self.wfile.write(body[place : place + 64])
                except OSError:
                    return
                time.sleep(0.02)
        else:
            self.wfile.write(body)


@pytest.fixture
def department() -> Iterator[Department]:
    server = Department()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


QUICK = Manners(pause=0.0, backoff=0.001, timeout=5.0)


def district(number: int, **changes: Any) -> dict[str, Any]:
    """A district as CSDI serves it, in the HK1980 grid."""
    area = box(820_000 + 1000 * number, 820_000, 820_900 + 1000 * number, 820_900)
    named = {"AREA_CODE": f"D{number}", "NAME_EN": f"No. {number} District", "NAME_TC": f"第{number}區",
             "BEGIN_LIFESPAN": "2016-01-01"}  # fmt: skip
    return {"type": "Feature", "properties": named, "geometry": mapping(area)} | changes


def districts(count: int) -> list[dict[str, Any]]:
    return [district(number) for number in range(count)]


def layer_with(told: dict[str, Any], name: str = "districts") -> Layer:
    layer = catalogue().layers[name]
    return layer.model_copy(
        update={"source": layer.source.model_copy(update={"published": Published.model_validate(told)})}
    )


@pytest.fixture
def of_wfs(department: Department) -> Layer:
    department.types["csdi:DCD"] = districts(18)
    return layer_with({"kind": "wfs", "address": department.wfs("had"), "layer": "csdi:DCD"})


@pytest.fixture
def owner(store: Cluster) -> Iterator[Any]:
    with psycopg.connect(store.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def place(owner: Any, tmp_path: Path) -> Place:
    return Place(owner, None, tmp_path / "blobs", tmp_path / "published")


def load(layer: Layer, place: Place, manners: Manners = QUICK) -> Outcome:
    (outcome,) = load_published([layer], place, manners)
    return outcome


def count(place: Place, layer: str = "districts") -> int:
    row = place.connection.execute(f'SELECT count(*) FROM layer."{layer}"'.encode()).fetchone()
    assert row is not None
    return int(row[0])


# -- a WFS ------------------------------------------------------------------------------------------------------


def test_more_than_ten_thousand_features_come_page_by_page(
    department: Department, make_layer: MakeLayer, tmp_path: Path
) -> None:
    point = {"type": "Point", "coordinates": [836694.05, 819069.8]}
    department.types["csdi:Things"] = [
        {"type": "Feature", "properties": {"CODE": f"T{n}", "height": n}, "geometry": point} for n in range(25_003)
    ]
    told = {"kind": "wfs", "address": department.wfs("x"), "layer": "csdi:Things"}
    layer = make_layer(source={"published": told})
    fetched = published.fetch(layer, Folder(tmp_path, "things"), QUICK)
    assert fetched is not None
    parsed = read_vector(as_published(layer), fetched[1])
    assert (len(parsed.records), parsed.refusals) == (25_003, [])
    asked = [parse_qs(urlsplit(path).query) for path, _ in department.asked]
    assert [(one["count"], one["startIndex"]) for one in asked if "startIndex" in one] == [
        (["10000"], ["0"]), (["10000"], ["10000"]), (["10000"], ["20000"]),
    ]  # fmt: skip
    assert {one["srsName"][0] for one in asked if "srsName" in one} == {"EPSG:2326"}
    assert all("COP" in headers["User-Agent"] for _, headers in department.asked)


def test_a_wfs_loads_and_its_manifest_says_what_came(of_wfs: Layer, place: Place) -> None:
    outcome = load(of_wfs, place)
    assert (outcome.failure, outcome.provenance, count(place)) == (None, "real", 18)
    assert outcome.reports[0].mended == 0
    assert place.published is not None
    manifest = Folder(place.published, "districts").manifest()
    assert manifest is not None
    (note,) = manifest.files
    file = place.published / "districts" / "files" / note.name
    assert note.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert datetime.now(UTC) - manifest.day < timedelta(minutes=5)
    assert "CSDI" in manifest.licence
    assert manifest.attribution == "Home Affairs Department"
    assert not (place.published / "districts" / "incoming").exists()


def test_what_was_fetched_goes_before_the_file_at_hand(of_wfs: Layer, place: Place) -> None:
    load(of_wfs, place)
    (again,) = load_reference(catalogue(), place, only=["districts"])
    assert (again.skipped, again.provenance, count(place)) == ("loaded already", "real", 18)


def test_a_second_fetch_of_the_same_changes_nothing(of_wfs: Layer, place: Place) -> None:
    load(of_wfs, place)
    again = load(of_wfs, place)
    assert again.skipped == f"the published original is still that of {datetime.now(UTC):%Y-%m-%d}"
    assert place.connection.execute("SELECT count(*) FROM cop.journal").fetchone() == (1,)


def test_a_server_that_gives_less_a_page_than_asked_is_walked_to_its_end(
    department: Department, of_wfs: Layer, place: Place
) -> None:
    department.most = 5
    assert load(of_wfs, place).failure is None
    assert count(place) == 18


def test_a_walk_that_is_cut_goes_on_with_the_page_it_stopped_at(
    department: Department, of_wfs: Layer, place: Place
) -> None:
    department.most = 5
    department.faults = ["", "", "", "503", "503", "503", "503"]
    outcome = load(of_wfs, place)
    assert "answered 503, 4 times; try again later, what has come is kept" in str(outcome.failure)
    assert count(place) == 0
    department.asked.clear()
    assert load(of_wfs, place).failure is None
    starts = [parse_qs(urlsplit(path).query).get("startIndex", ["-"])[0] for path, _ in department.asked]
    assert starts == ["-", "10", "15"], "the hits, then only the pages that were missing"
    assert count(place) == 18


@pytest.mark.parametrize("fault", ["500", "429", "cut"])
def test_what_passes_is_tried_again(department: Department, of_wfs: Layer, place: Place, fault: str) -> None:
    department.faults = [fault, "", fault]
    assert load(of_wfs, place).failure is None
    assert count(place) == 18


def test_a_page_that_is_missing_is_seen_by_number_matched(department: Department, of_wfs: Layer, place: Place) -> None:
    load(of_wfs, place)
    department.withheld = 3
    outcome = load(of_wfs, place)
    assert "numberMatched is 18 and 15 features came" in str(outcome.failure)
    assert count(place) == 18


def test_the_only_type_of_a_service_needs_no_name(department: Department, of_wfs: Layer, place: Place) -> None:
    nameless = layer_with({"kind": "wfs", "address": department.wfs("had")})
    assert load(nameless, place).failure is None
    department.types["csdi:Other"] = []
    assert "offers csdi:DCD, csdi:Other; name one in source.published.layer" in str(load(nameless, place).failure)


# -- what is not what it should be: refused with the reason, and the old records stay ------------------------------


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (["html"], "is an HTML page"),
        (["", "html"], "is an HTML page"),
        (["", "exception"], "answered 200 with an ExceptionReport: Cannot perform query"),
        (["404"], "answered 404 Not Found; the address has moved: correct source.published"),
    ],
)
def test_an_error_in_the_form_of_an_answer_is_refused(
    department: Department, of_wfs: Layer, place: Place, faults: list[str], reason: str
) -> None:
    load(of_wfs, place)
    department.faults = faults
    outcome = load(of_wfs, place)
    assert reason in str(outcome.failure)
    assert count(place) == 18


def test_the_old_records_say_their_age(department: Department, of_wfs: Layer, place: Place) -> None:
    load(of_wfs, place)
    place.connection.execute("UPDATE cop.layer SET loaded_at = now() - interval '51 days' WHERE id = 'districts'")
    department.types["csdi:DCD"] = [district(1) | {"properties": {"CODE": "D1"}}]
    outcome = load(of_wfs, place)
    assert "no attribute AREA_CODE, NAME_EN, NAME_TC, BEGIN_LIFESPAN; it has CODE" in outcome.sentence
    day = datetime.now(UTC) - timedelta(days=51)
    assert any(
        f"the old records stay, those of {told:%Y-%m-%d} (51 days old)" in outcome.sentence
        for told in (day, day + timedelta(hours=8))
    )
    assert count(place) == 18


def test_a_geometry_of_another_type_is_refused_whole(department: Department, of_wfs: Layer, place: Place) -> None:
    load(of_wfs, place)
    line = {"type": "LineString", "coordinates": [[836000, 819000], [836100, 819100]]}
    department.types["csdi:DCD"] = districts(10) + [district(number, geometry=line) for number in (11, 12)]
    outcome = load(of_wfs, place)
    assert "2 of 12 records cannot be taken, the first because: found LineString, wanted Polygon" in outcome.sentence
    assert count(place) == 18


def test_a_type_without_features_is_refused(department: Department, of_wfs: Layer, place: Place) -> None:
    load(of_wfs, place)
    department.types["csdi:DCD"] = []
    assert "csdi:DCD has no features" in str(load(of_wfs, place).failure)
    assert count(place) == 18


def test_a_refused_original_is_not_taken_up_at_the_next_start(
    department: Department, of_wfs: Layer, place: Place
) -> None:
    load(of_wfs, place)
    department.types["csdi:DCD"] = [district(1) | {"properties": {"CODE": "D1"}}]
    load(of_wfs, place)
    (next_start,) = load_reference(catalogue(), place, only=["districts"])
    assert next_start.skipped == "loaded already"


# -- files -------------------------------------------------------------------------------------------------------


def geojson(features: list[dict[str, Any]]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


@pytest.fixture
def of_file(department: Department) -> Layer:
    department.files["/td/districts.geojson"] = geojson(districts(18))
    return layer_with({"kind": "file", "address": f"{department.url}/td/districts.geojson"})


def test_a_file_that_breaks_off_goes_on_where_it_stopped(department: Department, of_file: Layer, place: Place) -> None:
    department.faults = ["cut"]
    assert load(of_file, place).failure is None
    size = len(department.files["/td/districts.geojson"])
    (_, first), (_, second) = department.asked
    assert "Range" not in first
    assert second["Range"] == f"bytes={size * 2 // 3}-"
    assert second["If-Range"].startswith('"')
    assert count(place) == 18


def test_the_next_run_goes_on_where_the_last_gave_up(department: Department, of_file: Layer, place: Place) -> None:
    department.faults = ["cut", "500", "500", "500"]
    assert "what has come is kept" in str(load(of_file, place).failure)
    department.asked.clear()
    assert load(of_file, place).failure is None
    assert "Range" in department.asked[0][1]


def test_a_file_that_changed_meanwhile_is_fetched_anew(department: Department, of_file: Layer, place: Place) -> None:
    department.faults = ["cut", "500", "500", "500"]
    load(of_file, place)
    department.files["/td/districts.geojson"] = geojson(districts(7))
    assert load(of_file, place).failure is None
    assert count(place) == 7


def test_a_file_that_always_breaks_off_is_never_taken(department: Department, of_file: Layer, place: Place) -> None:
    department.faults = ["cut"] * 4
    outcome = load(of_file, place)
    assert outcome.failure is not None
    assert "broke off after" in outcome.failure
    assert "the layer has no old records" in outcome.sentence
    assert count(place) == 0


def test_an_unchanged_file_is_not_sent_again(department: Department, of_file: Layer, place: Place) -> None:
    load(of_file, place)
    again = load(of_file, place)
    assert "still that of" in str(again.skipped)
    assert "If-None-Match" in department.asked[-1][1]


def test_a_file_changed_on_our_disk_is_fetched_again(department: Department, of_file: Layer, place: Place) -> None:
    load(of_file, place)
    assert place.published is not None
    (place.published / "districts" / "files" / "districts.geojson").write_bytes(b"{}")
    assert load(of_file, place).failure is None
    assert "If-None-Match" not in department.asked[-1][1]


@pytest.mark.parametrize("fault", ["html", "exception"])
def test_an_error_page_instead_of_a_file_is_refused(
    department: Department, of_file: Layer, place: Place, fault: str
) -> None:
    load(of_file, place)
    department.faults = [fault]
    department.files["/td/districts.geojson"] = geojson(districts(7))
    assert load(of_file, place).failure is not None
    assert count(place) == 18
    assert load(of_file, place).failure is None
    assert count(place) == 7


def test_too_slow_and_too_large_are_given_up(department: Department, of_file: Layer, place: Place) -> None:
    department.faults = ["drip"]
    slow = load(of_file, place, Manners(pause=0, backoff=0.001, seconds=0.3))
    assert "takes longer than the 0.3 s allowed; run it again, it goes on from here" in str(slow.failure)
    large = load(of_file, place, Manners(pause=0, backoff=0.001, bytes=1000))
    assert "more than the 1,000 allowed" in str(large.failure)


def test_redirects_are_followed_a_few_times_and_never_to_a_file(department: Department, place: Place) -> None:
    department.files["/new.geojson"] = geojson(districts(18))
    department.redirects = {
        "/old": "/older",
        "/older": "/new.geojson",
        "/round": "/round",
        "/evil": "file:///etc/passwd",
    }
    told = {"kind": "file", "address": f"{department.url}/old"}
    assert load(layer_with(told), place).failure is None
    assert count(place) == 18
    round_ = load(layer_with(told | {"address": f"{department.url}/round"}), place)
    assert "redirects too often" in str(round_.failure)
    evil = load(layer_with(told | {"address": f"{department.url}/evil"}), place)
    assert "redirect" in str(evil.failure)
    assert count(place) == 18


def file_gdb(tmp_path: Path, driver: str = "OpenFileGDB", name: str = "Net.gdb") -> bytes:
    folder = tmp_path / "made" / name
    folder.parent.mkdir()
    schema = {
        "geometry": "Polygon",
        "properties": {"AREA_CODE": "str", "NAME_EN": "str", "NAME_TC": "str", "SINCE": "str"},
    }
    for inside in ("OTHER", "DCD"):
        # GDAL writes a FileGDB of the grid whole, and then complains about the extent's far corners.
        with (
            suppress(CPLE_BaseError),
            fiona.open(folder, "w", driver=driver, layer=inside, schema=schema, crs="EPSG:2326") as out,
        ):
            for raw in districts(18 if inside == "DCD" else 3):
                told = dict(raw["properties"])
                told["SINCE"] = told.pop("BEGIN_LIFESPAN")
                out.write({"type": "Feature", "properties": told, "geometry": raw["geometry"]})
    gc.collect()  # in this test, which expects the complaint, and in no later one
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return body.getvalue()


def test_a_zipped_file_gdb_is_read_by_the_layer_named_and_the_names_of_the_original(
    department: Department, place: Place, tmp_path: Path
) -> None:
    department.files["/td/RdNet.gdb.zip"] = file_gdb(tmp_path)
    told = {"kind": "file", "address": f"{department.url}/td/RdNet.gdb.zip", "layer": "DCD",
            "fields": {"valid_from": "SINCE"}}  # fmt: skip
    assert load(layer_with(told), place).failure is None
    assert count(place) == 18
    row = place.connection.execute("SELECT min(valid_from)::text, min(ST_X(ST_Centroid(geom))) FROM layer.districts")
    since, lon = row.fetchone() or ("", 0.0)
    assert since == "2016-01-01"
    assert lon == pytest.approx(grid.to_lon_lat(820_450, 820_450)[0], abs=1e-5)


def test_a_zip_that_is_cut_or_damaged_is_refused(department: Department, place: Place, tmp_path: Path) -> None:
    whole = file_gdb(tmp_path)
    told = {
        "kind": "file",
        "address": f"{department.url}/RdNet.gdb.zip",
        "layer": "DCD",
        "fields": {"valid_from": "SINCE"},
    }
    department.files["/RdNet.gdb.zip"] = whole[: len(whole) // 2]
    assert "is not a whole zip archive" in str(load(layer_with(told), place).failure)
    damaged = bytearray(whole)
    middle = len(damaged) // 2
    damaged[middle : middle + 40] = bytes(40)
    department.files["/RdNet.gdb.zip"] = bytes(damaged)
    assert load(layer_with(told), place).failure is not None
    assert count(place) == 0


def test_a_zipped_gml_with_northing_first(department: Department, make_layer: MakeLayer, tmp_path: Path) -> None:
    member = (
        '<gml:featureMember xmlns:gml="http://www.opengis.net/gml"><Cliff gml:id="c{0}"><CODE>{0}</CODE><height>1</height>'
        '<geometry><gml:LineString srsName="urn:ogc:def:crs:EPSG::2326"><gml:posList>819069.8 836694.05 819169.8 836794.05'
        "</gml:posList></gml:LineString></geometry></Cliff></gml:featureMember>"
    )
    gml = '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml">' + "".join(map(member.format, "ab"))
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("readme.txt", "iB50000")
        archive.writestr("iB50000/Cliff.gml", gml + "</gml:FeatureCollection>")
    department.files["/b50k.zip"] = body.getvalue()
    told = {"kind": "file", "address": f"{department.url}/b50k.zip", "layer": "Cliff"}
    layer = make_layer(geometry="LineString", source={"published": told})
    fetched = published.fetch(layer, Folder(tmp_path, "things"), QUICK)
    assert fetched is not None
    parsed = read_vector(as_published(layer), fetched[1])
    assert [record.id for record in parsed.records] == ["a", "b"]


CAMERAS = "key\tregion\tdistrict\tdescription\teasting\tnorthing\tlatitude\tlongitude\turl\r\n{}"


def test_lists_in_two_languages_are_one_layer(department: Department, place: Place) -> None:
    row = (
        "H101F\tHong Kong Island\tCentral\t{}\t834000\t816000\t22.2828\t114.1551\thttps://tdcctv.example/H101F.JPG\r\n"
    )
    marks = b"\xff\xfe\xff\xfe"
    for name, text in (("En", "Connaught Road"), ("Tc", "干諾道")):
        body = marks + CAMERAS.format(row.format(text)).encode("utf-16-le")
        department.files[f"/code/Traffic_Camera_Locations_{name}.csv"] = body
    base = f"{department.url}/code/Traffic_Camera_Locations_"
    layer = layer_with({"kind": "file", "address": f"{base}En.csv", "more": [f"{base}Tc.csv"]}, "traffic_cameras")
    assert load(layer, place).failure is None
    found = place.connection.execute("SELECT id, description_en, description_zh FROM layer.traffic_cameras").fetchall()
    assert found == [("H101F", "Connaught Road", "干諾道")]
    department.files["/code/Traffic_Camera_Locations_Tc.csv"] += row.replace("H101F", "H102F").encode("utf-16-le")
    assert load(layer, place).failure is None
    assert count(place, "traffic_cameras") == 2


def test_json_of_an_api_is_read_by_its_paths(department: Department, place: Place) -> None:
    nodes = [{"type": "node", "id": 1, "lat": 22.41, "lon": 113.98, "tags": {
            "name": "市中心", "railway": "stop", "ref": "280", "fare_zone": "1", "operator": "MTR"}}]  # fmt: skip
    department.files["/api/interpreter"] = json.dumps({"version": 0.6, "elements": nodes}).encode()
    layer = layer_with({"kind": "file", "address": f"{department.url}/api/interpreter?data=x", "crs": 4326},
                       "light_rail_stops")  # fmt: skip
    assert load(layer, place).failure is None
    found = place.connection.execute("SELECT id, name_en, name_zh, kind, ST_X(geom) FROM layer.light_rail_stops")
    assert found.fetchall() == [("1", "市中心", "市中心", "stop", 113.98)]


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command_asks_a_mirror_and_shows_the_licence_first(
    department: Department, store: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    department.types["csdi:DCD"] = districts(18)
    mirrors = {"portal.csdi.gov.hk": f"{department.url}/mirror"}
    settings = Settings(var=tmp_path, published_mirrors=mirrors)
    monkeypatch.setattr(
        "cop_server.published.Manners", lambda mirrors: Manners(pause=0, backoff=0.001, mirrors=mirrors)
    )
    fetch_published(settings, store.owner_dsn, ["districts"], yes=True)
    said = capsys.readouterr()
    words = " ".join((said.out + said.err).split())
    assert words.index("CSDI Portal Terms and Conditions of Use") < words.index("18 records (real)")
    assert department.asked[0][0].startswith("/mirror/server/services/common/had_rcd_1634523272907_75218/")
    department.faults = ["html"]
    with pytest.raises(SetupTrouble, match="1 of 1 originals were not loaded"):
        fetch_published(settings, store.owner_dsn, ["districts"], yes=True)


def test_a_layer_without_an_original_is_told(store: Cluster, tmp_path: Path) -> None:
    with pytest.raises(SetupTrouble, match=r"cliffs: no layer with a published original .* districts"):
        fetch_published(Settings(var=tmp_path), store.owner_dsn, ["cliffs"], yes=True)


def test_two_downloads_do_not_run_at_once(of_wfs: Layer, place: Place) -> None:
    assert place.published is not None
    with published.only_one(place.published), pytest.raises(LoadRefused, match="another download is running"):
        load(of_wfs, place)


def test_pauses_lie_between_requests(department: Department, of_wfs: Layer, tmp_path: Path) -> None:
    department.most = 6
    asked_at: list[float] = []
    department.asked = _Clock(asked_at)
    published.fetch(of_wfs, Folder(tmp_path, "districts"), Manners(pause=0.05, backoff=0.001))
    assert len(asked_at) == 4
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(asked_at))


class _Clock(list[Any]):
    def __init__(self, times: list[float]) -> None:
        super().__init__()
        self.times = times

    def append(self, value: Any) -> None:
        self.times.append(time.monotonic())
        super().append(value)


def test_every_published_original_in_the_layers_is_well_told() -> None:
    for layer in catalogue().layers.values():
        told = layer.source.published
        if told is None:
            continue
        assert layer.source.licence in published.LICENCES, layer.id
        assert set(told.fields) <= set(layer.by_name), layer.id
        assert not told.verified or (told.kind == "file" or told.layer), f"{layer.id}: verified, and no layer named"
        if "csdi.gov.hk" in told.address and told.kind == "wfs":
            assert told.address.startswith("https://portal.csdi.gov.hk/server/services/common/"), layer.id


def test_a_redirect_into_the_house_is_not_followed(department: Department, place: Place) -> None:
    """Who wrote the layer's file chose its host; where that leads to, nobody did."""
    port = urlsplit(department.url).port
    department.files["/secret"] = geojson(districts(18))
    department.redirects = {"/old": f"http://localhost:{port}/secret"}
    outcome = load(layer_with({"kind": "file", "address": f"{department.url}/old"}), place)
    assert "localhost is at" in str(outcome.failure)
    assert "/secret" not in [path for path, _ in department.asked]
