"""PostgreSQL settings that fit the machine: memory, cores, and how much a lost minute matters."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cop_server.cluster_place import MEGABYTE, Place

# sun_path of a unix socket holds 108 bytes with the closing zero.
LONGEST_SOCKET_PATH = 107
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_SMALL_SHM_MB = 512


def socket_folder(place: Place, port: int) -> Path | None:
    """The unix socket's folder, or None where its path is too long for the kernel and loopback must do."""
    path = place.socket / f".s.PGSQL.{port}"
    return place.socket if len(os.fsencode(path)) < LONGEST_SOCKET_PATH else None


def memory_mb() -> int:
    """Memory that this machine, or the container around us, has; in megabytes."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_container_limits()]) // MEGABYTE


def _container_limits() -> list[int]:
    limits = []
    for file in _CGROUP_LIMITS:
        try:
            limits.append(int(file.read_text()))
        except (OSError, ValueError):
            continue  # no such cgroup version, or the word "max"
    return limits


def server_conf(place: Place, port: int, *, durable: bool) -> str:
    """The text of cop.conf, which postgresql.conf includes; written anew at each start."""
    values = _where(place, port) | _size() | _habits() | _asked(place) | ({} if durable else _FORGETFUL)
    lines = [f"{name} = {_quoted(value)}" for name, value in values.items()]
    return "\n".join(["# Written by COP at each start; own settings: ALTER SYSTEM, which wins over these.", *lines, ""])


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _asked(place: Place) -> dict[str, str]:
    """Settings that commands asked for: `cop backup` where the log goes, `cop restore` up to where it is read."""
    try:
        asked: dict[str, str] = json.loads(place.asked_file.read_text())
    except FileNotFoundError:
        return {}
    return asked


def _where(place: Place, port: int) -> dict[str, str]:
    socket = socket_folder(place, port)
    return {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        # In double quotes, since a comma in a path would read as two folders.
        "unix_socket_directories": f'"{socket}"' if socket else "",
        "unix_socket_permissions": "0700",
        "cluster_name": place.name,
    }


def _size() -> dict[str, str]:
    memory = memory_mb()
    cores = len(os.sched_getaffinity(0))
    return {
        "shared_buffers": f"{_between(128, memory // 8, 4096)}MB",
        "effective_cache_size": f"{_between(256, memory // 2, 65536)}MB",
        "work_mem": f"{_between(8, memory // 256, 64)}MB",
        "maintenance_work_mem": f"{_between(64, memory // 32, 512)}MB",
        "max_worker_processes": str(max(8, cores)),
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(_between(0, cores // 2, 4)),
        "dynamic_shared_memory_type": "mmap" if _shm_mb() < _SMALL_SHM_MB else "posix",
    }


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def _shm_mb() -> int:
    # Containers often get 64 MB of /dev/shm, too little for a parallel hash join.
    try:
        shm = os.statvfs("/dev/shm")  # noqa: S108 - asked for its size only
    except OSError:
        return 0
    return shm.f_frsize * shm.f_blocks // MEGABYTE


def _habits() -> dict[str, str]:
    return {
        "jit": "off",  # our statements run for milliseconds; compiling them takes longer
        "random_page_cost": "1.1",
        "effective_io_concurrency": "100",
        "max_connections": "120",
        "max_locks_per_transaction": "256",  # series have a partition a day
        "max_wal_size": "2GB",
        "wal_compression": "on",
        # On from the first start, so that `cop backup` can begin to archive without a restart.
        "archive_mode": "on",
        "archive_command": "true",
        "password_encryption": "scram-sha-256",
        "idle_in_transaction_session_timeout": "10min",
        "TimeZone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "../log",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_min_duration_statement": "2s",
        "log_parameter_max_length": "0",  # values may be personal; the statement alone tells what was slow
        "log_parameter_max_length_on_error": "0",
    }


# For tests: a power cut may take the whole cluster with it, and nobody minds.
_FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "archive_mode": "off",
    "shared_buffers": "128MB",
    "log_min_duration_statement": "-1",
}
