"""The server process of the private cluster: make its files, start it, stop it, see whether it runs."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from cop.errors import SetupTrouble
from cop_server.cluster_place import (
    MEGABYTE,
    Keys,
    Place,
    move_port,
    need_space,
    port_is_free,
    run_as,
    write_private,
)
from cop_server.cluster_tuning import server_conf, socket_folder

LEAST_VERSION = 15
ADMIN = "postgres"
_DEBIAN_BINARIES = Path("/usr/lib/postgresql")
_DEBIAN_SHARE = Path("/usr/share/postgresql")
# Recovery after a power cut may take minutes; pg_ctl returns as soon as it is over.
_START_SECONDS = 300
_STOP_SECONDS = 60
_ORPHAN_SECONDS = 15
_MOST_PORT_MOVES = 5


def newest_version() -> int:
    """The newest installed PostgreSQL that has PostGIS.

    Raises SetupTrouble with the package to install where there is none from 15 on.
    """
    versions = [int(path.parent.parent.name) for path in _DEBIAN_BINARIES.glob("[0-9]*/bin/initdb")]
    usable = [v for v in versions if v >= LEAST_VERSION and _postgis_control(v).is_file()]
    if usable:
        return max(usable)
    if not any(version >= LEAST_VERSION for version in versions):
        found = ", ".join(map(str, sorted(versions))) or "none"
        raise SetupTrouble(
            f"PostgreSQL {LEAST_VERSION} or newer is needed; installed: {found}. "
            "Install it with: apt-get install postgresql-postgis"
        )
    best = max(versions)
    raise SetupTrouble(
        f"PostgreSQL {best} is here, PostGIS for it is not. "
        f"Install it with: apt-get install postgresql-{best}-postgis-3"
    )


def _postgis_control(version: int) -> Path:
    return _DEBIAN_SHARE / str(version) / "extension" / "postgis.control"


def data_version(place: Place) -> int:
    """Major version of the PostgreSQL that made this cluster's files."""
    return int((place.data / "PG_VERSION").read_text())


def program(version: int, name: str) -> str:
    """The path of one of PostgreSQL's programs. Raises SetupTrouble where that version is not installed any more."""
    path = _DEBIAN_BINARIES / str(version) / "bin" / name
    if not path.is_file() or not _postgis_control(version).is_file():
        raise SetupTrouble(
            f"The store was made by PostgreSQL {version} with PostGIS, which is not installed any more. "
            f"Install it with: apt-get install postgresql-{version}-postgis-3"
        )
    return str(path)


