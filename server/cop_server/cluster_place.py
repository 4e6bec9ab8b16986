"""Where the private cluster lives and which system user owns it: folders, port and passwords."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cop.errors import SetupTrouble

CLUSTER_USER = "postgres"
MEGABYTE = 1024 * 1024
LEAST_FREE_MB = 400
# Below the range from which Linux takes outgoing ports, so that no passing connection sits on ours.
PORTS = range(25432, 26432)


@dataclass(frozen=True)
class Place:
    """The folder of one private cluster and the system user that owns it."""

    folder: Path
    uid: int
    gid: int

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Folder of the server's logs, one file a weekday."""
        return self.folder / "log"

    @property
    def socket(self) -> Path:
        """Folder of the unix socket."""
        return self.folder / "socket"

    @property
    def keys_file(self) -> Path:
        """Port and passwords, mode 0600."""
        return self.folder / "cluster.json"

    @property
    def asked_file(self) -> Path:
        """PostgreSQL settings that commands of ours asked for, beside those that fit the machine."""
        return self.folder / "asked.json"

    @property
    def made(self) -> bool:
        """Whether initdb has finished here."""
        return (self.data / "PG_VERSION").is_file()

    @property
    def name(self) -> str:
        """Shown in the titles of the server's processes; tells this cluster's from all others."""
        return f"cop-{path_hash(self.data)}"


@dataclass(frozen=True)
class Keys:
    """What is remembered of a cluster between two starts."""

    port: int
    admin_password: str
    owner_password: str
    app_password: str


def path_hash(path: Path) -> str:
    """Twelve hexadecimal digits that stand for an absolute path."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def find_place(folder: Path) -> Place | None:
    """The place of the cluster wanted in `folder`, wherever it was made; None before the first time."""
    for candidate in (folder, _outside(folder)):
        try:
            owner = candidate.stat()
            known = (candidate / "cluster.json").is_file()
        except FileNotFoundError:
            continue
        except PermissionError as exc:
            raise _not_ours(candidate) from exc
        if known:
            return Place(candidate.resolve(), owner.st_uid, owner.st_gid)
    return None


def make_place(folder: Path) -> Place:
    """Make the cluster's folder: `folder` where the cluster's user can work there, else outside the clone."""
    uid, gid = _cluster_user()
    for candidate in (folder, _outside(folder)):
        place = Place(candidate.resolve(), uid, gid)
        if _settle(place):
            return place
    raise SetupTrouble(
        f"Neither {folder} nor {_outside(folder)} can hold a PostgreSQL cluster: user {uid} must be able "
        "to enter the folder and own files in it. Point COP_VAR to a folder on an ordinary Linux file system."
    )


def _cluster_user() -> tuple[int, int]:
    """User and group id that run the server: ourselves, or `postgres` where we are root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    try:
        user = pwd.getpwnam(CLUSTER_USER)
    except KeyError as exc:
        raise SetupTrouble(
            "There is no system user 'postgres', and PostgreSQL does not run as root. "
            "Install it with: apt-get install postgresql-postgis"
        ) from exc
    return user.pw_uid, user.pw_gid


def _outside(folder: Path) -> Path:
    """Where the cluster goes when its user cannot enter the clone."""
    base = Path("/var/lib/cop") if os.geteuid() == 0 else Path.home() / ".local" / "state" / "cop"
    return base / path_hash(folder)


def _settle(place: Place) -> bool:
    """Make the folder and give it to the cluster's user; False where that user cannot work in it."""
    created = not place.folder.exists()
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        os.chown(place.folder, place.uid, place.gid)
        place.folder.chmod(0o700)
    except PermissionError:
        return False
    if _owned(place) and run_as(place, ["test", "-w", str(place.folder)], cwd=Path("/")).returncode == 0:
        return True
    if created:
        place.folder.rmdir()
    return False


def _owned(place: Place) -> bool:
    # Shared folders of virtual machines take chown and chmod without an error and without an effect.
    seen = place.folder.stat()
    return seen.st_uid == place.uid and seen.st_mode & 0o777 == 0o700


def run_as(
    place: Place, command: list[str], *, cwd: Path | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run a program as the cluster's user with an empty environment; output is caught as text."""
    other_user = os.geteuid() == 0
    return subprocess.run(
        command,
        cwd=cwd or place.folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        user=place.uid if other_user else None,
        group=place.gid if other_user else None,
        extra_groups=[] if other_user else None,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def read_keys(place: Place) -> Keys:
    """The remembered port and passwords of a cluster.

    Raises SetupTrouble where the file is missing, unreadable or not ours to read.
    """
    try:
        return Keys(**json.loads(place.keys_file.read_text()))
    except PermissionError as exc:
        raise _not_ours(place.folder) from exc
    except (OSError, ValueError, TypeError) as exc:
        raise SetupTrouble(
            f"{place.keys_file} holds the port and passwords of the cluster beside it and cannot be read "
            f"({exc}). Put back a copy of it, or move the whole folder away to begin anew."
        ) from exc


def new_keys(place: Place) -> Keys:
    """Choose passwords and a free port, and remember them."""
    keys = Keys(free_port(place), *(secrets.token_urlsafe(24) for _ in range(3)))
    write_keys(place, keys)
    return keys


def write_keys(place: Place, keys: Keys) -> None:
    """Write the keys at once or not at all, readable by the cluster's user alone."""
    write_private(place.keys_file, json.dumps(asdict(keys), indent=2) + "\n", (place.uid, place.gid))


def write_private(path: Path, text: str, owner: tuple[int, int]) -> None:
    """Write a 0600 file at once or not at all, given to `owner` (user id, group id)."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chown(fresh, *owner)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def move_port(place: Place, keys: Keys) -> Keys:
    """Take another port, because somebody else listens on the remembered one."""
    moved = replace(keys, port=free_port(place, avoid=keys.port))
    write_keys(place, moved)
    return moved


def free_port(place: Place, avoid: int | None = None) -> int:
    """A loopback port that nobody listens on; the search starts where this folder's hash says."""
    start = int(path_hash(place.folder), 16) % len(PORTS)
    for step in range(len(PORTS)):
        port = PORTS[(start + step) % len(PORTS)]
        if port != avoid and port_is_free(port):
            return port
    raise SetupTrouble(f"All ports from {PORTS.start} to {PORTS.stop - 1} on 127.0.0.1 are taken; stop something.")


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def need_space(folder: Path, megabytes: int = LEAST_FREE_MB) -> None:
    """Refuse to begin what a nearly full disk would not let us finish."""
    free = shutil.disk_usage(folder).free // MEGABYTE
    if free < megabytes:
        raise SetupTrouble(
            f"The disk of {folder} has {free} MB free, a new store needs {megabytes} MB. "
            "Free some space, or point COP_VAR to a folder on another disk."
        )


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let two commands in the same clone start, stop or remove the cluster one after the other."""
    lock = folder.parent / f"{folder.name}.lock"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as exc:
        raise SetupTrouble(
            f"Cannot write in {folder.parent}: {exc.strerror}. Point COP_VAR to a folder that you may write to."
        ) from exc
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _not_ours(folder: Path) -> SetupTrouble:
    return SetupTrouble(
        f"{folder} belongs to another system user: COP was started here as that user or as root before. "
        "Start it as the same user again, or point COP_VAR to a folder of your own."
    )
