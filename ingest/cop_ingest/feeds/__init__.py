"""Feeds: what the departments publish in real time, fetched, kept, read and loaded by one road."""