def init_files(place: Place, keys: Keys, *, durable: bool) -> None:
    """Make the cluster's files under another name and rename them when they are whole."""
    version = newest_version()
    need_space(place.folder)
    _sweep(place)
    making = place.folder / f"making-{secrets.token_hex(4)}"
    password_file = place.folder / f"making-{secrets.token_hex(4)}.pw"
    write_private(password_file, keys.admin_password, (place.uid, place.gid))
    try:
        done = run_as(place, _initdb(version, making, password_file, durable=durable))
        if done.returncode != 0:
            raise _explained("PostgreSQL's files could not be made", done.stdout + done.stderr, place)
        with (making / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'cop.conf'\n")
        making.rename(place.data)
    finally:
        password_file.unlink(missing_ok=True)
        _sweep(place)


def _initdb(version: int, folder: Path, password_file: Path, *, durable: bool) -> list[str]:
    return [
        program(version, "initdb"),
        f"--pgdata={folder}",
        f"--username={ADMIN}",
        f"--pwfile={password_file}",
        "--auth-local=scram-sha-256",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        # Bytes give the order: the same on every machine, and no index breaks when libc's collations change.
        "--locale=C.UTF-8",
        "--lc-collate=C",
        "--data-checksums",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]


def _sweep(place: Place) -> None:
    """Take away what an interrupted initdb left."""
    for path in place.folder.glob("making-*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def running_pid(place: Place) -> int | None:
    """Process id of this cluster's server, None where it does not run.

    The pid file alone does not tell: after a reboot its number may belong to any other program.
    """
    try:
        pid = int((place.data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if str(place.data) in _command_line(pid) else None


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def is_up(place: Place, keys: Keys, seconds: int = _START_SECONDS) -> bool:
    """Whether the server runs and takes connections; waits for one that is starting, stopping or dying."""
    ready = program(data_version(place), "pg_isready")
    host = socket_folder(place, keys.port) or "127.0.0.1"
    deadline = time.monotonic() + seconds
    while running_pid(place) is not None:
        if run_as(place, [ready, "-q", f"--host={host}", f"--port={keys.port}"]).returncode == 0:
            return True
        if time.monotonic() > deadline:
            raise SetupTrouble(
                f"PostgreSQL runs as process {running_pid(place)} and has taken no connection for "
                f"{seconds} s. Its log tells why: {place.log}"
            )
        time.sleep(0.1)
    return False


def recover(place: Place, keys: Keys, seconds: int) -> Keys:
    """Start a server that first reads an archived log, and wait for the end of that; the keys as from `start`."""
    keys = start(place, keys, durable=True)
    if not is_up(place, keys, seconds):
        raise _explained("the log could not be read", _log_tail(place), place)
    return keys


def start(place: Place, keys: Keys, *, durable: bool) -> Keys:
    """Start the server; returns the keys, with another port where the remembered one was taken."""
    version = data_version(place)
    _wait_for_orphans(place)
    _clear_stale_locks(place)
    for _ in range(_MOST_PORT_MOVES):
        if not port_is_free(keys.port):
            keys = move_port(place, keys)
        done = _start_once(place, keys, version, durable=durable)
        if done.returncode == 0:
            return keys
        if port_is_free(keys.port):
            break  # the port was not the reason
    raise _explained("PostgreSQL did not start", _log_tail(place) + done.stderr, place)


def _start_once(place: Place, keys: Keys, version: int, *, durable: bool) -> subprocess.CompletedProcess[str]:
    _write_conf(place, keys, durable=durable)
    folders = [place.log, socket_folder(place, keys.port)]
    run_as(place, ["mkdir", "-p", *(str(folder) for folder in folders if folder)])
    started = place.log / "start.log"
    started.unlink(missing_ok=True)
    options = ["-s", "-w", f"--timeout={_START_SECONDS}", f"--log={started}", f"--pgdata={place.data}"]
    return run_as(place, [program(version, "pg_ctl"), "start", *options])


def _write_conf(place: Place, keys: Keys, *, durable: bool) -> None:
    write_private(place.data / "cop.conf", server_conf(place, keys.port, durable=durable), (place.uid, place.gid))


def reload(place: Place, keys: Keys) -> None:
    """Have a running server read what was asked for since it started."""
    _write_conf(place, keys, durable=True)
    done = run_as(place, [program(data_version(place), "pg_ctl"), "reload", "-s", f"--pgdata={place.data}"])
    if done.returncode != 0:
        raise _explained("PostgreSQL did not take its new settings", done.stdout + done.stderr, place)


def _wait_for_orphans(place: Place) -> None:
    """Wait until a killed server's helpers have noticed its death; two servers on one store would ruin it."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while orphans := _own_processes(place):
        if time.monotonic() > deadline:
            listed = " ".join(map(str, orphans))
            raise SetupTrouble(
                f"Processes of a killed PostgreSQL still work in {place.data}: {listed}. "
                "Wait until they end, or end them with: kill " + listed
            )
        time.sleep(0.05)


def _own_processes(place: Place) -> list[int]:
    """Process ids of this cluster's helpers, known by the cluster's name in their titles."""
    title = f"postgres: {place.name}: "
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [pid for pid in pids if _command_line(pid)[:1] and _command_line(pid)[0].startswith(title)]


def _clear_stale_locks(place: Place) -> None:
    # We hold the lock and know that no process of this cluster lives. PostgreSQL clears up after a dead one
    # by itself, but refuses where the old number now belongs to another program of the same user: the
    # rule after the restart of a container.
    pid_file = place.data / "postmaster.pid"
    if pid_file.exists() and _command_line(int(pid_file.read_text().split("\n", 1)[0] or 0)):
        pid_file.unlink()
    for path in place.socket.glob(".s.PGSQL.*"):
        path.unlink()


def stop(place: Place) -> bool:
    """Stop the server, breaking off its connections; False where it did not run."""
    if running_pid(place) is None:
        return False
    pg_ctl = program(data_version(place), "pg_ctl")
    options = ["-s", "-w", "--mode=fast", f"--timeout={_STOP_SECONDS}", f"--pgdata={place.data}"]
    done = run_as(place, [pg_ctl, "stop", *options])
    if done.returncode != 0 and running_pid(place) is not None:
        raise _explained("PostgreSQL did not stop", _log_tail(place) + done.stderr, place)
    return True


def _log_tail(place: Place, lines: int = 30) -> str:
    """The last lines of the newest logs; the reason of a failed start stands in one of two files."""
    logs = sorted(place.log.glob("*.log"), key=lambda path: path.stat().st_mtime)[-2:]
    return "".join("\n".join(log.read_text(errors="replace").splitlines()[-lines:]) + "\n" for log in logs)


def _explained(what: str, output: str, place: Place) -> SetupTrouble:
    """The sentence for a failed initdb, start or stop: cause and remedy, or PostgreSQL's own words."""
    if "No space left on device" in output:
        free = shutil.disk_usage(place.folder).free // MEGABYTE
        return SetupTrouble(
            f"{what}: the disk of {place.folder} is full ({free} MB free). Free some space and start again; "
            "what was committed is still there."
        )
    said = re.findall(r"(?:PANIC|FATAL|initdb: error|pg_ctl: error|could not).*", output)
    reason = "\n  ".join(dict.fromkeys(line.strip() for line in said[-4:])) or "no reason was given"
    return SetupTrouble(f"{what}:\n  {reason}\nThe whole log: {place.log}")
