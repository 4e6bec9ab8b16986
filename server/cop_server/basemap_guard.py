"""The guard before MapProxy: every request is checked against the offer, because MapProxy answers many wrong ones with
500 in plain text, or with a picture. Faults are told as the standard of the service wants.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from xml.sax.saxutils import escape, quoteattr

from cop_server.basemap_offer import Offer

Parameters = Mapping[str, str]

WMS_OPERATIONS = ("GetCapabilities", "GetMap")
WMTS_OPERATIONS = ("GetCapabilities", "GetTile")
_WHOLE = re.compile(r"\d{1,9}")
_COLOUR = re.compile(r"0x[0-9A-Fa-f]{6}")
_STYLES = ("", "default")
_EXCEPTIONS = {
    "1.1.1": ("application/vnd.ogc.se_xml", "application/vnd.ogc.se_inimage", "application/vnd.ogc.se_blank"),
    "1.3.0": ("XML", "INIMAGE", "BLANK"),
}


@dataclass(frozen=True)
class Fault(Exception):
    """A request that is answered with an exception document: OGC code, sentence, parameter, HTTP status."""

    code: str
    text: str
    locator: str = ""
    status: int = 400


def check_service(query: Parameters, offer: Offer) -> None:
    """Check a request to /service (WMS or WMTS by its SERVICE), /wms or /ows; raises Fault."""
    service = query.get("SERVICE", "WMS").upper()
    if service == "WMTS":
        check_wmts(query, offer)
    elif service == "WMS":
        check_wms(query, offer)
    else:
        raise Fault("InvalidParameterValue", f"SERVICE: found {query['SERVICE']!r}, wanted WMS or WMTS", "SERVICE")


def check_wms(query: Parameters, offer: Offer) -> None:
    """Check a WMS 1.1.1 or 1.3.0 request; raises Fault."""
    operation = _one_of(query, "REQUEST", WMS_OPERATIONS, code="OperationNotSupported", fold=True)
    if operation == "GetCapabilities":
        _present(query, "SERVICE")
        return
    version = _one_of(query, "VERSION", offer.wms_versions)
    _check_wms_layers(query, offer)
    name, code = ("CRS", "InvalidCRS") if version == "1.3.0" else ("SRS", "InvalidSRS")
    _one_of(query, name, offer.wms_srs, code=code)
    _check_bbox(_present(query, "BBOX"))
    for side in ("WIDTH", "HEIGHT"):
        if not 1 <= _whole(query, side) <= offer.largest_side:
            _invalid(side, query[side], f"1 to {offer.largest_side}")
    # Parameters of a format, as in `image/png; mode=8bit`, are MapProxy's to read.
    plain = {**query, "FORMAT": _present(query, "FORMAT").split(";")[0].strip()}
    _one_of(plain, "FORMAT", offer.wms_formats, code="InvalidFormat")
    _check_wms_options(query, version)


def _check_wms_layers(query: Parameters, offer: Offer) -> None:
    layers = _present(query, "LAYERS").split(",")
    if len(layers) > len(offer.layers):
        raise Fault("InvalidParameterValue", f"LAYERS: at most {len(offer.layers)} layers", "LAYERS")
    for layer in layers:
        if layer not in offer.layers:
            raise Fault("LayerNotDefined", f"LAYERS: there is no {layer!r}, only {', '.join(offer.layers)}", "LAYERS")
    if "STYLES" not in query:
        raise Fault("MissingParameterValue", "STYLES is missing; it may be empty", "STYLES")
    styles = query["STYLES"].split(",")
    if any(style not in _STYLES for style in styles) or len(styles) not in {1, len(layers)}:
        raise Fault("StyleNotDefined", f"STYLES: found {query['STYLES']!r}, wanted an empty value", "STYLES")


def _check_wms_options(query: Parameters, version: str) -> None:
    if query.get("TRANSPARENT", "FALSE").upper() not in {"TRUE", "FALSE"}:
        _invalid("TRANSPARENT", query["TRANSPARENT"], "TRUE or FALSE")
    if not _COLOUR.fullmatch(query.get("BGCOLOR", "0xFFFFFF")):
        _invalid("BGCOLOR", query["BGCOLOR"], "a colour like 0xFFFFFF")
    if "EXCEPTIONS" in query:
        _one_of(query, "EXCEPTIONS", _EXCEPTIONS[version], fold=True)


def _check_bbox(text: str) -> None:
    try:
        edges = [float(part) for part in text.split(",")]
    except ValueError:
        edges = []
    if len(edges) != 4 or not all(map(math.isfinite, edges)):
        _invalid("BBOX", text, "four numbers with commas between them")
    if not (edges[0] < edges[2] and edges[1] < edges[3]):
        _invalid("BBOX", text, "the lower corner first, then the upper")


def check_wmts(query: Parameters, offer: Offer) -> None:
    """Check a WMTS 1.0.0 request in key-value form; raises Fault."""
    _one_of(query, "SERVICE", ("WMTS",), fold=True)
    operation = _one_of(query, "REQUEST", WMTS_OPERATIONS, code="OperationNotSupported", status=501, fold=True)
    if operation == "GetCapabilities":
        accepted = query.get("ACCEPTVERSIONS") or query.get("VERSION") or "1.0.0"
        if "1.0.0" not in accepted.split(","):
            raise Fault("VersionNegotiationFailed", "AcceptVersions: only 1.0.0 is spoken here", "AcceptVersions")
        return
    _one_of(query, "VERSION", ("1.0.0",))
    layer = _one_of(query, "LAYER", offer.layers)
    if "STYLE" not in query:
        raise Fault("MissingParameterValue", "STYLE is missing; it may be empty or default", "STYLE")
    if query["STYLE"] not in _STYLES:
        _invalid("STYLE", query["STYLE"], "default")
    _one_of(query, "FORMAT", (f"image/{offer.tile_formats[layer]}",))
    grid = _one_of(query, "TILEMATRIXSET", offer.layer_grids[layer])
    level = _whole(query, "TILEMATRIX")
    _check_tile(offer, grid, level, _whole(query, "TILECOL"), _whole(query, "TILEROW"), status=400)


def _check_tile(offer: Offer, grid: str, level: int, column: int, row: int, *, status: int) -> None:
    levels = offer.grids[grid]
    if level >= len(levels):
        last = len(levels) - 1
        raise Fault("InvalidParameterValue", f"TileMatrix: {grid} ends at {last}", "TileMatrix", status)
    columns, rows = levels[level]
    if column >= columns:
        raise Fault("TileOutOfRange", f"TileCol: level {level} of {grid} ends at {columns - 1}", "TileCol", status)
    if row >= rows:
        raise Fault("TileOutOfRange", f"TileRow: level {level} of {grid} ends at {rows - 1}", "TileRow", status)


_FINE = "@2x"


def checked_wmts_path(parts: list[str], offer: Offer) -> list[str]:
    """The path of a WMTS REST request (after /wmts) as MapProxy knows it; `@2x` leads to the layer with twice the
    pixels. Raises Fault with status 404.
    """
    if parts == ["1.0.0", "WMTSCapabilities.xml"]:
        return parts
    if len(parts) != 5:
        raise Fault("InvalidParameterValue", "wanted /wmts/{Layer}/{Grid}/{Level}/{Col}/{Row}.png", status=404)
    layer, last = _finer(parts[0], parts[4], offer)
    if layer not in offer.layers:
        raise Fault("InvalidParameterValue", f"there is no layer {layer}", "Layer", 404)
    grid = parts[1] if layer == parts[0] else f"{parts[1]}_hq"
    level, column = parts[2:4]
    row, _, ending = last.partition(".")
    if grid not in offer.layer_grids[layer]:
        raise Fault("InvalidParameterValue", f"{layer} has no grid {grid}", "TileMatrixSet", 404)
    if ending != offer.tile_formats[layer]:
        raise Fault("InvalidParameterValue", f"tiles end in .{offer.tile_formats[layer]}", "Format", 404)
    if not all(map(_WHOLE.fullmatch, (level, column, row))):
        raise Fault("InvalidParameterValue", "level, column and row are whole numbers", "TileMatrix", 404)
    _check_tile(offer, grid, int(level), int(column), int(row), status=404)
    return [layer, grid, level, column, last]


def _finer(layer: str, last: str, offer: Offer) -> tuple[str, str]:
    """The layer with twice the pixels where a tile's name asks for it by `@2x`."""
    if _FINE not in last:
        return layer, last
    finer = f"{layer}_hq"
    if finer not in offer.layers:
        raise Fault("InvalidParameterValue", f"{layer} has no tiles with twice the pixels", "Layer", 404)
    return finer, last.replace(_FINE, "", 1)


