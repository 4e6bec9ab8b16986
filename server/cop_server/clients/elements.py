"""The few forms that QGIS's XML is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

# Style lengths are CSS pixels, 1/96 inch; in millimetres they print as large as they look.
MM_PER_PIXEL = 25.4 / 96


_ROWS = {"EPSG:2326": "295", "EPSG:4326": "3452", "EPSG:3857": "3857"}


def node(parent: Element, tag: str, text: str | None = None, /, **attributes: object) -> Element:
    """A child with attributes and text; booleans are 0 and 1, as QGIS writes them."""
    made = SubElement(parent, tag, {name.rstrip("_"): said(value) for name, value in attributes.items()})
    made.text = text
    return made


def said(value: object) -> str:
    """A value as an attribute: whole numbers without a point."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def options(parent: Element, values: Mapping[str, object]) -> Element:
    """QGIS's map of options, all as text."""
    whole = node(parent, "Option", type="Map")
    for name, value in values.items():
        node(whole, "Option", type="QString", name=name, value=said(value))
    return whole


def option_list(parent: Element, name: str, entries: Mapping[str, str]) -> None:
    """QGIS's list of maps of one entry each: shown name to value, the order kept."""
    listed = node(parent, "Option", type="List", name=name)
    for shown, value in entries.items():
        one = node(listed, "Option", type="Map")
        node(one, "Option", type="QString", name=shown, value=value)


def crs(parent: Element, tag: str, authority: str, **attributes: object) -> Element:
    """A CRS by its register's name; QGIS looks the rest up in its own database.

    A project's CRS counts for none where `srsid`, the row of that database, is missing, though the name decides.
    """
    made = node(parent, tag, **attributes)
    system = node(made, "spatialrefsys", nativeFormat="Wkt")
    node(system, "srsid", _ROWS[authority])
    node(system, "srid", authority.removeprefix("EPSG:"))
    node(system, "authid", authority)
    return made


def box(parent: Element, tag: str, extent: tuple[float, float, float, float]) -> Element:
    """An extent: xmin, ymin, xmax, ymax."""
    made = node(parent, tag)
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), extent, strict=True):
        node(made, name, said(value))
    return made


def mm(pixels: float) -> str:
    """A length in millimetres."""
    return f"{pixels * MM_PER_PIXEL:.3f}".rstrip("0").rstrip(".")


def rgba(colour: str, opacity: float = 1.0) -> str:
    """#rrggbb as QGIS says it: red, green, blue, alpha of 255."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * opacity)}"


def document(root: Any, doctype: str) -> bytes:
    """A whole document in UTF-8."""
    return f"<!DOCTYPE {doctype}>\n".encode() + bytes(tostring(root, encoding="utf-8")) + b"\n"
