"""Whole MapLibre styles: of one collection, and of all collections on the basemap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from cop.catalogue.models import Bilingual, Layer
from cop.settings import Mode
from cop_tiles.styles import style as basemap_style
from cop_tiles.styling.maplibre import layers_of
from cop_tiles.styling.themes import Theme, theme

EXERCISE: Final = Bilingual(en="EXERCISE", zh="演習")
THEME_TITLES: Final = {
    "light": Bilingual(en="Light", zh="淺色"),
    "dark": Bilingual(en="Dark", zh="深色"),
    "print": Bilingual(en="Print", zh="列印"),
}
TITLE: Final = Bilingual(en="Common Operational Picture", zh="聯合運作平台")
# What stands on the whole picture when nothing was chosen: what happens now. All else is there, and hidden; warnings
# too, whose areas are the whole territory, one over the other.
SHOWN: Final = ("incidents", "control-centres")
# From this zoom on the server thins no tile, so deeper zooms draw from the same tiles.
DEEPEST_TILE: Final = 16
# Lowest first, by the part of a layer's id; the basemap's names lie below all, incidents above all.
_PARTS: Final = ("area", "pattern", "outline", "casing", "line", "dot", "icon", "label", "mark", "major")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a style is made for: the server's address, theme, mode, language of titles, and the time asked for."""

    url: str
    theme: str
    mode: Mode
    lang: str = "en"
    asof: str | None = None

    @property
    def on(self) -> Theme:
        """The theme itself."""
        return theme(self.theme)


@dataclass(frozen=True, slots=True)
class Shown:
    """A layer as a visible set sees it: with the provenance of what is loaded."""

    layer: Layer
    exercise: bool


def of_layer(shown: Shown, scene: Scene) -> dict[str, Any]:
    """The style of one collection, without a basemap."""
    layer = shown.layer
    return {
        **_head(_titled(layer.title, scene, exercise=shown.exercise), scene),
        "metadata": {"cop:collection": layer.id, "cop:theme": scene.theme, "cop:provenance": _provenance(shown),
                     "cop:attribution": attribution(shown, scene.lang)},
        "sources": {layer.id: source(shown, scene)},
        "layers": list(layers_of(layer, scene.on, scene.lang)),
    }  # fmt: skip


def whole(
    every: Sequence[Shown], scene: Scene, basemap_attribution: str | None, visible: Iterable[str] = SHOWN
) -> dict[str, Any]:
    """All collections on the basemap, what is not `visible` hidden by `visibility: none`.

    Without `basemap_attribution` there is no basemap yet, and a bare ground takes its place.
    """
    wanted = set(visible)
    drawn = [shown for shown in every if shown.layer.is_feature_layer]
    base = _ground(scene, basemap_attribution)
    exercise = any(shown.exercise for shown in drawn)
    return {
        **_head(_titled(TITLE, scene, exercise=exercise), scene),
        "metadata": {
            "cop:theme": scene.theme, "cop:provenance": "exercise" if exercise else "real",
            "cop:visible": sorted(wanted & {shown.layer.id for shown in drawn}),
            "cop:attribution": basemap_attribution or "",
        },
        "sources": {**base["sources"], **{shown.layer.id: source(shown, scene) for shown in drawn}},
        "layers": [*base["layers"], *_stacked([shown.layer for shown in drawn], scene, wanted)],
    }  # fmt: skip


def source(shown: Shown, scene: Scene) -> dict[str, Any]:
    """The vector source of a collection: its tiles in the mode, and as of the time, that the style was asked for."""
    layer = shown.layer
    asof = f"&asof={quote(scene.asof, safe=':')}" if scene.asof else ""
    tiles = f"{scene.url}/collections/{layer.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?mode={scene.mode}{asof}"
    return {
        "type": "vector", "tiles": [tiles], "minzoom": layer.tile.minzoom,
        "maxzoom": min(layer.tile.maxzoom, DEEPEST_TILE), "attribution": attribution(shown, scene.lang),
    }  # fmt: skip


def attribution(shown: Shown, lang: str) -> str:
    """Whose data it is, with the mark of an exercise before it."""
    owner = shown.layer.source.attribution
    return (f"{_marked()} · " if shown.exercise else "") + (owner.zh if lang == "zh" else owner.en)


def _marked() -> str:
    return f"{EXERCISE.en.capitalize()} {EXERCISE.zh}"


def _titled(title: Bilingual, scene: Scene, *, exercise: bool) -> str:
    words = THEME_TITLES[scene.theme]
    name = f"{title.zh} ({words.zh})" if scene.lang == "zh" else f"{title.en} ({words.en.lower()})"
    return f"{name} · {_marked()}" if exercise else name


def _provenance(shown: Shown) -> str:
    return "exercise" if shown.exercise else "real"


def _head(name: str, scene: Scene) -> dict[str, Any]:
    return {
        "version": 8, "name": name, "sprite": f"{scene.url}/sprites/{scene.theme}",
        "glyphs": f"{scene.url}/glyphs/{{fontstack}}/{{range}}.pbf",
    }  # fmt: skip


def _ground(scene: Scene, basemap_attribution: str | None) -> dict[str, Any]:
    if basemap_attribution is None:
        return {"sources": {}, "layers": [{"id": "sea", "type": "background",
                                           "paint": {"background-color": scene.on.land}}]}  # fmt: skip
    base = basemap_style(
        scene.theme,
        tiles=f"{scene.url}/styles/basemap/{{z}}/{{x}}/{{y}}.mvt",
        hillshade=f"{scene.url}/styles/hillshade/{{z}}/{{x}}/{{y}}.png",
        glyphs=f"{scene.url}/glyphs/{{fontstack}}/{{range}}.pbf",
        attribution=basemap_attribution,
    )
    return {"sources": base["sources"], "layers": base["layers"]}


def _stacked(layers: Iterable[Layer], scene: Scene, wanted: set[str]) -> list[dict[str, Any]]:
    """Areas under lines under points under names, and marks of incidents over all of them."""
    placed = []
    for layer in layers:
        for nth, drawn in enumerate(layers_of(layer, scene.on, scene.lang)):
            placed.append(((_rank(layer, drawn), layer.id, nth), _switched(layer, drawn, wanted)))
    return [drawn for _, drawn in sorted(placed, key=lambda pair: pair[0])]


def _rank(layer: Layer, drawn: dict[str, Any]) -> tuple[bool, int]:
    part = str(drawn["id"]).rpartition(":")[2].partition("-")[0]
    # An outline belongs to its area, a casing to its line: neither may lie between two others.
    together = {"pattern": "area", "outline": "area", "casing": "line"}.get(part, part)
    return layer.group == "incident", _PARTS.index(together)


def _switched(layer: Layer, drawn: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    hidden = {} if layer.id in wanted else {"visibility": "none"}
    layout = {**drawn.get("layout", {}), **hidden}
    metadata = {**drawn["metadata"], "cop:default": layer.id in SHOWN}
    return {**drawn, "metadata": metadata} | ({"layout": layout} if layout else {})
