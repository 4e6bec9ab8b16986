"""Glyph files: every range is there, and what is in it is a distance field as MapLibre reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cop_tiles.basemap.glyphs import STACKS, write_glyphs


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0

    def varint() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = varint()
            yield key >> 3, message[at : at + length]
            at += length


def _glyphs(file: Path) -> dict[int, dict[int, int | bytes]]:
    ((_, stack),) = _fields(file.read_bytes())
    assert isinstance(stack, bytes)
    found = [dict(_fields(part)) for key, part in _fields(stack) if key == 3 and isinstance(part, bytes)]
    return {int(glyph[1]): glyph for glyph in found}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("glyphs") / "glyphs"
    write_glyphs(made, "中環香港𠮷")
    return made


@pytest.mark.parametrize("stack", STACKS)
def test_every_range_exists(folder: Path, stack: str) -> None:
    wanted = {f"{first}-{first + 255}.pbf" for first in range(0, 65536, 256)}
    assert {file.name for file in (folder / stack).iterdir()} == wanted
    assert 0 < (folder / stack / "1024-1279.pbf").stat().st_size < 40


def test_latin_is_always_there(folder: Path) -> None:
    assert {ord("A"), ord("é"), ord(" ")} <= set(_glyphs(folder / "Sans Regular" / "0-255.pbf"))


def test_a_glyph_is_a_distance_field(folder: Path) -> None:
    block = ord("中") >> 8 << 8
    glyph = _glyphs(folder / "Sans Bold" / f"{block}-{block + 255}.pbf")[ord("中")]
    field, width, height = glyph[2], int(glyph[3]), int(glyph[4])
    assert isinstance(field, bytes)
    assert len(field) == (width + 6) * (height + 6)
    assert 15 <= width <= 24
    assert 18 <= height <= 26
    assert glyph[7] == 24
    # Ink lies above 192, the border well below, and the middle stroke of the character is ink.
    assert max(field) > 200
    assert max(field[: width + 6]) < 192
    middle = field[(height // 2 + 3) * (width + 6) + (width + 6) // 2]
    assert middle > 192


def test_characters_beyond_the_first_plane_are_left_out(folder: Path) -> None:
    # MapLibre asks for glyphs by ranges of the first 65,536 code points only.
    assert len(list((folder / "Sans Regular").iterdir())) == 256
