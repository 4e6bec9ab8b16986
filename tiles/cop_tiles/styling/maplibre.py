"""A layer's declared style as MapLibre layers (style specification, version 8).

Only what MapLibre GL JS, MapLibre Native and QGIS all draw is used. The ids are `{layer}:{part}`, part being area,
pattern, outline, casing, line, dot, icon, mark or label, with a number where dashes differ by class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from cop.catalogue.models import Column, Layer, StyleClass
from cop_tiles.basemap.glyphs import STACKS
from cop_tiles.styling.looks import Look, Shape, has_marks, has_symbols, looks, shapes_of, state_column
from cop_tiles.styling.themes import Theme, dimmed, readable, stands_out

Json = Any
_REGULAR: Final = next(iter(STACKS))
_KINDS: Final[dict[Shape, str]] = {"area": "Polygon", "line": "LineString", "point": "Point"}
# From this zoom on every icon is drawn, over another one if need be; before, dots stand where there is no room.
_ROOM_FROM = 15
_THIN = 1.5
_FAINT_DOT = 0.62
_SMALLEST = 2.0
_FADED: Final = "#8a949e"
_MARK_OTHER: Final = "incident_other"
_OVER: Final = ("completed", "cancelled")


@lru_cache(maxsize=1024)
def layers_of(layer: Layer, on: Theme, lang: str = "en") -> tuple[dict[str, Json], ...]:
    """The MapLibre layers of a layer, lowest first; none for a coverage.

    The source is called as the layer and so is the source layer. `lang` is the language that labels begin with.
    What is returned is shared: copy it before changing it.
    """
    shapes = shapes_of(layer)
    made: list[dict[str, Json]] = []
    if "area" in shapes:
        made += _areas(layer, on)
    if "line" in shapes:
        made += _lines(layer, on, "line")
    if "point" in shapes:
        made += _icons(layer, on) if has_symbols(layer) else _circles(layer, on)
    made = _labelled(layer, on, lang, made)
    return tuple(_bound(layer, one, several=len(shapes) > 1) for one in made)


def first_zoom(zoom: float) -> float:
    """MapLibre's zoom, which counts tiles of 512 pixels, for one of 256-pixel tiles."""
    return max(0.0, zoom - 1)


def image_name(layer: Layer, look: Look) -> str:
    """The sprite's name of a class's icon."""
    return f"{layer.id}:{'rest' if look.nth is None else look.nth}"


def pattern_name(layer: Layer, look: Look) -> str:
    """The sprite's name of a class's hatching in print."""
    return f"{image_name(layer, look)}:hatch"


def _bound(layer: Layer, drawn: dict[str, Json], *, several: bool) -> dict[str, Json]:
    """The layer with its source, zooms, metadata, and a filter where a source holds several kinds of geometry."""
    shape, conditions = drawn.pop("shape"), drawn.pop("only", [])
    if several and shape is not None:
        conditions = [["==", ["geometry-type"], _KINDS[shape]], *conditions]
    if layer.style.frame is not None:
        conditions = [["==", ["get", layer.style.frame.column], layer.style.frame.value], *conditions]
    whole = {"id": f"{layer.id}:{drawn.pop('part')}", "type": drawn.pop("type"), "source": layer.id,
             "source-layer": layer.id, "metadata": {"cop:collection": layer.id, "cop:group": layer.group}}  # fmt: skip
    lowest = max(first_zoom(layer.scale.from_zoom), drawn.pop("from_zoom", 0))
    if lowest > 0:
        whole["minzoom"] = lowest
    if layer.scale.to_zoom < 24:
        whole["maxzoom"] = first_zoom(layer.scale.to_zoom)
    if conditions:
        whole["filter"] = conditions[0] if len(conditions) == 1 else ["all", *conditions]
    return {**whole, **drawn}


