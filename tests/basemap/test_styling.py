"""Styles made from the catalogue: whole, readable on each ground, drawn by the renderer, and refused where broken."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cop.catalogue import Catalogue, Layer, catalogue
from cop.catalogue.models import Bilingual
from cop_tiles.mvt import attributes
from cop_tiles.style_check import Known, faults
from cop_tiles.styling import check, drawings, legend, legend_picture, sprites
from cop_tiles.styling.document import EXERCISE, SHOWN, Scene, Shown, of_layer, whole
from cop_tiles.styling.looks import SHAPES, has_marks, has_symbols, looks, shapes_of
from cop_tiles.styling.maplibre import edge_color, image_name, layers_of, line_color, needs_casing
from cop_tiles.styling.themes import (
    GRAPHICS_CONTRAST,
    TEXT_CONTRAST,
    THEMES,
    contrast,
    dimmed,
    mixed,
    readable,
    stands_out,
    theme,
)

ROOT = Path(__file__).parents[2]
SPECIFICATION = ROOT / "web/node_modules/@maplibre/maplibre-gl-style-spec/dist/index.mjs"
EVERY = catalogue().feature_layers
IDS = [layer.id for layer in EVERY]


def _scene(name: str = "light", **more: Any) -> Scene:
    return Scene("https://cop.example", name, "exercise", **more)


def _shown(layers: list[Layer] | None = None) -> list[Shown]:
    return [Shown(layer, exercise=True) for layer in layers or EVERY]


def _known(name: str) -> Known:
    return Known(sprites.names_of(EVERY, theme(name)), {layer.id: set(attributes(layer)) for layer in EVERY})


@pytest.mark.parametrize("name", THEMES)
def test_the_whole_style_names_nothing_that_is_not_there(name: str) -> None:
    style = whole(_shown(), _scene(name), "© somebody", visible=IDS)
    assert list(faults(style, _known(name))) == []
    drawn = {layer["metadata"]["cop:collection"] for layer in style["layers"] if layer.get("source") in IDS}
    assert drawn == set(IDS)


@pytest.mark.parametrize("layer", EVERY, ids=IDS)
def test_each_collection_has_a_style_in_each_theme(layer: Layer) -> None:
    for name in THEMES:
        style = of_layer(Shown(layer, exercise=True), _scene(name))
        assert list(faults(style, _known(name))) == []
        assert all(one["id"].startswith(f"{layer.id}:") for one in style["layers"])
        tiles = f"https://cop.example/collections/{layer.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?mode=exercise"
        assert style["sources"][layer.id]["tiles"] == [tiles]
        assert "Exercise 演習" in style["name"]


def test_the_specification_of_maplibre_finds_nothing_wrong(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not SPECIFICATION.is_file():
        pytest.skip("Node.js and web/node_modules, which scripts/page brings, are not here")
    files = []
    for name in THEMES:
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(whole(_shown(), _scene(name), "© somebody", visible=IDS)))
    broken = json.loads(files[0].read_text())
    broken["layers"][-1]["paint"] = {"icon-colour": "red"}
    files.append(tmp_path / "broken.json")
    files[-1].write_text(json.dumps(broken))
    program = (
        "import {readFileSync} from 'node:fs'; const [spec, ...files] = process.argv.slice(1);"
        "const {validateStyleMin} = await import('file://' + spec);"
        "console.log(JSON.stringify(files.map(f => validateStyleMin(JSON.parse(readFileSync(f))).map(e => e.message))))"
    )
    command = [node, "--input-type=module", "-e", program, str(SPECIFICATION), *map(str, files)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert told[:-1] == [[], [], []]
    assert told[-1]


def test_what_happens_now_is_shown_and_lies_on_top() -> None:
    style = whole(_shown(), _scene(), "© somebody")
    ours = [layer for layer in style["layers"] if layer.get("source") in IDS]
    shown = {one["source"] for one in ours if one.get("layout", {}).get("visibility") != "none"}
    assert shown == set(SHOWN) & set(IDS)
    groups = [one["metadata"]["cop:group"] == "incident" for one in ours]
    assert groups == sorted(groups)
    parts = [one["type"] for one in ours if one["metadata"]["cop:group"] != "incident"]
    assert parts.index("circle") > len(parts) - 1 - parts[::-1].index("fill")


def test_a_style_is_of_the_time_and_mode_that_were_asked_for() -> None:
    style = of_layer(Shown(EVERY[0], exercise=False), _scene(asof="2026-07-01T00:00:00Z"))
    assert style["sources"][EVERY[0].id]["tiles"][0].endswith("?mode=exercise&asof=2026-07-01T00:00:00Z")
    assert EXERCISE.zh not in style["name"]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("layer", EVERY, ids=IDS)
def test_every_class_stands_out_from_the_ground(layer: Layer, name: str) -> None:
    on = theme(name)
    for look in looks(layer):
        for shape in shapes_of(layer):
            edge = readable(look.color, on) if needs_casing(look, on) else line_color(look, on)
            seen = edge if shape == "line" else edge_color(look, on)
            if shape == "area" and not look.width:
                # A fill without an edge lets the ground show through: it is told from it, if not by 3 to 1.
                assert contrast(mixed(dimmed(look.color, on), on.land, look.fill_opacity), on.land) > 1.05, (
                    look.label.en
                )
                continue
            assert all(contrast(seen, ground) >= GRAPHICS_CONTRAST for ground in on.grounds), (look.label.en, shape)


@pytest.mark.parametrize("name", THEMES)
def test_words_are_readable(name: str) -> None:
    on = theme(name)
    assert contrast(on.text, on.halo) >= TEXT_CONTRAST
    assert contrast(on.text, on.land) >= TEXT_CONTRAST
    assert name != "print" or (on.text, on.land) == ("#000000", "#ffffff")


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#f00f00", "#f00f00", 1)])  # fmt: skip
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)


def test_a_colour_that_stands_out_is_left_alone_and_others_keep_their_hue() -> None:
    light, dark = theme("light"), theme("dark")
    assert readable("#8c1d18", light) == "#8c1d18"
    assert not stands_out("#ffe08a", light)
    yellow = readable("#ffe08a", light)
    assert stands_out(yellow, light)
    red, green, blue = (int(yellow[at : at + 2], 16) for at in (1, 3, 5))
    assert red > green > blue
    assert stands_out(readable("#12203a", dark), dark)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("layer", EVERY, ids=IDS)
def test_classes_of_other_colours_keep_other_colours(layer: Layer, name: str) -> None:
    """What the layer's file tells apart by colour, no theme draws alike: as a fill, a line, a point."""
    on = theme(name)
    for one, other in itertools.combinations(looks(layer), 2):
        if one.color != other.color:
            assert dimmed(one.color, on) != dimmed(other.color, on)
            assert "line" not in shapes_of(layer) or line_color(one, on) != line_color(other, on)


