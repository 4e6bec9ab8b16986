"""The JSON documents of the OGC APIs, made from the catalogue."""
