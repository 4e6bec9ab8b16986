"""`cop upgrade`: a store comes to this version in two halves; the version before may serve through the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cop.catalogue import catalogue
from cop.errors import SetupTrouble
from cop.settings import Settings
from cop.store.migrate import (
    MIGRATIONS,
    Pending,
    alone,
    apply,
    apply_layers,
    changed_layers,
    has_store,
    pending,
    servers,
)
from cop_server.cluster_existing import find_store
from cop_server.console import say, step
from cop_server.keeping.backup import back_up


@dataclass(frozen=True)
class Backup:
    """A backup is wanted first, in this folder or the usual one."""

    to: Path | None = None


def check(settings: Settings, folder: Path = MIGRATIONS) -> None:
    """Say what `upgrade` would do; nothing is changed."""
    owner_dsn = find_store(settings).owner_dsn
    wanted = pending(owner_dsn, folder)
    layers = changed_layers(owner_dsn, catalogue())
    if not (wanted.pre or wanted.post or layers):
        say("the store is of this version; nothing would happen")
        return
    if has_store(owner_dsn):
        say("first a backup would be taken, unless --no-backup")
    say(f"while the old version serves: {_listed(wanted.pre)}")
    say(f"layers: {_counted(layers)}")
    say(f"after the old version has ended (--post): {_listed(wanted.post)}")


def upgrade(settings: Settings, backup: Backup | None, folder: Path = MIGRATIONS) -> None:
    """The first half; and the second one too, where no server uses the store.

    Raises SetupTrouble that says what stands and what to do; the records are as they were.
    """
    owner_dsn = find_store(settings).owner_dsn
    with alone(owner_dsn, wait=False):
        wanted = pending(owner_dsn, folder)
        layers = changed_layers(owner_dsn, catalogue())
        if not (wanted.pre or layers):
            _second_half(owner_dsn, wanted, folder)
            return
        kept = back_up(settings, backup.to, None) if backup and has_store(owner_dsn) else None
        try:
            applied = apply(owner_dsn, wanted.pre, folder)
            with step("applying layers"):
                outcome = apply_layers(owner_dsn, catalogue())
        except SetupTrouble as exc:
            raise SetupTrouble(f"{exc}\n{_after_failure(kept)}") from exc
        say(f"migrations: {_listed(applied)}")
        say(f"layers: {_counted({id_: what for id_, what in outcome.items() if what != 'unchanged'})}")
        _second_half(owner_dsn, wanted, folder)


def finish(settings: Settings, folder: Path = MIGRATIONS) -> None:
    """The second half: what only the old version needed goes."""
    owner_dsn = find_store(settings).owner_dsn
    with alone(owner_dsn, wait=False):
        wanted = pending(owner_dsn, folder)
        if wanted.pre:
            raise SetupTrouble(f"the first half has not run yet: {_listed(wanted.pre)}; type `cop upgrade` first")
        say(f"migrations: {_listed(apply(owner_dsn, wanted.post, folder))}")


def _second_half(owner_dsn: str, wanted: Pending, folder: Path) -> None:
    if not wanted.post:
        say("the store is of this version")
    elif (connections := servers(owner_dsn)) > 0:
        say(f"servers are using the store ({connections} connections). Start them all anew with this version, then "
            f"type `cop upgrade --post` for: {_listed(wanted.post)}")  # fmt: skip
    else:
        say(f"no server uses the store, so the second half ran too: {_listed(apply(owner_dsn, wanted.post, folder))}")


def _after_failure(kept: Path | None) -> str:
    backup = f" The backup of before: {kept}." if kept else ""
    return (
        "The records are as they were, and the version that served before goes on serving: the migrations that stand "
        f"only added.{backup} Mend the cause and type `cop upgrade` again, which goes on where it stopped."
    )


def _listed(ids: tuple[str, ...] | list[str]) -> str:
    return ", ".join(ids) or "none"


def _counted(layers: Mapping[str, str]) -> str:
    """`3 made, 1 changed: incidents`: few by their names, many by their number."""
    most = 8
    parts = []
    for what, count in Counter(layers.values()).items():
        names = [id_ for id_, found in layers.items() if found == what]
        parts.append(f"{what} {', '.join(names)}" if count <= most else f"{what} {count}")
    return "; ".join(parts) or "as they are"
