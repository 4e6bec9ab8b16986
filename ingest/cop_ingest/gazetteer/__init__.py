"""The gazetteer: positions for what comes with names only, out of our own layers."""
