"""Styles from the catalogue: MapLibre layers, whole styles, legends, sprites; the themes are light, dark and print."""
