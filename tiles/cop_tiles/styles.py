"""The basemap's MapLibre styles: one drawing (basemap.json) in several sets of colours, and the relief map's own."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from cop.resources import resource
from cop_tiles.basemap.folder import (
    GLYPH_FOLDER,
    RELIEF_FILE,
    SHADE_FILE,
    TINT_FILE,
    VECTOR_FILE,
    Manifest,
    manifest_of,
)

# Style -> its drawing; where both have one name the colours stand in the drawing itself.
_DRAWINGS = {"light": "basemap", "dark": "basemap", "print": "basemap", "relief": "relief"}
STYLES = tuple(_DRAWINGS)


def style_files() -> list[Path]:
    """The files that the styles are made from."""
    return [resource("styles") / f"{name}.json" for name in sorted({*_DRAWINGS, *_DRAWINGS.values()})]


def style(
    name: str,
    *,
    tiles: str,
    hillshade: str,
    glyphs: str,
    attribution: str = "",
    tint: str = "",
    relief: str = "",
) -> dict[str, Any]:
    """A complete MapLibre style.

    `name` is one of STYLES. `tiles` (MVT) and `hillshade` (PNG) are each an absolute `mbtiles:///` address or a
    template with {z}/{x}/{y}; so are `tint` and `relief` (PNG), which only the relief map reads. `glyphs` is a template
    with {fontstack} and {range}. Raises KeyError for another name.
    """
    if name not in STYLES:
        raise KeyError(f"style: {name!r}, wanted one of {', '.join(STYLES)}")
    words = {
        "{tiles}": tiles, "{hillshade}": hillshade, "{tint}": tint, "{relief}": relief, "{glyphs}": glyphs,
        "@name": name, "@attribution": attribution,
    }  # fmt: skip
    drawing = _DRAWINGS[name]
    colours = {f"@{token}": value for token, value in _read(name).items()} if drawing != name else {}
    whole: dict[str, Any] = _filled(_read(drawing), {**words, **colours})
    for source in whole["sources"].values():
        _point_to_file(source)
    return whole


def style_of_folder(name: str, folder: Path) -> dict[str, Any]:
    """The style that draws a built basemap from its files on this machine."""
    return style(
        name,
        tiles=f"mbtiles://{folder / VECTOR_FILE}",
        hillshade=f"mbtiles://{folder / SHADE_FILE}",
        tint=f"mbtiles://{folder / TINT_FILE}",
        relief=f"mbtiles://{folder / RELIEF_FILE}",
        glyphs=f"file://{folder / GLYPH_FOLDER}/{{fontstack}}/{{range}}.pbf",
        attribution=attribution(manifest_of(folder)),
    )


def attribution(manifest: Manifest) -> str:
    """What must be said beside the map: whose data it is, what it lacks, and whether it is invented."""
    parts = list(manifest.credits)
    if manifest.roads == "lantau":
        parts.append("roads: Lantau only 道路只限大嶼山")
    if manifest.exercise:
        parts.insert(0, "EXERCISE 演習")
    return " · ".join(parts)


@cache
def _read(name: str) -> Any:
    return json.loads((resource("styles") / f"{name}.json").read_text(encoding="utf-8"))


def _filled(part: Any, words: dict[str, Any]) -> Any:
    if isinstance(part, dict):
        return {key: _filled(value, words) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, words) for value in part]
    return words.get(part, part) if isinstance(part, str) else part


def _point_to_file(source: dict[str, Any]) -> None:
    """MapLibre Native takes an MBTiles file as `url`, where templates are `tiles`."""
    if source["tiles"][0].startswith("mbtiles://"):
        source["url"] = source.pop("tiles")[0]
