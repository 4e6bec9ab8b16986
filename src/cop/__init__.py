"""Shared ground of COP: settings, catalogue, store, and the one way from a question to bytes."""
