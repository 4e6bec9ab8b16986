"""The commands that keep the store: backup, restore, upgrade."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cop.errors import SetupTrouble
from cop.settings import get_settings


def add_to(app: typer.Typer) -> None:
    """Add the commands to `cop`."""
    app.command()(backup)
    app.command()(restore)
    app.command()(upgrade)


def backup(
    to: Annotated[
        Path | None, typer.Option(help="Folder of backups, best on another disk; none: backups in COP_VAR.")
    ] = None,
    keep: Annotated[int | None, typer.Option(help="Delete all but so many of the newest.", min=1)] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only show the backups in the folder.")] = False,
) -> None:
    """Take a backup, and have every later change archived beside it. The server may run meanwhile."""
    from cop_server.keeping import backup as backups

    settings = get_settings()
    if not list_:
        backups.back_up(settings, to, keep)
        return
    for line in backups.listed(to or settings.var / "backups"):
        typer.echo(line)


def restore(
    from_: Annotated[Path, typer.Option("--from", help="Folder of backups, or one backup in it.")],
    to_time: Annotated[str | None, typer.Option(help="Up to this time: 2025-09-24T03:00:00+08:00.")] = None,
    to_sequence: Annotated[int | None, typer.Option(help="Up to this sequence number.", min=0)] = None,
    actual: Annotated[int | None, typer.Option(help="How many Actual records you know will be replaced.")] = None,
) -> None:
    """Bring the store back from a backup; what is here now is set aside. The server must not run."""
    from cop_server.keeping import restore as restoring

    if not from_.is_dir():
        raise SetupTrouble(f"--from: {from_} is no folder; name the folder that `cop backup --to` wrote into")
    restoring.restore(get_settings(), from_, restoring.read_wanted(to_time, to_sequence), actual)


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Only say what would happen.")] = False,
    post: Annotated[
        bool, typer.Option("--post", help="The second half, when no server of the old version runs.")
    ] = False,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Take no backup before.")] = False,
    to: Annotated[Path | None, typer.Option(help="Folder of backups; none: backups in COP_VAR.")] = None,
) -> None:
    """Bring the store to this version: backup, migrations, layers. The old version may serve meanwhile."""
    from cop_server.keeping import upgrade as upgrading

    if check:
        upgrading.check(get_settings())
    elif post:
        upgrading.finish(get_settings())
    else:
        upgrading.upgrade(get_settings(), None if no_backup else upgrading.Backup(to))
