"""A class of a layer as a QGIS symbol: marker, line or fill."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from cop_server.clients.elements import mm, node, options, rgba
from cop_server.clients.scales import CROWD_BY_SCALE, SIZE_BY_SCALE
from cop_tiles.styling.looks import Look, Shape
from cop_tiles.styling.maplibre import edge_color, line_color, needs_casing
from cop_tiles.styling.themes import Theme, readable, theme


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG, and the width in pixels that it is drawn with on a street's map; one of a crowd is a dot from afar."""

    svg: str
    width: float
    crowded: bool = False


KINDS: dict[Shape, str] = {"point": "marker", "line": "line", "area": "fill"}
# The basemap below is the light one.
GROUND: Theme = theme("light")
_CASING_PIXELS = 1.6


def symbol(parent: Element, name: str, shape: Shape, look: Look, picture: Picture | None = None) -> Element:
    """The symbol of a class for one kind of geometry; `picture` is an SVG in place of a point's circle."""
    made = node(parent, "symbol", type=KINDS[shape], name=name, alpha=1, clip_to_extent=True, force_rhr=False)
    if shape == "area":
        _fill(made, look)
    elif shape == "line":
        _line(made, look)
    elif picture is not None:
        _svg(made, look, picture)
    else:
        _circle(made, look)
    return made


def _layer(parent: Element, kind: str, values: dict[str, object]) -> Element:
    """A symbol layer, `pass` being the order of drawing where symbol levels are on."""
    made = node(parent, "layer", class_=kind, enabled=True, locked=False, pass_=0)
    options(made, values)
    return made


def _fill(parent: Element, look: Look) -> None:
    edge = edge_color(look, GROUND)
    _layer(parent, "SimpleFill", {
        "color": rgba(look.color, look.fill_opacity), "style": "solid", "joinstyle": "round", "outline_style": "no",
    })  # fmt: skip
    _layer(parent, "SimpleLine", {"line_color": rgba(edge), "line_width": mm(look.width), **_stroke(look)})


def _line(parent: Element, look: Look) -> None:
    if needs_casing(look, GROUND):
        edge = rgba(readable(look.color, GROUND), look.opacity)
        broad = mm(look.width + _CASING_PIXELS)
        _layer(parent, "SimpleLine", {"line_color": edge, "line_width": broad, **_stroke(look)})
    color = rgba(line_color(look, GROUND), look.opacity)
    _layer(parent, "SimpleLine", {"line_color": color, "line_width": mm(look.width), **_stroke(look)})


def _stroke(look: Look) -> dict[str, object]:
    stroke: dict[str, object] = {
        "line_width_unit": "MM", "line_style": "solid", "joinstyle": "round", "capstyle": "round",
    }  # fmt: skip
    if look.dash is not None:
        # MapLibre's dashes are multiples of the width; QGIS's have a unit.
        pattern = ";".join(mm(length * max(look.width, 1)) for length in look.dash)
        stroke |= {"use_custom_dash": 1, "customdash": pattern, "customdash_unit": "MM", "capstyle": "flat"}
    return stroke


def _circle(parent: Element, look: Look) -> None:
    pale = look.outline is not None
    made = _layer(parent, "SimpleMarker", {
        "name": "circle", "color": rgba(look.color, look.opacity), "size": mm(2 * look.radius), "size_unit": "MM",
        "outline_color": rgba(edge_color(look, GROUND) if pale else GROUND.halo), "outline_style": "solid",
        "outline_width": mm(1.2 if pale else 0.9), "outline_width_unit": "MM", "scale_method": "diameter",
    })  # fmt: skip
    _grows(made, 2 * look.radius)


def _svg(parent: Element, look: Look, picture: Picture) -> None:
    """An SVG as it is: its colours are its own, it travels inside the project."""
    encoded = base64.b64encode(picture.svg.encode()).decode()
    made = _layer(parent, "SvgMarker", {
        "name": f"base64:{encoded}", "size": mm(picture.width), "size_unit": "MM", "color": rgba(look.color),
        "outline_width": 0, "scale_method": "diameter",
    })  # fmt: skip
    _grows(made, picture.width, CROWD_BY_SCALE if picture.crowded else SIZE_BY_SCALE)


def _grows(layer: Element, pixels: float, share: str = SIZE_BY_SCALE) -> None:
    """Let a mark be smaller on the map of the whole city, where many stand close, than on that of a street."""
    properties = node(node(layer, "data_defined_properties"), "Option", type="Map")
    node(properties, "Option", type="QString", name="name", value="")
    node(properties, "Option", type="QString", name="type", value="collection")
    size = node(node(properties, "Option", type="Map", name="properties"), "Option", type="Map", name="size")
    node(size, "Option", type="bool", name="active", value="true")
    node(size, "Option", type="QString", name="expression", value=f"{mm(pixels)} * {share}")
    node(size, "Option", type="int", name="type", value=3)


def null_symbol(parent: Element, shape: Shape, name: str) -> None:
    """A symbol that draws nothing: for layers that are read as tables."""
    node(parent, "symbol", type=KINDS[shape], name=name, alpha=0, clip_to_extent=True, force_rhr=False)
