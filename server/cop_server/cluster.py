"""The private PostgreSQL cluster with PostGIS: one call makes it, starts it and checks it.

It belongs to one clone: its own folder, port, passwords and unix socket, on loopback only, never as root:
where we are root it runs as the user `postgres`. It survives a reboot, a killed process, a broken-off start.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psycopg

from cop.errors import SetupTrouble
from cop_server import cluster_process as process
from cop_server.cluster_databases import (
    APP,
    DATABASE,
    OWNER,
    Cluster,
    create_database,
    drop_database,
    dsn,
    prepare,
)
from cop_server.cluster_place import Keys, Place, find_place, make_place, new_keys, one_at_a_time, read_keys
from cop_server.cluster_tuning import socket_folder

__all__ = [
    "Cluster",
    "ClusterStatus",
    "cluster_status",
    "create_database",
    "drop_database",
    "ensure_cluster",
    "remove_cluster",
    "stop_cluster",
]


@dataclass(frozen=True)
class ClusterStatus:
    """What can be said of a cluster without touching it; `folder` is where it really is."""

    folder: Path
    made: bool
    pid: int | None
    port: int | None
    version: int | None

    @property
    def running(self) -> bool:
        """Whether its server process lives."""
        return self.pid is not None


def ensure_cluster(folder: Path, *, durable: bool = True) -> Cluster:
    """Make the cluster of `folder` where it is missing, start it where it is down, and return its addresses.

    The folder that it really lies in is `Cluster.folder`: outside the clone where its user cannot enter that.
    `durable=False` (tests) gives up fsync; it takes effect at a start. The database `cop` has the extensions
    and the roles `cop_owner` and `cop_app`. Raises SetupTrouble with what to do.
    """
    with one_at_a_time(folder):
        place = find_place(folder) or make_place(folder)
        keys = _keys(place)
        if not place.made:
            process.init_files(place, keys, durable=durable)
        if not process.is_up(place, keys):
            keys = process.start(place, keys, durable=durable)
        return _furnished(place, keys)


def _keys(place: Place) -> Keys:
    if place.keys_file.exists() or place.made:
        return read_keys(place)
    return new_keys(place)


def _furnished(place: Place, keys: Keys) -> Cluster:
    cluster = _cluster(place, keys)
    try:
        prepare(cluster, keys.owner_password, keys.app_password)
    except psycopg.Error as exc:
        raise SetupTrouble(
            f"PostgreSQL in {place.folder} runs but cannot be used: {exc}\nIts log: {place.log}"
        ) from exc
    return cluster


def _cluster(place: Place, keys: Keys) -> Cluster:
    host = str(socket_folder(place, keys.port) or "127.0.0.1")
    return Cluster(
        owner_dsn=dsn(OWNER, keys.owner_password, host, keys.port, DATABASE),
        app_dsn=dsn(APP, keys.app_password, host, keys.port, DATABASE),
        admin_dsn=dsn(process.ADMIN, keys.admin_password, host, keys.port, DATABASE),
        port=keys.port,
        folder=place.folder,
        version=str(process.data_version(place)),
    )


def stop_cluster(folder: Path) -> bool:
    """Stop the cluster of `folder` and break off its connections; False where none ran."""
    with one_at_a_time(folder):
        place = find_place(folder)
        return place is not None and process.stop(place)


def cluster_status(folder: Path) -> ClusterStatus:
    """Where the cluster of `folder` lies, whether it was made, whether it runs."""
    place = find_place(folder)
    if place is None or not place.made:
        return ClusterStatus(folder=place.folder if place else folder, made=False, pid=None, port=None, version=None)
    pid = process.running_pid(place)
    return ClusterStatus(place.folder, True, pid, read_keys(place).port, process.data_version(place))


def remove_cluster(folder: Path) -> None:
    """Stop the cluster of `folder` and delete it with all records; whether it may go is for the caller."""
    with one_at_a_time(folder):
        place = find_place(folder)
        if place is None:
            return
        process.stop(place)
        shutil.rmtree(place.folder)