def _areas(layer: Layer, on: Theme) -> list[dict[str, Json]]:
    fill = {
        "shape": "area", "part": "area", "type": "fill",
        "paint": {"fill-color": by_class(layer, lambda look: dimmed(look.color, on)),
                  "fill-opacity": by_class(layer, lambda look: look.fill_opacity), "fill-antialias": False},
    }  # fmt: skip
    outlines = _lines(layer, on, "area") if any(look.width for look in looks(layer)) else []
    if not on.patterned or all(look.dash for look in looks(layer)):
        return [fill, *outlines]
    hatch = {
        "shape": "area", "part": "pattern", "type": "fill", "from_zoom": 11,
        "paint": {"fill-pattern": by_class(layer, lambda look: pattern_name(layer, look))},
    }  # fmt: skip
    return [fill, hatch, *outlines]


def _lines(layer: Layer, on: Theme, shape: Shape) -> list[dict[str, Json]]:
    """Lines, or the outlines of areas: a layer for each way of dashing, which no renderer takes by class."""
    dashes = list(dict.fromkeys(look.dash for look in looks(layer)))
    made = []
    for nth, dash in enumerate(dashes):
        only = [] if len(dashes) == 1 else [_is_dashed(layer, dash)]
        end = "" if nth == 0 else f"-{nth}"
        made += _stroke(layer, on, shape, dash, only, end)
    return sorted(made, key=lambda one: not str(one["part"]).startswith("casing"))


def _is_dashed(layer: Layer, dash: tuple[float, ...] | None) -> Json:
    return by_class(layer, lambda look: look.dash == dash)


def _stroke(
    layer: Layer, on: Theme, shape: Shape, dash: tuple[float, ...] | None, only: list[Json], end: str
) -> list[dict[str, Json]]:
    common = {"shape": shape, "type": "line", "only": only, "layout": {"line-join": "round"}}
    if shape == "area":
        width = by_class(layer, lambda look: look.width * on.heavier)
        paint = {"line-color": by_class(layer, lambda look: edge_color(look, on)), "line-width": _growing(width, 0.8)}
        return [{**common, "part": f"outline{end}", "paint": _dashed(paint, dash)}]
    width = by_class(layer, lambda look: look.width * on.heavier)
    opacity = by_class(layer, lambda look: look.opacity)
    paint = {"line-color": by_class(layer, lambda look: line_color(look, on)),
             "line-width": _growing(width, 1.0), "line-opacity": opacity}  # fmt: skip
    line = {**common, "part": f"line{end}", "paint": _dashed(paint, dash)}
    if dash is not None or not any(needs_casing(look, on) for look in looks(layer)):
        return [line]
    line["layout"] = {"line-join": "round", "line-cap": "round"}
    broader = by_class(layer, lambda look: (look.width + (1.6 if needs_casing(look, on) else 0)) * on.heavier)
    casing = {"line-color": by_class(layer, lambda look: readable(look.color, on)),
              "line-width": _growing(broader, 1.0), "line-opacity": opacity}  # fmt: skip
    return [{**common, "part": f"casing{end}", "paint": casing}, line]


def _dashed(paint: dict[str, Json], dash: tuple[float, ...] | None) -> dict[str, Json]:
    return paint if dash is None else {**paint, "line-dasharray": list(dash)}


def edge_color(look: Look, on: Theme) -> str:
    """The colour of an area's or a point's edge, which always stands out from the ground."""
    return readable(look.outline or look.color, on)


def line_color(look: Look, on: Theme) -> str:
    """A line's colour: as declared where it has a casing or stands out, else one of its hue that does."""
    return look.color if needs_casing(look, on) else readable(look.color, on)


def needs_casing(look: Look, on: Theme) -> bool:
    """Whether a line keeps its pale colour between darker edges: where it is broad enough for both."""
    return look.width > _THIN and look.dash is None and not stands_out(look.color, on)


def _circles(layer: Layer, on: Theme) -> list[dict[str, Json]]:
    radius = ["*", by_class(layer, lambda look: max(_SMALLEST, look.radius)), _crowd(layer)]
    paint = {
        "circle-color": by_class(layer, lambda look: look.color),
        "circle-opacity": by_class(layer, lambda look: look.opacity),
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 8, ["*", 0.65, radius], 14, radius, 18,
                          ["*", 1.5, radius]],
        "circle-stroke-color": by_class(layer, lambda look: edge_color(look, on) if _is_pale(look, on) else on.halo),
        "circle-stroke-width": by_class(layer, lambda look: round((1.2 if look.outline or _is_pale(look, on) else 0.9)
                                                                  * on.heavier, 2)),
    }  # fmt: skip
    return [{"shape": "point", "part": "dot", "type": "circle", "paint": paint}]


