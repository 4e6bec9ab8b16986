"""The pygeoapi plug-ins: the engine that every road to the data goes through."""
