"""The command `cop`: what each part brings, and that a small command does not load the large ones."""

from __future__ import annotations

import subprocess
import sys

import typer
from typer.main import get_group
from typer.testing import CliRunner

from cop_server.cli import _PARTS, app


def test_every_part_brings_the_commands_that_it_is_asked_for() -> None:
    for part in set(_PARTS.values()):
        brought = typer.Typer()
        part(brought)
        assert set(get_group(brought).commands) == {name for name, one in _PARTS.items() if one is part}


def test_the_help_shows_all_and_a_slip_is_offered_what_is_like_it() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    for name in (*_PARTS, "run", "status", "backup", "key", "layers"):
        assert f"│ {name} " in told
    slip = CliRunner().invoke(app, ["verifi"])
    assert slip.exit_code == 2
    assert "'verify'" in slip.output


def test_a_small_command_loads_no_large_one() -> None:
    ask = (
        "import sys; from typer.testing import CliRunner; from cop_server.cli import app\n"
        "assert CliRunner().invoke(app, ['stop', '--help']).exit_code == 0\n"
        "import cop_server.lifecycle\n"
        "print(*{'cop_ingest', 'pygeoapi', 'numpy', 'shapely', 'uvicorn', 'mapproxy'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, timeout=120)
    assert told.stdout.strip() == ""