def _is_pale(look: Look, on: Theme) -> bool:
    return look.outline is not None or not stands_out(look.color, on)


def _crowd(layer: Layer) -> Json:
    """How much larger a point is that stands for several in a thinned tile."""
    count = ["coalesce", ["get", "point_count"], 1]
    return ["step", count, 1, 2, 1.15, 10, 1.35, 100, 1.6] if layer.geometry in ("Point", "Geometry") else 1


def _icons(layer: Layer, on: Theme) -> list[dict[str, Json]]:
    """A small dot for every point, and an icon over it where there is room."""
    color = by_class(layer, lambda look: look.color)
    radius = ["*", by_class(layer, lambda look: max(2.2, look.radius * _FAINT_DOT)), _crowd(layer)]
    edge = by_class(layer, lambda look: edge_color(look, on))
    paint: dict[str, Json] = {
        "circle-color": color,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 8, ["*", 0.7, radius], 14, radius],
        "circle-stroke-color": edge,
        "circle-stroke-width": 0.8,
    }
    dot = {"shape": "point", "part": "dot", "type": "circle", "paint": paint}
    if has_marks(layer):
        # What is over steps back.
        state, over = mark_state(layer), list(_OVER)
        radius = ["*", ["match", state, over, 0.7, 1], radius]
        paint["circle-color"] = ["match", state, over, _FADED, color]
        paint["circle-radius"] = ["interpolate", ["linear"], ["zoom"], 8, ["*", 0.7, radius], 14, radius]
        paint["circle-stroke-width"] = ["match", state, over, 0, 0.8]
        return [dot, *_marks(layer)]
    size = ["interpolate", ["linear"], ["zoom"], 9, 0.72, 13, 0.9, 16, 1.1]
    return [dot, _icon("icon", by_class(layer, lambda look: image_name(layer, look)), size)]


def _icon(part: str, image: Json, size: Json, **layout: Json) -> dict[str, Json]:
    overlap = ["step", ["zoom"], False, _ROOM_FROM, True]
    # Points only where a layer says so: the mark of an incident that is a line or an area stands in its middle.
    return {
        "shape": "point", "part": part, "type": "symbol",
        "layout": {"icon-image": image, "icon-size": size, "icon-padding": 1, "icon-allow-overlap": overlap, **layout},
    }  # fmt: skip


def _marks(layer: Layer) -> list[dict[str, Json]]:
    """Incident marks: the category's sign in the frame of the state; major ones always, over all others."""
    state = mark_state(layer)
    sign = by_class(layer, lambda look: look.symbol or _MARK_OTHER)
    image = ["concat", sign, "-", state]
    size = ["interpolate", ["linear"], ["zoom"], 9, 0.7, 13, 1]
    is_major = ["==", state, "major"]
    order = ["match", state, list(_OVER), 1, 0]
    usual = _icon("mark", image, size, **{"symbol-sort-key": order}) | {"shape": None, "only": [["!", is_major]]}
    major = _icon("major", image, size, **{"icon-ignore-placement": True}) | {"shape": None, "only": [is_major]}
    major["layout"]["icon-allow-overlap"] = True
    return [usual, major]


def mark_state(layer: Layer) -> Json:
    """The expression of a mark's frame: completed and cancelled first, then major, then the status itself."""
    column = state_column(layer)
    assert column is not None
    codes = column.codes or {}
    status = ["get", column.name]
    over = [code for code in _OVER if code in codes]
    open_ = [code for code in codes if code not in over]
    rest: Json = ["match", status, open_, status, open_[0]]
    major = layer.by_name.get("major")
    if major is not None and major.tile:
        rest = ["case", ["==", ["get", "major"], True], "major", rest]
    return ["match", status, over, status, rest] if over else rest