def checked_tms_path(parts: list[str], offer: Offer) -> list[str]:
    """The path of a TMS request (after /tms or /tiles) as MapProxy knows it, `@2x` as above; raises Fault, 404.

    TMS names a grid by its CRS, and its levels may count from one less than WMTS: rows are left to MapProxy.
    """
    if parts in ([], ["1.0.0"]):
        return parts
    if parts[0] != "1.0.0" or len(parts) not in {3, 6}:
        raise Fault("NotFound", "wanted /1.0.0/{layer}/{EPSG3857 or EPSG2326}/{level}/{column}/{row}.png", status=404)
    layer = parts[1]
    last = parts[-1]
    if len(parts) == 6:
        layer, last = _finer(layer, last, offer)
    if layer not in offer.layers:
        raise Fault("NotFound", f"there is no layer {layer}", status=404)
    grids = {offer.grid_srs[grid].replace(":", ""): grid for grid in offer.layer_grids[layer]}
    if parts[2] not in grids:
        raise Fault("NotFound", f"{layer} has no tiles in {parts[2]}, only in {', '.join(grids)}", status=404)
    if len(parts) == 3:
        return parts
    row, _, ending = last.partition(".")
    if ending != offer.tile_formats[layer] or not all(map(_WHOLE.fullmatch, (parts[3], parts[4], row))):
        raise Fault("NotFound", "wanted whole numbers: {level}/{column}/{row}.png", status=404)
    if int(parts[3]) >= len(offer.grids[grids[parts[2]]]):
        raise Fault("NotFound", f"there is no level {parts[3]}", status=404)
    return ["1.0.0", layer, parts[2], parts[3], parts[4], last]


