"""Find what is wrong in a style before it is drawn: MapLibre Native passes most mistakes in silence.

It draws nothing, or something else, for a property it does not know, a broken expression, a layer type it lacks, or
a relative address; so each of these is looked for here. What our styles do not use is not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cop.errors import CopError
from cop_tiles.basemap.contents import SOURCE_LAYERS
from cop_tiles.basemap.glyphs import STACKS

_LINE = {"line-color", "line-opacity", "line-width", "line-dasharray"}
_PAINT = {
    "background": {"background-color"},
    "fill": {"fill-color", "fill-opacity", "fill-antialias", "fill-pattern"},
    "circle": {"circle-color", "circle-opacity", "circle-radius", "circle-stroke-color", "circle-stroke-width"},
    "line": _LINE,
    "raster": {"raster-opacity", "raster-fade-duration"},
    "symbol": {"text-color", "text-opacity", "text-halo-color", "text-halo-width", "text-halo-blur"},
}
_LAYOUT = {
    "fill": {"visibility"},
    "circle": {"visibility"},
    "line": {"line-cap", "line-join", "visibility"},
    "symbol": {
        "text-field", "text-font", "text-size", "text-line-height", "text-max-width", "text-letter-spacing",
        "text-rotate", "text-allow-overlap", "text-ignore-placement", "text-anchor", "text-offset", "text-optional",
        "icon-image", "icon-size", "icon-padding", "icon-allow-overlap", "icon-ignore-placement",
        "symbol-placement", "symbol-spacing", "symbol-sort-key", "visibility",
    },
}  # fmt: skip
# Operators and how many arguments they take, least and most.
_MANY = 99
_OPERATORS = {
    "get": (1, 1), "zoom": (0, 0), "==": (2, 2), "!=": (2, 2), "<=": (2, 2), ">=": (2, 2), "<": (2, 2), ">": (2, 2),
    "all": (1, _MANY), "any": (1, _MANY), "case": (3, _MANY), "match": (4, _MANY), "%": (2, 2), "concat": (1, _MANY),
    "has": (1, 1), "!": (1, 1), "*": (2, _MANY), "coalesce": (1, _MANY), "to-number": (1, 2), "geometry-type": (0, 0),
    "to-string": (1, 1), "format": (2, _MANY), "step": (4, _MANY), "interpolate": (4, _MANY),
}  # fmt: skip
_IMAGES = {"icon-image", "fill-pattern"}
_CURVES = {"linear": 1, "exponential": 2}
_COLOUR = re.compile(r"#[0-9a-f]{6}")


class BrokenStyle(CopError):
    """A style has mistakes; each line names the layer, the key, what was found and what is wanted."""


@dataclass(frozen=True)
class Known:
    """What a style may name beyond itself: the sprite's images, and the attributes of each vector source's tiles.

    None leaves that unchecked; a source that is not listed is unchecked too.
    """

    images: Collection[str] | None = None
    attributes: Mapping[str, Collection[str]] | None = None


_NOTHING = Known()


def checked(style: dict[str, Any]) -> dict[str, Any]:
    """The style itself, if nothing is wrong with it. Raises BrokenStyle with one line a fault."""
    found = list(faults(style))
    if found:
        raise BrokenStyle("\n".join(found))
    return style


def faults(style: dict[str, Any], known: Known = _NOTHING) -> Iterator[str]:
    """Every mistake of a style, as `where: found …, wanted …`. A source other than the basemap has one source layer of
    its own name, as our collections' tiles do."""
    if style.get("version") != 8:
        yield f"version: found {style.get('version')!r}, wanted 8"
    if not _is_address(style.get("glyphs", ""), ("{fontstack}", "{range}")):
        yield f"glyphs: found {style.get('glyphs')!r}, wanted an address with {{fontstack}} and {{range}}"
    for name, source in style.get("sources", {}).items():
        yield from _source_faults(f"sources.{name}", source)
    seen: set[str] = set()
    for layer in style.get("layers", []):
        where = f"layers.{layer.get('id')}"
        if layer.get("id") in seen:
            yield f"{where}: the id stands twice"
        seen.add(layer.get("id"))
        yield from _layer_faults(where, layer, style.get("sources", {}))
        yield from _unknown_names(where, layer, known)
        if "sprite" not in style and any(key in _IMAGES for part in ("paint", "layout") for key in layer.get(part, {})):
            yield f"{where}: it draws images, and the style has no sprite"
    yield from _leftovers("style", style)