def _labelled(layer: Layer, on: Theme, lang: str, made: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """The layers with names in both languages, the smaller one below; beside a point, along a line, within an area."""
    labels, names = layer.style.labels, _names(layer, lang)
    if labels is None or not names:
        return made
    shape = shapes_of(layer)[-1]
    text = _text(names, " " if shape == "line" else "\n")
    layout: dict[str, Json] = {"text-font": [_REGULAR], "text-size": labels.size, "text-max-width": 9,
                               "text-line-height": 1.15}  # fmt: skip
    paint = {"text-color": on.text, "text-halo-color": on.halo, "text-halo-width": 1.4, "text-halo-blur": 0.4}
    if shape == "line":
        layout |= {"symbol-placement": "line", "symbol-spacing": 400}
    if shape == "point":
        layout |= {"text-anchor": "top", "text-offset": [0, 1.15 if has_symbols(layer) else 0.6], "text-optional": True}
    first = first_zoom(labels.from_zoom)
    if shape == "point" and has_symbols(layer):
        # In the icons' own layers: a name that stood in another would take the room of its icon.
        late = ["step", ["zoom"], ["format", "", {}] if text[0] == "format" else "", first, text]
        named = {"text-field": late, **layout}
        return [one | {"layout": {**one["layout"], **named}, "paint": paint} if one["type"] == "symbol" else one
                for one in made]  # fmt: skip
    return [*made, {"shape": shape, "part": "label", "type": "symbol", "from_zoom": first,
                    "layout": {"text-field": text, **layout}, "paint": paint}]  # fmt: skip


def _names(layer: Layer, lang: str) -> list[str]:
    """The columns of names that tiles carry, that of the language first."""
    order = ("title_zh", "title") if lang == "zh" else ("title", "title_zh")
    columns = [layer.with_role(role) for role in order]
    return [column.name for column in columns if column is not None and column.tile]


def _text(names: list[str], between: str) -> Json:
    first = ["coalesce", ["get", names[0]], ""]
    if len(names) == 1:
        return ["to-string", first]
    second = ["coalesce", ["get", names[1]], ""]
    both = ["all", ["!=", first, ""], ["!=", second, ""], ["!=", first, second]]
    # A name that stands alone is the first line, whichever language it is in.
    return ["format", ["case", ["==", first, ""], second, first], {}, ["case", both, between, ""], {},
            ["case", both, second, ""], {"font-scale": 0.85}]  # fmt: skip


def _growing(width: Json, at_ten: float) -> Json:
    return ["interpolate", ["linear"], ["zoom"], 9, ["*", 0.7 * at_ten, width], 12, width, 16, ["*", 2.0, width]]


def by_class(layer: Layer, pick: Callable[[Look], Json]) -> Json:
    """A value that may differ by class, as an expression; as itself where all classes agree."""
    every = looks(layer)
    values = [pick(look) for look in every]
    if all(value == values[0] for value in values) or layer.style.by is None:
        return values[-1] if not isinstance(values[-1], list) else ["literal", values[-1]]
    column = layer.by_name[layer.style.by]
    if all(isinstance(value, str) for one in layer.style.classes for value in one.values) and all(
        one.values for one in layer.style.classes
    ):
        return _matched(column, layer.style.classes, values)
    pairs = [part for one, value in zip(layer.style.classes, values, strict=False)
             for part in (_condition(column, one), value)]  # fmt: skip
    return ["case", *pairs, values[-1]]


def _matched(column: Column, classes: tuple[StyleClass, ...], values: list[Json]) -> Json:
    """By the value itself: each is told once, for the first class that has it."""
    seen: set[object] = set()
    pairs: list[Json] = []
    for one, value in zip(classes, values, strict=False):
        own = [name for name in dict.fromkeys(one.values) if name not in seen]
        seen.update(own)
        if own:
            pairs += [own, value]
    return ["match", ["get", column.name], *pairs, values[-1]]


def _condition(column: Column, one: StyleClass) -> Json:
    value = ["get", column.name]
    if one.values:
        same = [["==", value, wanted] for wanted in one.values]
        return same[0] if len(same) == 1 else ["any", *same]
    number = ["to-number", value, 0]
    bounds = [[">=", number, one.at_least]] if one.at_least is not None else []
    bounds += [["<", number, one.below]] if one.below is not None else []
    return ["all", ["has", column.name], *bounds]
