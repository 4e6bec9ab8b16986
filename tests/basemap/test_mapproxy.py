"""The basemaps through the door that clients use: WMTS, WMS, TMS in both grids, caching, links, axis order."""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from mapproxy.config.loader import load_configuration
from owslib.wms import WebMapService
from owslib.wmts import WebMapTileService
from PIL import Image, ImageChops, ImageStat

from cop.resources import resource
from cop.settings import Settings, get_settings

# MapProxy 7 leaves its files and locks to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

# The WMTS tile of the small Hong Kong's middle at level 11, and in the other grid at level 3 (25 m).
MERCATOR, HK80 = "11/1673/893", "3/4/4"
WMS = "/basemaps/service?SERVICE=WMS&REQUEST=GetMap&STYLES=&FORMAT=image/png&LAYERS=light&WIDTH=400&HEIGHT=300"


def _image(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/")
    return Image.open(io.BytesIO(answer.content)).convert("RGB")


def _colours(image: Image.Image) -> int:
    return len(image.getcolors(image.width * image.height) or [])


def _difference(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("layer", ["light", "dark", "relief", "print"])
@pytest.mark.parametrize("tile", [f"wm/{MERCATOR}", f"hk80/{HK80}"])
def test_wmts_draws_every_style_in_both_grids(client: Any, layer: str, tile: str) -> None:
    image = _image(client.get(f"/basemaps/wmts/{layer}/{tile}.png"))
    assert image.size == (256, 256)
    assert _colours(image) > 20
    brightness = ImageStat.Stat(image.convert("L")).mean[0]
    assert brightness < 90 if layer == "dark" else brightness > 150


def test_key_value_wmts_gives_the_same_tile(client: Any) -> None:
    level, column, row = MERCATOR.split("/")
    kvp = client.get(
        "/basemaps/service?service=WMTS&request=GetTile&version=1.0.0&layer=light&style=default&format=image/png"
        f"&tilematrixset=wm&tilematrix={level}&tilecol={column}&tilerow={row}"
    )
    assert _difference(_image(kvp), _image(client.get(f"/basemaps/wmts/light/wm/{MERCATOR}.png"))) < 2


@pytest.mark.parametrize("tile", [f"light/wm/{MERCATOR}", f"relief/hk80/{HK80}"])
def test_twice_the_pixels_show_the_same_ground(client: Any, tile: str) -> None:
    plain = _image(client.get(f"/basemaps/wmts/{tile}.png"))
    fine = _image(client.get(f"/basemaps/wmts/{tile}@2x.png"))
    assert fine.size == (512, 512)
    assert _difference(fine.resize((256, 256)), plain) < 8


def test_tms_counts_rows_from_the_south(client: Any) -> None:
    level, column, row = map(int, MERCATOR.split("/"))
    # MapProxy's TMS leaves level 0 out and calls level 1 its first.
    flipped = 2**level - 1 - row
    tms = client.get(f"/basemaps/tms/1.0.0/light/EPSG3857/{level - 1}/{column}/{flipped}.png")
    plain = _image(client.get(f"/basemaps/wmts/light/wm/{MERCATOR}.png"))
    assert _difference(_image(tms), plain) < 2
    fine = client.get(f"/basemaps/tms/1.0.0/light/EPSG3857/{level - 1}/{column}/{flipped}@2x.png")
    assert _image(fine).size == (512, 512)


def test_wms_130_has_northing_first_in_hk1980(client: Any) -> None:
    new = _image(client.get(f"{WMS}&VERSION=1.3.0&CRS=EPSG:2326&BBOX=812000,820000,827000,840000"))
    old = _image(client.get(f"{WMS}&VERSION=1.1.1&SRS=EPSG:2326&BBOX=820000,812000,840000,827000"))
    swapped = _image(client.get(f"{WMS}&VERSION=1.3.0&CRS=EPSG:2326&BBOX=820000,812000,840000,827000"))
    assert _difference(new, old) < 4
    assert _difference(new, swapped) > 4


def test_wms_draws_every_crs_it_lists(client: Any) -> None:
    boxes = {
        "EPSG:3857": "12685000,2545000,12715000,2567500",
        "EPSG:4326": "22.22,113.98,22.42,114.24",
        "CRS:84": "113.98,22.22,114.24,22.42",
    }
    images = {crs: _image(client.get(f"{WMS}&VERSION=1.3.0&CRS={crs}&BBOX={bbox}")) for crs, bbox in boxes.items()}
    assert all(_colours(image) > 50 for image in images.values())
    assert _difference(images["EPSG:4326"], images["CRS:84"]) < 4


def test_whole_world_is_drawn(client: Any) -> None:
    assert _image(client.get("/basemaps/wmts/light/wm/0/0/0.png")).size == (256, 256)


def test_tiles_are_cached_and_revalidated(client: Any) -> None:
    address = f"/basemaps/wmts/light/wm/{MERCATOR}.png"
    client.get(address)
    first = client.get(address)
    assert "max-age" in first.headers["cache-control"]
    again = client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    head = client.request("HEAD", address)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(first.content))


def test_a_picture_is_the_same_the_first_time_and_later(client: Any) -> None:
    """What is drawn has the colours of what is kept: a GetMap over tiles not cached yet is no exception."""
    address = f"{WMS.replace('LAYERS=light', 'LAYERS=relief')}&VERSION=1.3.0&CRS=EPSG:3857&BBOX={{}}"
    box = "12690000,2550000,12700000,2557500"
    first, again = (_image(client.get(address.format(box))) for _ in range(2))
    assert ImageChops.difference(first, again).getbbox() is None


def test_kept_tiles_are_served_and_marked_where_they_cannot_be_drawn_anew(
    client: Any, client_of: Any, state: Path, tmp_path: Path
) -> None:
    """The basemap is gone or broken after an upgrade: the map of before is better than none."""
    address = f"/basemaps/wmts/dark/hk80/{HK80}.png"
    fresh = client.get(address)
    assert "cop-caveat" not in fresh.headers
    shutil.copytree(state / "mapproxy" / "dark", tmp_path / "mapproxy" / "dark")
    (tmp_path / "basemap").mkdir()
    (tmp_path / "basemap" / "stamp").touch()
    os.utime(tmp_path / "basemap" / "stamp", (time.time() + 5, time.time() + 5))
    alone = client_of(Settings(var=tmp_path))
    kept = alone.get(address)
    assert kept.status_code == 200
    assert kept.content == fresh.content
    assert kept.headers["warning"].startswith("110")
    assert "dark" in kept.headers["cop-caveat"]
    assert alone.get("/basemaps/wmts/dark/wm/14/13388/7147.png").status_code == 503


def test_the_list_leads_to_tiles_that_are_there(client: Any) -> None:
    document = client.get("/basemaps/").json()
    assert [basemap["id"] for basemap in document["basemaps"]] == ["light", "dark", "relief", "print"]
    for basemap in document["basemaps"]:
        assert basemap["title"]["en"] != basemap["title"]["zh"]
        assert basemap["exercise"] is True
        assert basemap["provenance"] == "exercise"
        assert "EXERCISE 演習" in basemap["attribution"]
        sets = {tileset["tileMatrixSet"]: tileset for tileset in basemap["tilesets"]}
        assert sets["wm"]["crs"].endswith("/EPSG/0/3857")
        assert sets["hk80"]["origin"] == [795000, 851000]
        assert sets["hk80"]["resolutions"][0] == 200
    level, column, row = HK80.split("/")
    template = sets["hk80"]["tiles2x"][0].removeprefix("https://cop.example")
    tile = client.get(template.format(z=level, x=column, y=row))
    assert _image(tile).size == (512, 512)
    told = client.get("/basemaps/tilejson/light.json").json()
    assert told["tiles"] == ["https://cop.example/basemaps/wmts/light/wm/{z}/{x}/{y}.png"]


def test_a_new_basemap_makes_cached_tiles_old(client: Any, state: Path) -> None:
    address = f"/basemaps/wmts/dark/wm/{MERCATOR}.png"
    client.get(address)
    cached = next((state / "mapproxy" / "dark" / "wm").rglob("*.png"))
    before = cached.stat().st_mtime_ns
    client.get(address)
    assert cached.stat().st_mtime_ns == before
    # What a build does at its end; the wait keeps the two files' times apart.
    time.sleep(0.05)
    os.utime(state / "basemap" / "stamp")
    os.utime(state / "basemap" / "stamp", (time.time() + 1, time.time() + 1))
    client.get(address)
    assert cached.stat().st_mtime_ns > before
    os.utime(state / "basemap" / "stamp", (1, 1))


def test_capabilities_are_read_by_owslib_and_name_both_grids(client: Any) -> None:
    xml = client.get("/basemaps/service?SERVICE=WMTS&REQUEST=GetCapabilities").content
    wmts = WebMapTileService("https://cop.example/basemaps/service", xml=xml)
    plain = {"light", "dark", "relief", "print"}
    assert set(wmts.contents) == plain | {f"{name}_hq" for name in plain}
    assert set(wmts.contents["light"].tilematrixsetlinks) == {"wm", "hk80"}
    assert set(wmts.contents["relief_hq"].tilematrixsetlinks) == {"wm_hq", "hk80_hq"}
    assert "EXERCISE 演習" in wmts.contents["relief"].abstract
    assert "GetFeatureInfo" not in xml.decode()
    corner = next(iter(wmts.tilematrixsets["hk80"].tilematrix.values())).topleftcorner
    assert [round(edge) for edge in corner] == [851000, 795000]  # northing first
    xml = client.get("/basemaps/service?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0").content
    wms = WebMapService("https://cop.example/basemaps/service", xml=xml, version="1.3.0")
    assert {"light", "dark"} <= set(wms.contents)
    assert {"EPSG:2326", "EPSG:3857", "EPSG:4326"} <= set(wms["light"].crsOptions)
    box = re.search(r'<BoundingBox CRS="EPSG:2326" minx="(\d+).*?" miny="(\d+).*?"', xml.decode())
    assert box is not None
    assert [round(int(edge), -3) for edge in box.groups()] == [797000, 795000]  # northing first, as WMS 1.3.0 has it


@pytest.mark.parametrize(
    "path", ["service?SERVICE=WMS&REQUEST=GetCapabilities", "wmts/1.0.0/WMTSCapabilities.xml", "tms"]
)
def test_links_come_from_the_public_address_alone(client: Any, path: str) -> None:
    answer = client.get(
        f"/basemaps/{path}",
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Script-Name": "/evil",
                 "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert "evil" not in answer.text
    assert "gopher" not in answer.text
    assert "https://cop.example/basemaps/" in answer.text


@pytest.mark.parametrize(
    "path", ["demo/", "demo/?wms_layer=light", "ogcapi", "ogcapi/maps", "kml/light", "../etc", "tilejson/light_hq.json"]
)
def test_nothing_else_is_served(client: Any, path: str) -> None:
    assert client.get(f"/basemaps/{path}").status_code == 404


def test_a_map_that_cannot_be_drawn_is_an_exception_without_paths(client_of: Any, tmp_path: Path) -> None:
    answer = client_of(Settings(var=tmp_path)).get(f"/basemaps/wmts/light/wm/{MERCATOR}.png")
    assert answer.status_code == 503
    assert "ExceptionReport" in answer.text
    assert str(tmp_path) not in answer.text


def test_production_sources_are_declared_and_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COP_VAR", str(tmp_path))
    get_settings.cache_clear()
    try:
        plain = load_configuration(str(resource("mapproxy") / "mapproxy.yaml"))
        styles = {"light", "dark", "relief", "print"}
        assert set(plain.sources) == styles | {f"{name}_2x" for name in styles}
        chosen = load_configuration(str(resource("mapproxy") / "production.yaml"))
        assert {"landsd_tiles", "landsd_label_tiles", "osm_tiles"} <= set(chosen.sources)
        assert {"landsd", "osm", "light"} <= {layer["name"] for layer in chosen.configuration["layers"]}
    finally:
        get_settings.cache_clear()


def test_mapproxy_alone_serves_the_basemap(state: Path) -> None:
    """`mapproxy-util serve-develop mapproxy/mapproxy.yaml`, as in MapProxy's own documentation."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).parent / "mapproxy-util"
    running = subprocess.Popen(
        [program, "serve-develop", resource("mapproxy") / "mapproxy.yaml", "-b", f"127.0.0.1:{port}"],
        env={**os.environ, "COP_VAR": str(state)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        with _opened(f"http://127.0.0.1:{port}/wmts/light/wm/{MERCATOR}.png") as answer:
            assert Image.open(io.BytesIO(answer.read())).size == (256, 256)
    finally:
        # Its reloader runs the server in a child of the same process group.
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(10)


def _opened(address: str) -> Any:
    deadline = time.monotonic() + 90
    while True:
        try:
            return urllib.request.urlopen(address, timeout=30)
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_the_tile_in_these_tests_is_the_middle_of_the_fixture() -> None:
    level, column, row = map(int, MERCATOR.split("/"))
    lon = (column + 0.5) / 2**level * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (row + 0.5) / 2**level))))
    assert 113.95 < lon < 114.25
    assert 22.20 < lat < 22.45