def _source_faults(where: str, source: dict[str, Any]) -> Iterator[str]:
    if source.get("type") not in {"vector", "raster"}:
        yield f"{where}.type: found {source.get('type')!r}, wanted vector or raster"
    url = source.get("url")
    if url is not None:
        if not url.startswith("mbtiles:///"):
            yield f"{where}.url: found {url!r}, wanted an absolute mbtiles:/// address"
        elif not Path(unquote(urlsplit(url).path)).is_file():
            yield f"{where}.url: there is no file {urlsplit(url).path}"
        return
    for template in source.get("tiles", [""]):
        if not _is_address(template, ("{z}", "{x}", "{y}")):
            yield f"{where}.tiles: found {template!r}, wanted an address with {{z}}, {{x}} and {{y}}"


def _is_address(template: str, places: tuple[str, ...]) -> bool:
    parts = urlsplit(template)
    remote = parts.scheme in {"http", "https"} and parts.netloc != ""
    absolute_file = parts.scheme == "file" and parts.path.startswith("/")
    return (remote or absolute_file) and all(place in template for place in places)


def _layer_faults(where: str, layer: dict[str, Any], sources: dict[str, Any]) -> Iterator[str]:
    kind = layer.get("type")
    if kind not in _PAINT:
        yield f"{where}.type: found {kind!r}, wanted one of {', '.join(sorted(_PAINT))}"
        return
    if kind != "background":
        source = sources.get(str(layer.get("source")))
        if source is None:
            yield f"{where}.source: found {layer.get('source')!r}, wanted one of {', '.join(sources)}"
        elif source.get("type") == "vector" and layer.get("source-layer") not in _source_layers(str(layer["source"])):
            yield f"{where}.source-layer: found {layer.get('source-layer')!r}, wanted one the tiles have"
    for part, known in (("paint", _PAINT[kind]), ("layout", _LAYOUT.get(kind, set()))):
        for key, value in layer.get(part, {}).items():
            here = f"{where}.{part}.{key}"
            if key not in known:
                yield f"{here}: the renderer would ignore this property of a {kind} layer"
            yield from _value_faults(here, key, value)
    if "filter" in layer:
        yield from _expression_faults(f"{where}.filter", layer["filter"])


def _source_layers(source: str) -> Collection[str]:
    return SOURCE_LAYERS if source == "basemap" else {source}


def _unknown_names(where: str, layer: dict[str, Any], known: Known) -> Iterator[str]:
    """Images that the sprite lacks, and attributes that the tiles lack: both are drawn as nothing at all."""
    values = {**layer.get("paint", {}), **layer.get("layout", {})}
    if known.images is not None:
        for key in _IMAGES & values.keys():
            missing = sorted({image for image in _outputs(values[key]) if image not in known.images}, key=str)
            for image in missing:
                yield f"{where}.{key}: found {image!r}, which the sprite does not have"
    attributes = (known.attributes or {}).get(str(layer.get("source")))
    if attributes is not None:
        for name in sorted(_read_attributes([*values.values(), layer.get("filter")]) - set(attributes)):
            yield f"{where}: found the attribute {name!r}, wanted one of {', '.join(sorted(attributes))}"


def _read_attributes(part: Any) -> set[str]:
    """The attributes that expressions read."""
    if not isinstance(part, list):
        return set()
    if len(part) == 2 and part[0] in ("get", "has") and isinstance(part[1], str):
        return {part[1]}
    return {name for one in part for name in _read_attributes(one)}


