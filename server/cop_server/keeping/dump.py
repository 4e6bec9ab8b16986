"""A server that somebody else runs: its database as a dump, and back into an empty one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cop.errors import SetupTrouble

_DEBIAN_BINARIES = Path("/usr/lib/postgresql")
_NAMES = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
          "dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}  # fmt: skip


def _program(name: str, server: int) -> str:
    """A program of PostgreSQL that is as new as the server."""
    found = {int(path.parent.parent.name): path for path in _DEBIAN_BINARIES.glob(f"[0-9]*/bin/{name}")}
    if usable := [version for version in found if version >= server]:
        return str(found[min(usable)])
    if (other := shutil.which(name)) and not found:
        return other
    raise SetupTrouble(
        f"{name} of PostgreSQL {server} is needed for this server. "
        f"Install it with: apt-get install postgresql-client-{server}"
    )


def _server_version(dsn: str) -> int:
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        return connection.info.server_version // 10000


def _environment(dsn: str) -> dict[str, str]:
    """The address for libpq, so that no password stands in a list of processes."""
    parts = conninfo_to_dict(dsn)
    told = {variable: str(parts[name]) for name, variable in _NAMES.items() if parts.get(name)}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **told}


def dump_database(owner_dsn: str, file: Path) -> int:
    """Write the database into a file, as of one moment; the server's major version."""
    server = _server_version(owner_dsn)
    command = [
        _program("pg_dump", server), "--format=custom", "--no-owner", "--no-password", f"--file={file}",
        "--exclude-table-data=*.spatial_ref_sys",  # PostGIS's own; it comes with the extension
    ]  # fmt: skip
    _run(command, owner_dsn, "the database could not be dumped")
    return server


def load_dump(owner_dsn: str, file: Path) -> None:
    """Bring a dump into a database that is empty but for the extensions, all of it or nothing."""
    command = [
        _program("pg_restore", _server_version(owner_dsn)), "--no-owner", "--no-comments", "--no-password",
        "--single-transaction", f"--dbname={conninfo_to_dict(owner_dsn)['dbname']}", str(file),
    ]  # fmt: skip
    _run(command, owner_dsn, "the dump could not be restored, and the database is as it was")


def _run(command: list[str], dsn: str, what: str) -> None:
    done = subprocess.run(
        command, env=_environment(dsn), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        umask=0o077,
    )  # fmt: skip
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
        raise SetupTrouble(f"{what}:\n  " + "\n  ".join(said[-3:]))
