"""Glyphs for the map's labels: signed distance fields of the characters that the data has, as MapLibre reads them."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import freetype
import numpy as np
from numpy.typing import NDArray

from cop.errors import SetupTrouble

STACKS = {"Sans Regular": "NotoSansCJK-Regular.ttc", "Sans Bold": "NotoSansCJK-Bold.ttc"}
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
_FAMILY = b"Noto Sans CJK HK"
_PX, _SPREAD, _BORDER = 24, 8, 3
# Where MapLibre expects the top of a 24-pixel line to lie above the baseline.
_LINE_TOP = 25
_SDF = 5  # FT_RENDER_MODE_SDF, which freetype-py does not name
# Latin with its accents, dashes, quotes, bullets, arrows, the summit's triangle, Chinese and full-width punctuation.
ALWAYS = frozenset(
    chr(code)
    for first, last in (
        (0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x2027), (0x2030, 0x203A), (0x2190, 0x2193), (0x25B2, 0x25B3),
        (0x3000, 0x3011), (0xFF01, 0xFF5E),
    )
    for code in range(first, last + 1)
)  # fmt: skip


def write_glyphs(folder: Path, characters: Iterable[str]) -> None:
    """Write `{stack}/{first}-{last}.pbf` for every range of 256 code points; ranges without characters are empty files
    of the right form, because the renderer stops at a missing one.

    Raises SetupTrouble where the fonts are not installed.
    """
    wanted = sorted({character for character in characters if ord(character) <= 0xFFFF} | ALWAYS)
    for stack, font in STACKS.items():
        face = _face(font)
        ranges: dict[int, list[bytes]] = defaultdict(list)
        for character in wanted:
            if face.get_char_index(character):
                ranges[ord(character) >> 8].append(_glyph(face, character))
        (folder / stack).mkdir(parents=True)
        for block in range(256):
            span = f"{block * 256}-{block * 256 + 255}"
            (folder / stack / f"{span}.pbf").write_bytes(_stack_message(stack, span, ranges[block]))


def whole_range(stack: str, first: int) -> bytes:
    """The glyph file of all 256 code points from `first` on, as many as the font has.

    Raises SetupTrouble where the font is not installed.
    """
    face = _face(STACKS[stack])
    drawn = [
        _glyph(face, chr(code))
        for code in range(first, first + 256)
        # Half of a surrogate pair is no character.
        if not 0xD800 <= code <= 0xDFFF and face.get_char_index(code)
    ]
    return _stack_message(stack, f"{first}-{first + 255}", drawn)


def font_file(stack: str) -> tuple[Path, int]:
    """The font file of a stack, and the place in it of the face with Hong Kong's shapes.

    Raises SetupTrouble where the font is not installed.
    """
    for folder in _FONT_FOLDERS:
        for file in sorted(Path(folder).rglob(STACKS[stack])):
            faces = [nth for nth in range(freetype.Face(str(file)).num_faces)
                     if freetype.Face(str(file), index=nth).family_name == _FAMILY]  # fmt: skip
            return file, faces[0] if faces else 0
    raise SetupTrouble(f"The font {STACKS[stack]}, which the map's labels need, is missing: "
                       "apt-get install fonts-noto-cjk")  # fmt: skip


def _face(font: str) -> freetype.Face:
    for folder in _FONT_FOLDERS:
        for file in sorted(Path(folder).rglob(font)):
            return next(_faces_of_family(file), freetype.Face(str(file)))
    raise SetupTrouble(f"The font {font}, which the map's labels need, is missing: apt-get install fonts-noto-cjk")


def _faces_of_family(file: Path) -> Iterator[freetype.Face]:
    for nth in range(freetype.Face(str(file)).num_faces):
        face = freetype.Face(str(file), index=nth)
        if face.family_name == _FAMILY:
            face.set_pixel_sizes(0, _PX)
            yield face


def _glyph(face: freetype.Face, character: str) -> bytes:
    # Rendered as a bitmap first: FreeType's distance field of a bitmap is many times faster than of an outline.
    face.load_char(character, freetype.FT_LOAD_RENDER)
    slot = face.glyph
    advance = round(slot.advance.x / 64)
    if slot.bitmap.width == 0:
        return _glyph_message(ord(character), b"", 0, 0, 0, 0, advance)
    freetype.FT_Render_Glyph(slot._FT_GlyphSlot, _SDF)
    field = _field(slot.bitmap)
    height, width = field.shape
    return _glyph_message(
        ord(character),
        field.tobytes(),
        width - 2 * _BORDER,
        height - 2 * _BORDER,
        slot.bitmap_left + _SPREAD,
        slot.bitmap_top - _SPREAD - _LINE_TOP,
        advance,
    )


def _field(bitmap: freetype.Bitmap) -> NDArray[np.uint8]:
    raw = bitmap._FT_Bitmap
    cells = np.frombuffer(ctypes.string_at(raw.buffer, raw.rows * abs(raw.pitch)), np.uint8)
    cells = cells.reshape(raw.rows, abs(raw.pitch))[:, : raw.width]
    spare = _SPREAD - _BORDER
    inner = cells[spare : raw.rows - spare, spare : raw.width - spare].astype(np.float32)
    # FreeType has the outline at 128 and 8 pixels to either end; MapLibre has it at 192 and 8 pixels over 255 steps.
    return np.clip(np.round(192 + (inner - 128) * 255 / 128), 0, 255).astype(np.uint8)


def _glyph_message(code: int, field: bytes, width: int, height: int, left: int, top: int, advance: int) -> bytes:
    parts = [_number(1, code)]
    if field:
        parts.append(_bytes(2, field))
    parts += [_number(3, width), _number(4, height), _number(5, _signed(left)), _number(6, _signed(top))]
    return b"".join([*parts, _number(7, advance)])


def _stack_message(stack: str, span: str, glyphs: Iterable[bytes]) -> bytes:
    inner = _bytes(1, stack.encode()) + _bytes(2, span.encode()) + b"".join(_bytes(3, glyph) for glyph in glyphs)
    return _bytes(1, inner)


# The four pieces of protocol buffers that a glyph file needs.


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _signed(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _number(key: int, value: int) -> bytes:
    return _varint(key << 3) + _varint(value)


def _bytes(key: int, value: bytes) -> bytes:
    return _varint(key << 3 | 2) + _varint(len(value)) + value
