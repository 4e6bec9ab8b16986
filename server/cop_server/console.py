"""What a person at the terminal sees: steps with their time, bars, and failures that say what to do."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import psycopg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from cop.errors import CopError
from cop.store.migrate import LACKING, remedy

# Progress goes beside the answers of commands, so that these can be piped.
console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """One line of progress."""
    console.print(Text.assemble(("· ", "dim"), message))


def warn(message: str) -> None:
    """Something that is not as it should be, and does not stop the work."""
    console.print(Text.assemble(("! ", "bold yellow"), message))


def fail(message: str) -> NoReturn:
    """Say what was wrong and what to do, and end with exit code 1."""
    first, *rest = message.strip().splitlines() or ["It did not work."]
    console.print(Text.assemble(("✗ ", "bold red"), first))
    for line in rest:
        console.print(Text(f"  {line}"))
    raise SystemExit(1)


@contextmanager
def explaining() -> Iterator[None]:
    """Turn every trouble that we can name into a message and exit code 1; others keep their traceback."""
    try:
        yield
    except CopError as exc:
        fail(str(exc))
    except psycopg.errors.DiskFull:
        fail("The disk of the store is full. Free some space and start again; what was committed is there.")
    except LACKING as exc:
        fail(remedy(exc))
    except psycopg.OperationalError as exc:
        fail(
            f"The store does not answer: {' '.join(str(exc).split())}\n"
            "`make run` starts the private cluster again; its log lies in the folder log beside its data. "
            "With COP_DATABASE_URL, look at that server."
        )
    except OSError as exc:
        if (message := _about_files(exc)) is None:
            raise
        fail(message)
    except KeyboardInterrupt:
        console.print()
        raise SystemExit(130) from None


def _about_files(exc: OSError) -> str | None:
    where = exc.filename or "a file of this installation"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {where} could not be written. Free some space and start again."
    if exc.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"{where} may not be read or written ({exc.strerror}). Start as the user that it belongs to."
    return None


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show what is being done, with a spinner where there is a terminal, and how long it took."""
    began = time.monotonic()
    if not console.is_terminal:
        say(title)
        yield
        return
    with console.status(Text(title)):
        yield
    say(f"{title} ({time.monotonic() - began:.1f} s)")


def track[T](items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """Pass the items on and show a bar of how many are done; one line where there is no terminal."""
    if not console.is_terminal:
        say(title)
        yield from items
        return
    with _bar() as bar:
        yield from bar.track(items, total=total, description=title)


def _bar() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=False)
