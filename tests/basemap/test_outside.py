"""Basemaps from outside, against a server of tiles that fails on request: old tiles stay, broken ones are not kept."""

from __future__ import annotations

import io
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mapproxy.config.configuration.base import ConfigurationError
from owslib.wms import WebMapService
from PIL import Image, ImageChops

from cop.settings import Settings
from cop_server.basemaps import configuration_file
from cop_tiles import outside

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

OSM = "/basemaps/wmts/osm/xyz/12/3346/1787.png"
SAME_IN_HK80 = "/basemaps/wmts/landsd/hk80/3/4/4.png"
LANDSD = "/basemaps/wmts/landsd/xyz/12/3346/1787.png"


def _png(colour: tuple[int, ...], side: int = 256) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", (side, side), colour).save(out, "PNG")
    return out.getvalue()


class Stub:
    """A server of tiles: `fault` says how it fails, `colour` what it draws; it counts what it was asked."""

    def __init__(self) -> None:
        self.fault = ""
        self.colour: tuple[int, ...] = (200, 60, 60)
        self.paths: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.under_way = self.most_at_once = 0
        self.pause = 0.0
        self.release = threading.Event()
        self._guard = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub.enter(self.path, self.headers.get("User-Agent", ""))
                try:
                    status, kind, body = stub.prepare()
                finally:
                    # Before the last byte: who has it may ask again at once.
                    stub.leave()
                with suppress(ConnectionError):
                    stub.send(self, status, kind, body)

            def log_message(self, *_: object) -> None:
                """Nothing: the test's output is for the test."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def enter(self, path: str, agent: str) -> None:
        with self._guard:
            self.paths[path] += 1
            self.agents.add(agent)
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)

    def leave(self) -> None:
        with self._guard:
            self.under_way -= 1

    def prepare(self) -> tuple[int, str, bytes]:
        time.sleep(self.pause)
        status, kind, body = 200, "image/png", _png(self.colour)
        if self.fault in {"500", "404", "429"}:
            status, kind, body = int(self.fault), "text/plain", b"no"
        elif self.fault == "silence":
            self.release.wait(30)
        elif self.fault == "html":
            kind, body = "text/html", b"<html>Sign in to this network</html>"
        elif self.fault == "html as png":
            body = b"<html>Sign in to this network</html>"
        elif self.fault == "cut":
            body = _noise()[:2000]
        elif self.fault == "small":
            body = _png(self.colour, 64)
        elif self.fault == "empty":
            body = b""
        return status, kind, body

    def send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(_noise()) if self.fault == "short" else len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


def _noise() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((256, 256), 80).convert("RGB").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A tile server on loopback."""
    running = Stub()
    yield running
    running.close()


