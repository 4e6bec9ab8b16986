"""The guard: every wrong answer that was measured of MapProxy, and more, is answered as the standards say."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

# MapProxy 7 leaves its files and locks to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

GETMAP = {
    "SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": "light", "STYLES": "", "CRS": "EPSG:3857",
    "BBOX": "12690000,2550000,12700000,2560000", "WIDTH": "64", "HEIGHT": "64", "FORMAT": "image/png",
}  # fmt: skip
GETTILE = {
    "SERVICE": "WMTS", "VERSION": "1.0.0", "REQUEST": "GetTile", "LAYER": "light", "STYLE": "default",
    "FORMAT": "image/png", "TILEMATRIXSET": "wm", "TILEMATRIX": "11", "TILEROW": "893", "TILECOL": "1673",
}  # fmt: skip


def _changed(query: dict[str, str], change: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**query, **change}.items() if value is not None}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"CRS": "EPSG:99999"}, "InvalidCRS"),
        ({"CRS": "nonsense"}, "InvalidCRS"),
        ({"CRS": None}, None),
        ({"BBOX": "1,2,3"}, None),
        ({"BBOX": "a,b,c,d"}, None),
        ({"BBOX": "nan,nan,nan,nan"}, None),
        ({"BBOX": "1,2,inf,4"}, None),
        ({"BBOX": "12700000,2550000,12690000,2560000"}, None),
        ({"BBOX": "1,1,1,1"}, None),
        ({"BBOX": None}, None),
        ({"WIDTH": "abc"}, None),
        ({"WIDTH": "0"}, None),
        ({"WIDTH": "-5"}, None),
        ({"WIDTH": "1e9"}, None),
        ({"HEIGHT": "99999"}, None),
        ({"HEIGHT": None}, None),
        ({"VERSION": "9.9"}, None),
        ({"VERSION": "1.0.0"}, None),
        ({"VERSION": None}, None),
        ({"LAYERS": "nope"}, "LayerNotDefined"),
        ({"LAYERS": None}, None),
        ({"LAYERS": "light," * 40 + "light"}, None),
        ({"STYLES": "sepia"}, "StyleNotDefined"),
        ({"STYLES": None}, None),
        ({"FORMAT": "image/tiff"}, "InvalidFormat"),
        ({"FORMAT": None}, None),
        ({"REQUEST": "GetFeatureInfo"}, "OperationNotSupported"),
        ({"REQUEST": "Explode"}, "OperationNotSupported"),
        ({"REQUEST": None}, None),
        ({"TRANSPARENT": "perhaps"}, None),
        ({"BGCOLOR": "red"}, None),
        ({"EXCEPTIONS": "smoke"}, None),
        ({"LAYERS": "<script>&\x00"}, "LayerNotDefined"),
    ],
)
def test_wrong_wms_requests_are_service_exceptions(
    client: Any, change: dict[str, str | None], code: str | None
) -> None:
    answer = client.get("/basemaps/service", params=_changed(GETMAP, change))
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/xml")
    report = ET.fromstring(answer.text)
    assert report.tag == "{http://www.opengis.net/ogc}ServiceExceptionReport"
    assert report.attrib["version"] == "1.3.0"
    assert report[0].get("code") == code
    assert (report[0].text or "").strip()


def test_wms_111_has_its_own_exception(client: Any) -> None:
    query = _changed(GETMAP, {"VERSION": "1.1.1", "CRS": None, "SRS": "EPSG:1"})
    answer = client.get("/basemaps/service", params=query)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/vnd.ogc.se_xml")
    assert 'code="InvalidSRS"' in answer.text


@pytest.mark.parametrize("name", ["LAYER", "STYLE", "FORMAT", "TILEMATRIXSET", "TILEMATRIX", "TILEROW", "TILECOL", "VERSION",
                                  "REQUEST"])  # fmt: skip
def test_missing_wmts_parameters_are_named(client: Any, name: str) -> None:
    answer = client.get("/basemaps/service", params=_changed(GETTILE, {name: None}))
    assert answer.status_code == 400
    assert 'exceptionCode="MissingParameterValue"' in answer.text
    assert f'locator="{name}"' in answer.text


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"VERSION": "3"}, "InvalidParameterValue", 400),
        ({"STYLE": "bogus"}, "InvalidParameterValue", 400),
        ({"LAYER": "nope"}, "InvalidParameterValue", 400),
        ({"FORMAT": "image/jpeg"}, "InvalidParameterValue", 400),
        ({"TILEMATRIXSET": "wm_hq"}, "InvalidParameterValue", 400),
        ({"TILEMATRIX": "eleven"}, "InvalidParameterValue", 400),
        ({"TILEMATRIX": "77"}, "InvalidParameterValue", 400),
        ({"TILEROW": "1.5"}, "InvalidParameterValue", 400),
        ({"TILEROW": "-1"}, "InvalidParameterValue", 400),
        ({"TILEROW": "2048"}, "TileOutOfRange", 400),
        ({"TILECOL": "9999999"}, "TileOutOfRange", 400),
        ({"REQUEST": "GetFeatureInfo"}, "OperationNotSupported", 501),
        ({"REQUEST": "GetCapabilities", "ACCEPTVERSIONS": "2.0.0"}, "VersionNegotiationFailed", 400),
    ],
)
def test_wrong_wmts_requests_are_exception_reports(
    client: Any, change: dict[str, str | None], code: str, status: int
) -> None:
    answer = client.get("/basemaps/service", params=_changed(GETTILE, change))
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/xml")
    report = ET.fromstring(answer.text)
    assert report.tag == "{http://www.opengis.net/ows/1.1}ExceptionReport"
    assert report[0].attrib["exceptionCode"] == code


@pytest.mark.parametrize(
    "path",
    [
        "wmts/nope/wm/1/1/1.png", "wmts/light/nope/1/1/1.png", "wmts/light/wm/99/0/0.png", "wmts/light/wm/1/2/0.png",
        "wmts/light/wm/a/b/c.png", "wmts/light/wm/1/1/1.jpeg", "wmts/light/wm/1/1", "wmts/light_hq/wm_hq/1/1/1@2x.png",
        "wmts/light/hk80/99/1/1@2x.png", "tms/2.0.0", "tms/1.0.0/nope/EPSG3857", "tms/1.0.0/light/EPSG4326/1/1/1.png",
        "tms/1.0.0/light/EPSG3857/a/1/1.png", "tms/1.0.0/light/EPSG3857/77/1/1.png",
        "tms/1.0.0/light/EPSG3857/1/1/1.gif", "tms/1.0.0/light/EPSG3857/3/99999/1.png", "tiles/1.0.0/light/x/1/1/1.png",
    ],
)  # fmt: skip
def test_tiles_that_are_not_there_are_404(client: Any, path: str) -> None:
    answer = client.get(f"/basemaps/{path}")
    assert answer.status_code == 404
    assert "xml" in answer.headers["content-type"]
    ET.fromstring(answer.text)


@pytest.mark.parametrize(
    "query",
    ["SERVICE=WFS&REQUEST=GetCapabilities", "SERVICE=WMS", "", "SERVICE=WMTS", "SERVICE=WMS&LAYERS=%ff%fe",
     "SERVICE=WMS&service=WMTS", "&".join(f"p{nth}=1" for nth in range(500))],
)  # fmt: skip
def test_requests_that_name_nothing_sensible_are_400(client: Any, query: str) -> None:
    answer = client.get(f"/basemaps/service?{query}")
    assert answer.status_code == 400
    assert "Exception" in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_reading_is_possible(client: Any, method: str) -> None:
    answer = client.request(method, "/basemaps/service")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_right_requests_pass(client: Any) -> None:
    assert client.get("/basemaps/service", params=GETMAP).headers["content-type"] == "image/png"
    assert client.get("/basemaps/service", params=GETTILE).headers["content-type"] == "image/png"
    small = {name.lower(): value for name, value in GETMAP.items()}
    assert client.get("/basemaps/wms", params=small).headers["content-type"] == "image/png"
    jpeg = _changed(
        GETMAP, {"FORMAT": "image/jpeg", "TRANSPARENT": "FALSE", "BGCOLOR": "0xFFFFFF", "EXCEPTIONS": "XML"}
    )
    assert client.get("/basemaps/service", params=jpeg).headers["content-type"] == "image/jpeg"
    # GetCapabilities negotiates: an unknown version is answered in the newest.
    assert 'version="1.3.0"' in client.get("/basemaps/service?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=9.9").text
