"""Ingest: files and feeds parsed into records, and records loaded into the store."""
