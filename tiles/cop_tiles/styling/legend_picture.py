"""Legends as pictures: samples of each class beside its words, in the font that the map's labels have."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from cop.catalogue.models import Layer
from cop_tiles.basemap.glyphs import font_file
from cop_tiles.styling import drawings
from cop_tiles.styling.drawings import Drawing
from cop_tiles.styling.legend import EXERCISE_MARK, entries
from cop_tiles.styling.looks import Look, looks
from cop_tiles.styling.maplibre import edge_color, line_color, needs_casing
from cop_tiles.styling.sprites import images_of
from cop_tiles.styling.themes import Theme, dimmed, mixed, readable

RATIO: Final = 2
_MARGIN, _ROW, _SAMPLE = 10, 26, 40
_TITLE, _TEXT, _SMALL = 14.0, 12.5, 10.5
_WIDEST = 340


def draw(layer: Layer, on: Theme, lang: str = "en", *, exercise: bool = False) -> bytes:
    """The legend of a layer as PNG, twice as sharp as an ordinary screen; the title is in both languages.

    Raises SetupTrouble where the font is not installed.
    """
    told = entries(layer)
    first, second = (layer.title.zh, layer.title.en) if lang == "zh" else (layer.title.en, layer.title.zh)
    title = [(line, _TITLE, True, on.text) for line in _wrapped(first, _TITLE, True)]
    title += [(line, _SMALL, False, on.text) for line in _wrapped(second, _SMALL, False)]
    if exercise:
        title.append((EXERCISE_MARK, _TEXT, True, readable(on.notice, on)))
    rows = [(entry, _wrapped(_words(entry, lang), _TEXT, False)) for entry in told] if len(told) > 1 else \
           [(entry, [_words(entry, lang)]) for entry in told]  # fmt: skip
    lines = [(0.0, text, size, bold) for text, size, bold, _ in title]
    lines += [(float(_SAMPLE), text, _TEXT, False) for _, texts in rows for text in texts]
    width = 2 * _MARGIN + max(left + _length(text, size, bold) for left, text, size, bold in lines)
    heights = [max(_ROW, 17 * len(texts) + 9, _sample_height(layer, entry, on) + 4) for entry, texts in rows]
    top = _MARGIN + sum(size * 1.5 for _, size, _, _ in title) + 4
    image = Image.new("RGB", (_px(width), _px(top + sum(heights) + _MARGIN - 4)), on.land)
    pen = ImageDraw.Draw(image)
    y = float(_MARGIN)
    for text, size, bold, color in title:
        pen.text((_px(_MARGIN), _px(y)), text, fill=color, font=_font(size, bold), anchor="la")
        y += size * 1.5
    y = top
    for (entry, texts), height in zip(rows, heights, strict=True):
        _paste(image, _sample(layer, entry, on), _MARGIN, y, height)
        start = y + height / 2 - 17 * (len(texts) - 1) / 2
        for nth, text in enumerate(texts):
            pen.text((_px(_MARGIN + _SAMPLE), _px(start + 17 * nth)), text, fill=on.text, font=_font(_TEXT, False),
                     anchor="lm")  # fmt: skip
        y += height
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _words(entry: dict[str, Any], lang: str) -> str:
    label = entry["label"]
    first, second = (label["zh"], label["en"]) if lang == "zh" else (label["en"], label["zh"])
    return f"{first}  {second}" if second != first else first


def _px(length: float) -> int:
    return round(length * RATIO)


@lru_cache(maxsize=16)
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:
    file, face = font_file("Sans Bold" if bold else "Sans Regular")
    return ImageFont.truetype(str(file), size * RATIO, index=face)


def _length(text: str, size: float, bold: bool) -> float:
    return float(_font(size, bold).getlength(text)) / RATIO


def _wrapped(text: str, size: float, bold: bool) -> list[str]:
    """Lines no wider than a legend may be, broken between words, or between Chinese characters."""
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and _length(lines[-1] + piece.rstrip(), size, bold) > _WIDEST - _SAMPLE:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def _pieces(text: str) -> list[str]:
    found: list[str] = []
    for character in text:
        if found and not found[-1].endswith(" ") and ord(character) < 0x2E80 and ord(found[-1][-1]) < 0x2E80:
            found[-1] += character
        else:
            found.append(character)
    return found


def _paste(image: Image.Image, sample: Drawing, left: float, top: float, height: float) -> None:
    drawn = Image.open(io.BytesIO(drawings.png(sample, RATIO))).convert("RGBA")
    x = _px(left) + (_px(_SAMPLE - 8) - drawn.width) // 2
    y = _px(top) + (_px(height) - drawn.height) // 2
    image.paste(drawn, (x, y), drawn)


def _sample_height(layer: Layer, entry: dict[str, Any], on: Theme) -> float:
    return _sample(layer, entry, on).height


@lru_cache(maxsize=2048)
def _images(layer: Layer, on: Theme) -> dict[str, Drawing]:
    return dict(images_of([layer], on))


def _sample(layer: Layer, entry: dict[str, Any], on: Theme) -> Drawing:
    if entry["image"] is not None:
        return _images(layer, on)[entry["image"]]
    look = _look_of(layer, entry)
    if entry["geometry"] == "area":
        return _patch(look, on)
    return _stroke(look, on) if entry["geometry"] == "line" else _dot(look, on)


def _look_of(layer: Layer, entry: dict[str, Any]) -> Look:
    return looks(layer)[int(entry["class"])]


def _patch(look: Look, on: Theme) -> Drawing:
    fill = mixed(dimmed(look.color, on), on.land, look.fill_opacity)
    dash = f' stroke-dasharray="{_dashes(look)}"' if look.dash else ""
    edge = f'stroke="{edge_color(look, on)}" stroke-width="{max(1.0, look.width) * on.heavier:.2f}"{dash}'
    box = '<rect x="2" y="2" width="26" height="14"'
    hatched = ""
    if on.patterned and look.dash is None:
        lines = drawings.hatch(look, on).svg
        hatched = (f'<defs><pattern id="h" width="8" height="8" patternUnits="userSpaceOnUse">{lines}</pattern></defs>'
                   f'{box} fill="url(#h)"/>')  # fmt: skip
    return Drawing(f'{box} fill="{fill}"/>{hatched}{box} fill="none" {edge}/>', 30, 18)


def _stroke(look: Look, on: Theme) -> Drawing:
    width = max(1.0, look.width) * on.heavier
    dash = f' stroke-dasharray="{_dashes(look)}"' if look.dash else ""
    path = '<path d="M2 9H28" fill="none"'
    casing = ""
    if needs_casing(look, on):
        casing = f'{path} stroke="{readable(look.color, on)}" stroke-width="{width + 1.6}"/>'
    line = f'{path} stroke="{line_color(look, on)}" stroke-opacity="{look.opacity}" stroke-width="{width}"{dash}/>'
    return Drawing(casing + line, 30, 18)


def _dashes(look: Look) -> str:
    """Dashes in pixels; a style counts them in widths of the line."""
    return " ".join(f"{part * max(1.0, look.width):g}" for part in look.dash or ())


def _dot(look: Look, on: Theme) -> Drawing:
    radius = min(9.0, max(2.5, look.radius))
    edge = edge_color(look, on)
    return Drawing(f'<circle cx="10" cy="10" r="{radius}" fill="{look.color}" fill-opacity="{look.opacity}" '
                   f'stroke="{edge}" stroke-width="1"/>', 20, 20)  # fmt: skip
