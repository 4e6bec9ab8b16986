"""Styles: both are complete, and the check finds what the renderer would pass in silence."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from cop_tiles.basemap.folder import Manifest, built
from cop_tiles.basemap.labels import SIZES
from cop_tiles.style_check import BrokenStyle, checked, faults
from cop_tiles.styles import STYLES, attribution, style, style_of_folder

FALLING = ["interpolate", ["linear"], ["zoom"], 12, 1, 10, 2]
REMOTE = {
    "tiles": "https://cop.example/tiles/{z}/{x}/{y}.mvt",
    "hillshade": "https://cop.example/shade/{z}/{x}/{y}.png",
    "tint": "https://cop.example/tint/{z}/{x}/{y}.png",
    "relief": "https://cop.example/relief/{z}/{x}/{y}.png",
    "glyphs": "https://cop.example/glyphs/{fontstack}/{range}.pbf",
}


@pytest.mark.parametrize("name", STYLES)
def test_styles_are_whole_for_page_and_pool(name: str, state: Path) -> None:
    assert list(faults(style(name, **REMOTE))) == []
    folder = built(state / "basemap")
    assert folder is not None
    local = checked(style_of_folder(name, folder))
    assert local["sources"]["basemap"]["url"].startswith("mbtiles:///")
    assert "EXERCISE 演習" in local["sources"]["basemap"]["attribution"]


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(KeyError, match="sepia"):
        style("sepia", **REMOTE)


def test_attribution_says_what_the_map_lacks() -> None:
    real = attribution(Manifest("0", exercise=False, roads="lantau", terrain=True, credits=("Lands Department",)))
    assert "roads: Lantau only" in real
    assert "Lands Department" in real
    assert "EXERCISE" not in real
    assert "Lantau" not in attribution(Manifest("0", exercise=True, roads="territory", terrain=True))


@pytest.mark.parametrize("name", STYLES)
def test_text_sizes_are_those_that_labels_were_chosen_by(name: str) -> None:
    for layer in style(name, **REMOTE)["layers"]:
        if layer.get("source-layer") == "label":
            kind = layer["filter"][1][2]
            size = SIZES[kind]
            stops = layer["layout"]["text-size"][3:]
            assert stops == [size.low, size.small, size.high, size.large], kind


def _broken(change: Any) -> list[str]:
    whole = copy.deepcopy(style("light", **REMOTE))
    change(whole, {layer["id"]: layer for layer in whole["layers"]})
    return list(faults(whole))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda whole, _: whole.update(glyphs="glyphs/{range}.pbf"), "glyphs"),
        (lambda whole, _: whole["sources"]["basemap"].update(tiles=["/tiles/{z}/{x}/{y}"]), "sources.basemap.tiles"),
        (lambda whole, _: whole["sources"]["basemap"].update(url="mbtiles:///no/such.mbtiles"), "no file"),
        (lambda _, by_id: by_id["land"].update(type="color-relief"), "layers.land.type"),
        (lambda _, by_id: by_id["land"].update({"source-layer": "lnad"}), "source-layer"),
        (lambda _, by_id: by_id["land"]["paint"].update({"fill-colour": "#ffffff"}), "ignore"),
        (lambda _, by_id: by_id["land"]["paint"].update({"fill-color": "ivory"}), "wanted a colour"),
        (lambda _, by_id: by_id["land"]["paint"].update({"fill-color": "@ivory"}), "wanted a colour"),
        (lambda _, by_id: by_id["road"]["paint"].update({"line-width": FALLING}), "rising"),
        (lambda _, by_id: by_id["road"]["paint"].update({"line-width": ["intrepolate"]}), "wanted an expression"),
        (lambda _, by_id: by_id["place-town"].update(filter=["==", ["get", "kind"]]), "arguments"),
        (lambda _, by_id: by_id["place-town"]["layout"].update({"text-font": ["Comic Sans"]}), "wanted fonts"),
        (lambda _, by_id: by_id["place-town"]["layout"].update({"icon-image": "star"}), "sprite"),
        (lambda whole, by_id: whole["layers"].append(by_id["land"]), "twice"),
    ],
)  # fmt: skip
def test_mistakes_are_named(change: Any, told: str) -> None:
    assert any(told in fault for fault in _broken(change)), _broken(change)


def test_a_broken_style_is_not_drawn() -> None:
    whole = style("dark", **REMOTE)
    whole["layers"][1]["type"] = "heat"
    with pytest.raises(BrokenStyle, match=r"layers\.land\.type: found 'heat'"):
        checked(whole)