@pytest.mark.parametrize("name", THEMES)
def test_marks_differ_without_colour(name: str) -> None:
    """Each pair of marks, as a screen without colours shows it, on the theme's ground."""
    on = theme(name)
    signs = sorted(sign for sign in drawings.symbol_names() if drawings.is_mark(sign))
    assert len(signs) == 9
    seen = {
        (sign, state): _grey(drawings.mark(sign, state, on), on.land) for sign in signs for state in drawings.STATES
    }
    for one, other in itertools.combinations(seen, 2):
        apart = np.abs(seen[one].astype(int) - seen[other]) > 60
        assert apart.sum() >= 60, (one, other)


def _grey(drawing: drawings.Drawing, ground: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    sheet = Image.new("RGBA", (76, 76), ground)
    drawn = Image.open(io.BytesIO(drawings.png(drawing, 2))).convert("RGBA")
    sheet.alpha_composite(drawn, ((76 - drawn.width) // 2, (76 - drawn.height) // 2))
    return np.asarray(sheet.convert("L"))


def test_symbols_differ_and_have_one_grid() -> None:
    on = theme("light")
    names = sorted(drawings.symbol_names())
    assert len(names) >= 50
    seen = {name: _grey(drawings.plain(name, on), on.land) for name in names}
    for one, other in itertools.combinations(names, 2):
        assert (np.abs(seen[one].astype(int) - seen[other]) > 60).sum() >= 40, (one, other)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("ratio", [1, 2])
def test_sprites_hold_every_image_once(name: str, ratio: int) -> None:
    sheet = sprites.sheet(catalogue(), name, ratio)
    index = json.loads(sheet.index)
    picture = np.asarray(Image.open(io.BytesIO(sheet.picture)).convert("RGBA"))
    assert set(index) == sprites.names_of(catalogue().layers.values(), theme(name))
    boxes = {(one["x"], one["y"], one["width"], one["height"]) for one in index.values()}
    for x, y, width, height in boxes:
        assert x + width <= picture.shape[1]
        assert y + height <= picture.shape[0]
        assert picture[y : y + height, x : x + width, 3].any()
    for one, other in itertools.combinations(sorted(boxes), 2):
        apart = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
        assert apart or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
    assert {one["pixelRatio"] for one in index.values()} == {ratio}
    assert index["incident_flood-active"] == index["incident_flood-confirmed"]


@pytest.mark.parametrize("layer", list(catalogue().layers.values()), ids=list(catalogue().layers))
def test_legends_say_every_class_in_both_languages(layer: Layer) -> None:
    told = legend.document(layer, exercise=True)
    assert told["mark"] == "Exercise 演習"
    named = [entry["label"]["en"] for entry in told["entries"]]
    assert named
    assert set(named) >= {one.label.en for one in layer.style.classes}
    images = sprites.names_of([layer], theme("light"))
    assert {entry["image"] for entry in told["entries"] if entry["image"]} <= images
    assert all(entry["label"]["zh"] for entry in told["entries"])
    picture = np.asarray(Image.open(io.BytesIO(legend_picture.draw(layer, theme("dark"), "zh"))).convert("L"))
    assert picture.std() > 5


def test_an_exercise_is_marked_in_the_picture() -> None:
    layer = catalogue().layers["districts"]
    plain, marked = (_legend(layer, exercise=exercise) for exercise in (False, True))
    assert marked.height > plain.height
    red = np.asarray(marked).astype(int)
    assert ((red[..., 0] - red[..., 1]) > 80).any()
    assert not ((np.asarray(plain).astype(int)[..., 0] - np.asarray(plain).astype(int)[..., 1]) > 80).any()


def _legend(layer: Layer, **more: Any) -> Image.Image:
    return Image.open(io.BytesIO(legend_picture.draw(layer, theme("light"), "zh", **more))).convert("RGB")


def test_chinese_is_drawn_as_characters_not_as_boxes() -> None:
    """Two titles of the same length differ, and neither is a row of what the font draws for a code it lacks."""
    layer = catalogue().layers["districts"]
    drawn = [_legend(layer.model_copy(update={"title": Bilingual(en="x", zh=words)})) for words in ("山泥傾瀉", "颱風警告", "\ue000" * 4)]  # fmt: skip
    # Layers are known by their ids: a copy of another title must not be answered from the cache of the first.
    pixels = [np.asarray(one.convert("L")).astype(int)[:56, :200] for one in drawn]
    width = min(one.shape[1] for one in pixels)
    for one, other in itertools.combinations([part[:, :width] for part in pixels], 2):
        assert (abs(one - other) > 60).sum() > 200


def _broken(change: dict[str, Any], **columns: Any) -> list[str]:
    incidents = catalogue().layers["incidents"]
    raw = incidents.model_dump(by_alias=True)
    raw["style"] = {
        "by": "category",
        "classes": [{"label": {"en": "Flood", "zh": "水浸"}, "values": ["flood"]}],
        **change,
    }
    for column in raw["columns"]:
        column.update(columns.get(column["name"], {}))
    layer = Layer.model_validate(raw)
    return list(check.faults(layer, Catalogue({layer.id: layer}, catalogue().codes, "0")))


_LABEL = {"en": "One", "zh": "一"}


@pytest.mark.parametrize(
    ("change", "columns", "told"),
    [
        ({"symbol": "spaceship"}, {}, "style.symbol: found 'spaceship', wanted one of aed"),
        ({"classes": [{"label": _LABEL, "values": ["flod"]}]}, {}, "classes.0.values: found 'flod', wanted one of landslide"),
        ({"classes": [{"label": _LABEL, "values": ["flood"], "symbol": "boat"}]}, {}, "classes.0.symbol: found 'boat'"),
        ({"classes": [{"label": _LABEL, "at_least": 3}]}, {}, "values, at_least and below are for numbers"),
        ({"by": "major", "classes": [{"label": _LABEL, "values": [1]}]}, {}, "found 1, wanted a boolean"),
        ({"by": "lanes_closed", "classes": [{"label": _LABEL, "at_least": 3, "below": 2}]}, {"lanes_closed": {"tile": True}}, "the smaller one first"),
        ({"by": "lanes_closed", "classes": [{"label": _LABEL, "at_least": 3}]}, {}, "tiles do not carry"),
        ({"by": "dead", "classes": [{"label": _LABEL, "at_least": 3}]}, {"dead": {"tile": True}}, "hidden from the public"),
        ({"classes": [{"label": _LABEL, "values": ["flood"]}] * 2}, {}, "which classes before it have"),
        ({"labels": {}}, {"title_en": {"tile": False}, "title_zh": {"tile": False}}, "style.labels"),
    ],
)  # fmt: skip
def test_a_style_that_cannot_be_drawn_is_refused(change: dict[str, Any], columns: dict[str, Any], told: str) -> None:
    assert any(told in fault for fault in _broken(change, **columns)), _broken(change, **columns)


def test_the_layers_that_are_shipped_can_be_drawn() -> None:
    check.check_styles(catalogue())


def test_names_that_are_missing_are_found() -> None:
    style = whole(_shown(), _scene(), "© somebody", visible=IDS)
    some = next(layer for layer in style["layers"] if layer["id"].endswith(":icon"))
    some["layout"]["icon-image"] = ["match", ["get", "nothing"], ["a"], "no-such-image", "place"]
    told = list(faults(style, _known("light")))
    assert any("no-such-image" in fault for fault in told)
    assert any("'nothing'" in fault for fault in told)


def test_layers_are_of_the_kinds_that_the_geometry_has() -> None:
    for layer in EVERY:
        kinds = {one["type"] for one in layers_of(layer, theme("light"))}
        assert ("fill" in kinds) == ("area" in SHAPES[str(layer.geometry)])
        if has_symbols(layer) and "point" in shapes_of(layer) and not has_marks(layer):
            assert {image_name(layer, look) for look in looks(layer)} <= sprites.names_of([layer], theme("light"))
