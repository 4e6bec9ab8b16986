"""Legends as data: what each sign of a layer means, in both languages."""

from __future__ import annotations

from typing import Any

from cop.catalogue.models import Bilingual, Layer
from cop_tiles.styling.looks import Look, Shape, has_marks, has_symbols, is_total, looks, shapes_of, state_column
from cop_tiles.styling.maplibre import image_name

EXERCISE_MARK = "Exercise 演習"
MAJOR = Bilingual(en="Major case", zh="重大個案")
_CELLS: tuple[Shape, ...] = ("area",)
_OF_SHAPE = {
    "area": Bilingual(en="area", zh="範圍"), "line": Bilingual(en="line", zh="路線"), "point": Bilingual(en="", zh=""),
}  # fmt: skip


def entries(layer: Layer) -> list[dict[str, Any]]:
    """One entry a class, in the order of the classes; incident marks have one a state besides.

    Each is `{"label": {en, zh}, "geometry": point|line|area, "color", "outline", "width", "radius", "opacity", "dash",
    "symbol", "image", "class"}`; `image` is the sprite's name of what is drawn, where something of the sprite is, and
    `class` the place in the style's classes, or their number for what fits none. A coverage's classes are told
    as areas.
    """
    shapes = shapes_of(layer) or _CELLS
    shown = [look for look in looks(layer) if not (look.nth is None and _is_needless(layer))]
    # A layer of mixed types is explained by its points, which most of it is, and what else there is once.
    made = [_entry(layer, look, shapes[-1]) for look in shown]
    if has_marks(layer):
        made += _states(layer)
    made += [_entry(layer, looks(layer)[-1], shape, extra=True) for shape in shapes[-2::-1]]
    return made


def document(layer: Layer, *, exercise: bool) -> dict[str, Any]:
    """The legend as it is sent: both languages, provenance and attribution beside the entries."""
    return {
        "title": layer.title.model_dump(),
        "provenance": "exercise" if exercise else "real",
        "mark": EXERCISE_MARK if exercise else None,
        "attribution": layer.source.attribution.model_dump(),
        "entries": entries(layer),
    }


def _is_needless(layer: Layer) -> bool:
    return bool(layer.style.classes) and is_total(layer)


def _entry(layer: Layer, look: Look, shape: str, *, extra: bool = False) -> dict[str, Any]:
    label = _shaped(layer.title, shape) if extra else look.label
    image = None
    symbol = look.symbol if shape == "point" or (shape == "area" and not extra) else None
    if shape == "point" and has_marks(layer):
        image = f"{look.symbol}-confirmed" if look.is_mark else "incident_other-confirmed"
    elif shape == "point" and has_symbols(layer):
        image = image_name(layer, look)
    return {
        "label": label.model_dump(), "geometry": shape, "color": look.color, "outline": look.outline,
        "width": look.width, "radius": look.radius, "opacity": look.fill_opacity if shape == "area" else look.opacity,
        "dash": list(look.dash) if look.dash else None, "symbol": symbol,
        "image": image, "class": len(layer.style.classes) if look.nth is None else look.nth,
    }  # fmt: skip


def _shaped(title: Bilingual, shape: str) -> Bilingual:
    words = _OF_SHAPE[shape]
    return Bilingual(en=f"{title.en} ({words.en})", zh=f"{title.zh}（{words.zh}）")


def _states(layer: Layer) -> list[dict[str, Any]]:
    """The frames, without a sign: what each says of the state."""
    column = state_column(layer)
    told = {f"state-{code}": title for code, title in (column.codes or {} if column else {}).items()}
    if layer.by_name.get("major"):
        told["state-major"] = MAJOR
    rest = looks(layer)[-1]
    return [_entry(layer, rest, "point") | {"label": title.model_dump(), "symbol": None, "image": image}
            for image, title in told.items()]  # fmt: skip
