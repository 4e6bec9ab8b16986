"""Every layer's style, drawn by the renderer itself: no picture is blank."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matrix import LONG
from PIL import Image

from cop.catalogue import Layer, catalogue
from cop_tiles.basemap.folder import GLYPH_FOLDER, built
from cop_tiles.styling import sprites
from cop_tiles.styling.looks import shapes_of
from cop_tiles.styling.maplibre import first_zoom, layers_of
from cop_tiles.styling.themes import THEMES, theme

EVERY = catalogue().feature_layers
GEOMETRIES = {
    "point": {"type": "Point", "coordinates": [114.15, 22.35]},
    "line": {"type": "LineString", "coordinates": [[114.1, 22.3], [114.2, 22.4]]},
    "area": {"type": "Polygon", "coordinates": [[[114.1, 22.3], [114.2, 22.3], [114.2, 22.4], [114.1, 22.3]]]},
}


def _features(layer: Layer) -> list[dict[str, Any]]:
    """A feature of each class, a little apart from the others."""
    made = []
    classes: list[Any] = [None, *layer.style.classes]
    for nth, one in enumerate(classes):
        for shape in shapes_of(layer):
            properties: dict[str, Any] = {
                "id": f"{nth}",
                "status": "confirmed",
                "name_en": "Central",
                "name_zh": "中環",
            }
            if layer.style.frame is not None:
                properties[layer.style.frame.column] = layer.style.frame.value
            if one is not None and layer.style.by is not None:
                value = one.values[0] if one.values else one.at_least if one.at_least is not None else one.below - 1
                properties[layer.style.by] = value
            geometry = GEOMETRIES[shape]
            made.append({"type": "Feature", "properties": properties, "geometry": _moved(geometry, 0.02 * nth)})
    return made


def _moved(geometry: dict[str, Any], by: float) -> dict[str, Any]:
    def move(part: Any) -> Any:
        return [part[0] + by, part[1]] if isinstance(part[0], float) else [move(one) for one in part]

    return {**geometry, "coordinates": move(geometry["coordinates"])}


# One map a theme, and each layer a degree further east: a map of pymgl that is given up ends the process.
DRAW = """
import json, os, sys
import pymgl
kept = []
for theme in json.load(open(sys.argv[1])):
    drawn = pymgl.Map(json.dumps(theme["style"]), 300, 200, 1, 114.17, 22.35, 11)
    drawn.load()
    drawn.renderPNG()
    kept.append(drawn)
    for nth, (file, zoom) in enumerate(theme["files"]):
        drawn.setZoom(zoom)
        drawn.setCenter(114.15 - 60 + nth, 22.35)
        drawn.renderPNG()
        with open(file, "wb") as out:
            out.write(drawn.renderPNG())
os._exit(0)
"""


@pytest.fixture(scope="module")
def sprite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sprites")
    for name in THEMES:
        for ratio, end in ((1, ""), (2, "@2x")):
            sheet = sprites.sheet(catalogue(), name, ratio)
            (folder / f"{name}{end}.json").write_bytes(sheet.index)
            (folder / f"{name}{end}.png").write_bytes(sheet.picture)
    return folder


def _zoom(layer: Layer) -> float:
    """A zoom at which the layer is drawn, near enough for its symbols."""
    return min(15.0, max(11.0, first_zoom(layer.scale.from_zoom)))


def _drawn_in(name: str) -> list[Layer]:
    """The layers that are drawn in a theme: at length all, else each in one of the themes in turn."""
    return [layer for nth, layer in enumerate(EVERY) if LONG or THEMES[nth % len(THEMES)] == name]


def _job(name: str, folder: Path, glyphs: Path, out: Path) -> dict[str, Any]:
    drawn: list[dict[str, Any]] = [
        {"id": "ground", "type": "background", "paint": {"background-color": theme(name).land}}
    ]
    sources = {}
    drawn_here = _drawn_in(name)
    for nth, layer in enumerate(drawn_here):
        features = [{**one, "geometry": _moved(one["geometry"], nth - 60)} for one in _features(layer)]
        sources[layer.id] = {"type": "geojson", "data": {"type": "FeatureCollection", "features": features}}
        for one in layers_of(layer, theme(name)):
            drawn.append(
                {key: value for key, value in one.items() if key not in ("source-layer", "minzoom", "maxzoom")}
            )
    style = {"version": 8, "sprite": f"file://{folder / name}", "sources": sources, "layers": drawn,
             "glyphs": f"file://{glyphs}/{{fontstack}}/{{range}}.pbf"}  # fmt: skip
    return {"style": style, "files": [(str(out / f"{layer.id}-{name}.png"), _zoom(layer)) for layer in drawn_here]}


@pytest.mark.conformance
def test_the_renderer_draws_every_layer(sprite_folder: Path, state: Path, tmp_path: Path) -> None:
    """A feature of each class, drawn by MapLibre Native: no picture is blank, whatever the layer's style is.

    Each layer in one theme, and at length in every theme.
    """
    basemap = built(state / "basemap")
    assert basemap is not None
    jobs = [_job(name, sprite_folder, basemap / GLYPH_FOLDER, tmp_path) for name in THEMES]
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    command = [sys.executable, "-c", DRAW, str(tmp_path / "jobs.json")]
    environment = {**os.environ, "EGL_PLATFORM": "surfaceless"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-1000:]
    for name in THEMES:
        for layer in _drawn_in(name):
            pixels = np.asarray(Image.open(tmp_path / f"{layer.id}-{name}.png").convert("RGB")).reshape(-1, 3)
            ground = np.array([int(theme(name).land[at : at + 2], 16) for at in (1, 3, 5)])
            seen = (np.abs(pixels.astype(int) - ground).max(axis=1) > 40).sum()
            assert seen >= 6, (layer.id, name, int(seen))