def _outputs(value: Any) -> Iterator[Any]:
    """What a value or an expression can come to, as far as it is told in plain; a text that is put together is not."""
    if not isinstance(value, list):
        yield value
        return
    name, *arguments = value
    results = {
        "match": [*arguments[2::2], *arguments[-1:]],
        "case": [*arguments[1::2], *arguments[-1:]],
        "step": arguments[1::2],
        "interpolate": arguments[3::2],
        "coalesce": arguments,
    }
    for one in results.get(str(name), []):
        yield from _outputs(one)


def _value_faults(where: str, key: str, value: Any) -> Iterator[str]:
    if key == "text-font":
        if not (isinstance(value, list) and all(font in STACKS for font in value)):
            yield f"{where}: found {value!r}, wanted fonts among {', '.join(STACKS)}"
    elif key == "line-dasharray":
        if not all(isinstance(length, int | float) for length in value):
            yield f"{where}: found {value!r}, wanted lengths"
    elif key == "text-offset":
        if not (isinstance(value, list) and len(value) == 2 and all(isinstance(part, int | float) for part in value)):
            yield f"{where}: found {value!r}, wanted two lengths"
    elif isinstance(value, list):
        yield from _expression_faults(where, value)
    if key.endswith("-color"):
        for colour in _outputs(value):
            if not _COLOUR.fullmatch(str(colour)):
                yield f"{where}: found {colour!r}, wanted a colour like #2b2f36"


def _expression_faults(where: str, expression: Any) -> Iterator[str]:
    if not isinstance(expression, list):
        return
    name = expression[0] if expression else None
    if name not in _OPERATORS:
        yield f"{where}: found {name!r}, wanted an expression of {', '.join(_OPERATORS)}"
        return
    least, most = _OPERATORS[name]
    arguments = expression[1:]
    if not least <= len(arguments) <= most:
        yield f"{where}: {name} has {len(arguments)} arguments, wanted {least} to {most}"
        return
    yield from _shape_faults(where, name, arguments)
    for argument in _expressions_in(name, arguments):
        yield from _expression_faults(where, argument)


def _expressions_in(name: str, arguments: list[Any]) -> list[Any]:
    """The arguments that may be expressions: a curve is none, nor are the values that a match compares with."""
    if name == "interpolate":
        return arguments[1:]
    return [arguments[0], *arguments[2::2], arguments[-1]] if name == "match" else arguments


def _shape_faults(where: str, name: str, arguments: list[Any]) -> Iterator[str]:
    if name == "interpolate" and (
        not isinstance(arguments[0], list) or len(arguments[0]) != _CURVES.get(arguments[0][0])
    ):
        yield f"{where}: interpolate: found {arguments[0]!r}, wanted linear or exponential with its base"
    stops = {"interpolate": arguments[2::2], "step": arguments[2::2]}.get(name, [])
    if any(not isinstance(stop, int | float) for stop in stops) or stops != sorted(stops):
        yield f"{where}: {name}: found the stops {stops}, wanted rising numbers"
    if name in {"interpolate", "step"} and len(arguments) % 2:
        yield f"{where}: {name}: a stop lacks its value"
    if name == "case" and len(arguments) % 2 == 0:
        yield f"{where}: case: the last value, for everything else, is missing"
    if name == "get" and not isinstance(arguments[0], str):
        yield f"{where}: get: found {arguments[0]!r}, wanted an attribute's name"


def _leftovers(where: str, part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _leftovers(f"{where}.{key}", value)
    elif isinstance(part, list):
        for value in part:
            yield from _leftovers(where, value)
    elif isinstance(part, str) and (part.startswith("@") or part in {"{tiles}", "{hillshade}", "{glyphs}"}):
        yield f"{where}: nothing was put in the place of {part}"
