"""Tiles: vector tiles, tile matrix sets, styles, glyphs, and the embedded basemap."""
