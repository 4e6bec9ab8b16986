"""`cop exercise`: make its territory, tell its story on, serve its feeds."""

from __future__ import annotations

from typing import Annotated

import typer

from cop.settings import get_settings
from cop_server import exercise, feed_commands, installation, simulate
from cop_server.cluster_existing import find_store

exercise_app = typer.Typer(no_args_is_help=True, help="The exercise: its territory, its story, its clock.")


@exercise_app.command()
def build(
    seed: Annotated[int | None, typer.Option(help="Seed of territory and story; none: COP_EXERCISE_SEED.")] = None,
) -> None:
    """Make the exercise territory where no real data are, and tell its story up to 03:00 of the typhoon day."""
    settings = get_settings()
    chosen = settings if seed is None else settings.model_copy(update={"exercise_seed": seed})
    installation.load(chosen, find_store(settings).owner_dsn)


@exercise_app.command()
def play(
    to: Annotated[str, typer.Option(help="Time of the story, 2025-09-24T09:00; Hong Kong time without an offset.")],
) -> None:
    """Tell the story on, and with it move the exercise's clock."""
    settings = get_settings()
    exercise.play(find_store(settings).owner_dsn, settings, to)


@exercise_app.command(name="run")
def run_day(
    port: Annotated[int, typer.Option(help="Port to listen on; 0: a free one.", min=0, max=65535)] = simulate.PORT,
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End with standard input.")] = False,
) -> None:
    """Serve the feeds of this store's exercise from the time on its clock on, and its returns (`cop run` does it)."""
    settings = get_settings()
    if beside:
        feed_commands.end_with_input_soon()
    exercise.run(find_store(settings).owner_dsn, settings, port)