def _present(query: Parameters, name: str) -> str:
    value = query.get(name, "")
    if not value:
        raise Fault("MissingParameterValue", f"{name} is missing", name)
    return value


def _one_of(
    query: Parameters,
    name: str,
    choices: tuple[str, ...],
    *,
    code: str = "InvalidParameterValue",
    status: int = 400,
    fold: bool = False,
) -> str:
    value = _present(query, name)
    for choice in choices:
        if value == choice or (fold and value.upper() == choice.upper()):
            return choice
    raise Fault(code, f"{name}: found {value!r}, wanted {' or '.join(choices)}", name, status)


def _whole(query: Parameters, name: str) -> int:
    value = _present(query, name)
    if not _WHOLE.fullmatch(value):
        _invalid(name, value, "a whole number")
    return int(value)


def _invalid(name: str, found: str, wanted: str) -> NoReturn:
    raise Fault("InvalidParameterValue", f"{name}: found {found!r}, wanted {wanted}", name)


def wms_exception(fault: Fault, version: str) -> tuple[str, str]:
    """Media type and text of a WMS ServiceExceptionReport in the version asked for."""
    # WMS has codes for its own faults only; an ordinary wrong value has none.
    known = fault.code not in {"MissingParameterValue", "InvalidParameterValue", "NotFound", "NoApplicableCode"}
    code = f" code={quoteattr(fault.code)}" if known else ""
    text = f"<ServiceException{code}>{_plain(fault.text)}</ServiceException>"
    if version == "1.1.1":
        return "application/vnd.ogc.se_xml", (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<!DOCTYPE ServiceExceptionReport SYSTEM "http://schemas.opengis.net/wms/1.1.1/exception_1_1_1.dtd">\n'
            f'<ServiceExceptionReport version="1.1.1">{text}</ServiceExceptionReport>'
        )
    return "text/xml", (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ServiceExceptionReport version="1.3.0" xmlns="http://www.opengis.net/ogc">'
        f"{text}</ServiceExceptionReport>"
    )


def wmts_exception(fault: Fault) -> tuple[str, str]:
    """Media type and text of an OWS 1.1 ExceptionReport."""
    locator = f" locator={quoteattr(_plain(fault.locator))}" if fault.locator else ""
    return "application/xml", (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ExceptionReport version="1.1.0" xml:lang="en" xmlns="http://www.opengis.net/ows/1.1">'
        f"<Exception exceptionCode={quoteattr(fault.code)}{locator}>"
        f"<ExceptionText>{_plain(fault.text)}</ExceptionText></Exception></ExceptionReport>"
    )


def tms_exception(fault: Fault) -> tuple[str, str]:
    """Media type and text of a TileMapServerError."""
    message = f"<Message>{_plain(fault.text)}</Message>"
    return "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n<TileMapServerError>{message}</TileMapServerError>'


def _plain(text: str) -> str:
    """Text that may stand in XML: what a client sent may hold characters that XML forbids."""
    return escape("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:400]))
