"""The command `cop` on a store that nobody has migrated yet: a sentence with the remedy, and no traceback."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cop.settings import get_settings
from cop_server.cli import main
from cop_server.cluster import Cluster, create_database, drop_database

REMEDY = "`cop migrate` and then `cop layers apply` bring it up to date; `make run` does both."
Cop = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def empty(cluster: Cluster) -> Iterator[Cluster]:
    """A database that is there, and has nothing in it."""
    name = f"t_unmigrated_{os.getpid()}_{time.monotonic_ns()}"
    yield create_database(cluster, name)
    drop_database(cluster, name)


@pytest.fixture
def cop(
    empty: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Cop]:  # fmt: skip
    """Run a command on it: the exit code, and what a person reads."""
    for name, value in (
        ("COP_DATABASE_URL", empty.owner_dsn), ("COP_APP_DATABASE_URL", empty.app_dsn), ("COP_DATA", "none"),
        ("COP_VAR", str(tmp_path)),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()

    def run(words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["cop", *words.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    yield run
    get_settings.cache_clear()


@pytest.mark.parametrize(
    "words",
    [
        "ingest reference", "ingest reference --published --yes districts", "exercise build",
        "exercise play --to 2025-09-24T09:00", "key create desk --role press", "key list", "key revoke x",
    ],
)  # fmt: skip
def test_a_command_before_the_migrations_says_what_to_do(cop: Cop, words: str) -> None:
    code, told = cop(words)
    assert code == 1
    assert REMEDY in told
    assert "Traceback" not in told
    assert "LINE 1" not in told


def test_layers_before_the_migrations(cop: Cop) -> None:
    code, told = cop("layers apply")
    assert (code, "the store lacks the migrations; `cop migrate` applies them" in told) == (1, True)


def test_a_basemap_before_the_layers_fails_in_one_line(cop: Cop) -> None:
    code, told = cop("basemap")
    assert (code, "the basemap could not be built" in told, "LINE 1" in told) == (1, True, False)


def test_tiles_ahead_before_the_basemap(cop: Cop) -> None:
    code, told = cop("seed")
    assert (code, "there is no basemap yet; `make run` or `cop basemap` builds it" in told) == (1, True)


def test_after_the_remedy_the_command_works(cop: Cop) -> None:
    for words in ("migrate", "layers apply"):
        code, told = cop(words)
        assert code == 0, told
    assert cop("key list") == (0, "")
    code, told = cop("ingest reference --published --yes no_such_layer")
    assert (code, "no layer with a published original is called so" in told) == (1, True)
