"""The three grounds that layers are drawn on, and colours that stay readable on each.

Contrast is WCAG 2.2's (1.4.11, graphics: 3 to 1). Lightness is changed in OKLab, where a hue keeps its look.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

from cop.resources import resource

GRAPHICS_CONTRAST: Final = 3.0
TEXT_CONTRAST: Final = 4.5
# What rounding to eight bits a channel may take away.
_SPARE = 0.02

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Theme:
    """A ground and the colours of words on it; `heavier` multiplies widths, `patterned` hatches areas."""

    name: str
    land: str
    sea: str
    text: str
    halo: str
    notice: str
    heavier: float = 1.0
    patterned: bool = False

    @property
    def grounds(self) -> tuple[str, str]:
        """The colours that features lie on."""
        return self.land, self.sea

    @property
    def is_dark(self) -> bool:
        """Whether marks must be lighter than the ground."""
        return luminance(self.land) < 0.18


THEMES: Final = ("light", "dark", "print")


@cache
def theme(name: str) -> Theme:
    """A theme by name, its colours from tiles/styles/<name>.json. Raises KeyError for another name."""
    if name not in THEMES:
        raise KeyError(f"style: {name!r}, wanted one of {', '.join(THEMES)}")
    colours = json.loads((resource("styles") / f"{name}.json").read_text(encoding="utf-8"))
    taken = {key: colours[key] for key in ("land", "sea", "text", "halo", "notice")}
    return Theme(name, **taken, heavier=1.3 if name == "print" else 1.0, patterned=name == "print")


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance, 0 to 1."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def stands_out(colour: str, on: Theme, least: float = GRAPHICS_CONTRAST) -> bool:
    """Whether a colour is told from both land and sea of a theme."""
    return all(contrast(colour, ground) >= least for ground in on.grounds)


@cache
def readable(colour: str, on: Theme, least: float = GRAPHICS_CONTRAST) -> str:
    """The colour itself where it stands out from land and sea, else the nearest of its hue that does."""
    if stands_out(colour, on, least):
        return colour
    lightness, a, b = _oklab(_linear(colour))
    end = 1.0 if on.is_dark else 0.0
    near, far = lightness, end
    for _ in range(16):
        middle = (near + far) / 2
        if stands_out(_shade(middle, a, b, lightness), on, least + _SPARE):
            far = middle
        else:
            near = middle
    return _shade(far, a, b, lightness)


@cache
def dimmed(colour: str, on: Theme) -> str:
    """The colour of a broad fill: on a dark ground pale ones would glare, so all step back, their order kept."""
    if not on.is_dark:
        return colour
    lightness, a, b = _oklab(_linear(colour))
    return _hex(_from_oklab(0.30 + 0.36 * lightness, 0.9 * a, 0.9 * b))


def ink_on(colour: str) -> str:
    """Black or white: what a sign on a body of this colour is drawn in."""
    return "#ffffff" if contrast("#ffffff", colour) >= GRAPHICS_CONTRAST else "#1b1b1b"


def mixed(colour: str, ground: str, share: float) -> str:
    """What a colour of some opacity looks like on a ground."""
    pairs = zip(_channels(colour), _channels(ground), strict=True)
    return "#" + "".join(f"{round(share * c + (1 - share) * g):02x}" for c, g in pairs)


def _shade(lightness: float, a: float, b: float, before: float) -> str:
    """A colour of other lightness; colours near white or black have room for less chroma."""
    room = min(1.0, max(0.35, 1 - abs(lightness - before)))
    return _hex(_from_oklab(lightness, a * room, b * room))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(colour: str) -> Rgb:
    red, green, blue = (_to_linear(channel / 255) for channel in _channels(colour))
    return red, green, blue


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _to_srgb(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return 12.92 * value if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)


def _hex(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(_to_srgb(channel) * 255):02x}" for channel in rgb)


# Björn Ottosson's OKLab (2020), from linear sRGB and back.


def _oklab(rgb: Rgb) -> Rgb:
    r, g, b = rgb
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(lightness: float, a: float, b: float) -> Rgb:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
