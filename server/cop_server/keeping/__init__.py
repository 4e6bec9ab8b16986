"""Keeping the store: backups, the archive of its log, restoring, upgrading."""
