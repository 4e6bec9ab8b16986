"""Writes: a body checked against its layer and its writer, then one transaction."""