@pytest.fixture
def asks(stub: Stub, tmp_path: Path, client_of: Callable[[Settings], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of basemaps whose sources are the stub; a source that failed is asked again at once."""
    monkeypatch.setattr(outside, "REST_SECONDS", 0.0)
    return client_of(_settings(stub, tmp_path))


def _settings(stub: Stub, folder: Path) -> Settings:
    return Settings(
        var=folder, url="https://cop.example", basemaps="live", landsd_url=f"{stub.url}/landsd", osm_url=stub.url,
        contact="duty@cop.example",
    )  # fmt: skip


def _colour(answer: Any) -> tuple[int, ...]:
    assert answer.status_code == 200, answer.text
    colour = Image.open(io.BytesIO(answer.content)).convert("RGB").getpixel((100, 100))
    assert isinstance(colour, tuple)
    return colour


def _make_old(folder: Path) -> None:
    """What a cache looks like after the holidays."""
    import os

    tiles = list((folder / "mapproxy").rglob("*.png"))
    assert tiles
    for tile in tiles:
        os.utime(tile, (time.time() - 60 * 86400,) * 2)


def test_a_tile_is_fetched_once_with_our_name_and_kept(stub: Stub, asks: Any) -> None:
    first, again = asks.get(OSM), asks.get(OSM)
    assert _colour(first) == (200, 60, 60)
    assert again.content == first.content
    assert stub.paths == {"/12/3346/1787.png": 1}
    (agent,) = stub.agents
    assert agent.startswith("COP/")
    assert "duty@cop.example" in agent
    assert "cop-caveat" not in again.headers


FAULTS = ["500", "429", "html", "html as png", "cut", "short", "small", "empty", "404"]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_old_tile_is_served_and_marked_while_its_source_fails(
    stub: Stub, asks: Any, tmp_path: Path, fault: str
) -> None:
    fresh = asks.get(OSM)
    _make_old(tmp_path)
    stub.fault, stub.colour = fault, (0, 0, 250)
    stale = asks.get(OSM)
    assert stale.status_code == 200
    assert stale.content == fresh.content
    assert stale.headers["warning"] == '110 - "Response is Stale"'
    assert "osm" in stale.headers["cop-caveat"]
    assert stub.paths["/12/3346/1787.png"] == 2
    stub.fault = ""
    mended = asks.get(OSM)
    assert _colour(mended) == (0, 0, 250)
    assert "cop-caveat" not in mended.headers


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_broken_is_neither_served_nor_kept(stub: Stub, asks: Any, tmp_path: Path, fault: str) -> None:
    stub.fault = fault
    broken = asks.get(OSM)
    assert broken.status_code == (404 if fault == "404" else 503)
    assert "ExceptionReport" in broken.text
    assert "127.0.0.1" not in broken.text
    assert not list((tmp_path / "mapproxy").rglob("*.png"))
    stub.fault = ""
    assert _colour(asks.get(OSM)) == (200, 60, 60)


def test_a_silent_source_does_not_hold_an_old_tile_back(
    stub: Stub, tmp_path: Path, client_of: Callable[[Settings], Any]
) -> None:
    asks = client_of(_settings(stub, tmp_path))
    fresh = asks.get(OSM)
    _make_old(tmp_path)
    stub.close()  # nothing listens any more
    stale = [asks.get(OSM) for _ in range(3)]
    assert all(one.content == fresh.content and "cop-caveat" in one.headers for one in stale)


def test_a_source_that_failed_is_left_alone_for_a_while(
    stub: Stub, tmp_path: Path, client_of: Callable[[Settings], Any]
) -> None:
    asks = client_of(_settings(stub, tmp_path))
    stub.fault = "500"
    for row in range(5):
        assert asks.get(f"/basemaps/wmts/osm/xyz/12/3346/{row}.png").status_code == 503
    assert sum(stub.paths.values()) == 1
    # A tile that is not there says nothing of the server.
    assert asks.get(LANDSD).status_code == 503
    assert sum(stub.paths.values()) == 2


def test_a_source_that_hangs_is_given_up(stub: Stub, tmp_path: Path) -> None:
    server = outside.Server("slow", stub.url + "/%(z)s/%(x)s/%(y)s.png", 0.3, 2, "COP", tmp_path)
    stub.fault = "silence"
    with pytest.raises(outside.NotHad, match="does not answer"):
        outside.Asking(server).tile(1, 1, 1, (256, 256))


def test_never_more_than_two_requests_at_once(stub: Stub, tmp_path: Path) -> None:
    server = outside.Server("osm", stub.url + "/%(z)s/%(x)s/%(y)s.png", 10, 2, "COP", tmp_path)
    stub.pause = 0.05
    # As many as the server's processes have sources, each with threads of its own.
    askers = [outside.Asking(server) for _ in range(3)]
    with ThreadPoolExecutor(12) as threads:
        images = list(threads.map(lambda nth: askers[nth % 3].tile(12, nth, 1, (256, 256)), range(24)))
    assert len(images) == 24
    assert stub.most_at_once == 2


def test_a_map_over_many_tiles_is_whole_or_an_error(stub: Stub, asks: Any, tmp_path: Path) -> None:
    query = (
        "/basemaps/service?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=landsd&STYLES=&CRS=EPSG:2326"
        "&BBOX=812000,820000,827000,840000&WIDTH=400&HEIGHT=300&FORMAT=image/png"
    )
    first = asks.get(query)
    assert _colour(first) == (200, 60, 60)
    _make_old(tmp_path)
    stub.fault = "500"
    stale = asks.get(query)
    assert _colour(stale) == (200, 60, 60)
    assert "landsd" in stale.headers["cop-caveat"]
    elsewhere = asks.get(query.replace("812000,820000,827000,840000", "827000,820000,842000,840000"))
    assert elsewhere.status_code == 503


def test_the_department_s_map_is_turned_into_our_grid_and_says_its_age(stub: Stub, asks: Any, tmp_path: Path) -> None:
    assert _colour(asks.get(SAME_IN_HK80)) == (200, 60, 60)
    _make_old(tmp_path)
    stub.fault = "html"
    stale = asks.get(SAME_IN_HK80)
    assert _colour(stale) == (200, 60, 60)
    assert "landsd" in stale.headers["cop-caveat"]
    # Not kept a second time: a copy would be young.
    assert not list((tmp_path / "mapproxy" / "landsd_hk80").rglob("*.png"))


def test_labels_keep_what_lies_under_them(stub: Stub, asks: Any) -> None:
    stub.colour = (0, 0, 0, 0)
    answer = asks.get("/basemaps/wmts/landsd_label/xyz/12/3346/1787.png")
    image = Image.open(io.BytesIO(answer.content)).convert("RGBA")
    assert image.getchannel("A").getextrema() == (0, 0)
    assert stub.paths == {"/landsd/label/hk/tc/wgs84/12/3346/1787.png": 1}


def test_attribution_stands_in_capabilities_and_list(asks: Any) -> None:
    xml = asks.get("/basemaps/service?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0").content
    wms = WebMapService("https://cop.example/basemaps/service", xml=xml, version="1.3.0")
    assert wms["osm"].attribution["title"] == "© OpenStreetMap contributors"
    assert wms["landsd"].attribution["title"] == "Map from Lands Department 地圖由地政總署提供"
    wmts = asks.get("/basemaps/wmts/1.0.0/WMTSCapabilities.xml")
    ET.fromstring(wmts.content)
    assert "Map from Lands Department 地圖由地政總署提供" in wmts.text
    listed = {basemap["id"]: basemap for basemap in asks.get("/basemaps/").json()["basemaps"]}
    assert listed["osm"]["attribution"] == "© OpenStreetMap contributors"
    assert listed["osm"]["attributionUrl"] == "https://www.openstreetmap.org/copyright"
    assert listed["osm"]["title"] == {"en": "OpenStreetMap", "zh": "開放街圖"}
    assert {tileset["tileMatrixSet"] for tileset in listed["landsd"]["tilesets"]} == {"xyz", "hk80"}


def test_nothing_from_outside_is_offered_unless_asked_for(tmp_path: Path, client_of: Any) -> None:
    asks = client_of(Settings(var=tmp_path))
    assert asks.get(OSM).status_code == 404
    assert configuration_file(Settings()).name == "mapproxy.yaml"


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="wanted http"):
        outside.address("{osm2}/%(z)s", Settings(var=tmp_path))


def test_a_picture_that_is_one_is_taken_as_it_is() -> None:
    kept = outside.picture(_png((1, 2, 3)), (256, 256))
    assert ImageChops.difference(kept, Image.new("RGB", (256, 256), (1, 2, 3))).getbbox() is None
