"""The embedded basemap: our own layers, repaired and cut into tiles, with hill shade and glyphs beside them."""
