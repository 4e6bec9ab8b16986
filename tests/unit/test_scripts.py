"""The scripts behind `make`: what they say where a machine lacks something."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

CLONE = Path(__file__).parents[2]


@pytest.fixture
def clone() -> Iterator[Path]:
    """A clone with our scripts, no environment, and a folder `bin` that comes first on PATH."""
    folder = Path(tempfile.mkdtemp(prefix="cop-"))
    folder.chmod(0o755)
    shutil.copytree(CLONE / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "pyproject.toml", "Makefile"):
        shutil.copy(CLONE / name, folder / name)
    (folder / "bin").mkdir()
    yield folder
    shutil.rmtree(folder)


def _program(path: Path, lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{lines}\n")
    path.chmod(0o755)


def _run(clone: Path, *command: str, as_nobody: bool = False) -> subprocess.CompletedProcess[str]:
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if as_nobody else {}
    # apt makes a file of its own; not every machine's /tmp is open to everybody.
    env = {"PATH": f"{clone}/bin:/usr/bin:/bin", "HOME": str(clone), "PYENV_ROOT": "/nonexistent", "TMPDIR": str(clone)}
    return subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False, **other)


def _every_package_installed(clone: Path) -> None:
    _program(clone / "bin" / "dpkg-query", 'for name in "${@:3}"; do echo "installed ${name/\\*/15}"; done')


def _uv(clone: Path, lines: str) -> None:
    _program(clone / "var" / "tools" / "bin" / "uv", lines)
    shutil.copy(clone / "scripts" / "tools.lock", clone / "var" / "tools" / "made-from.lock")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody without rights")
def test_packages_without_root_are_one_line_to_type(clone: Path) -> None:
    _program(clone / "bin" / "dpkg-query", "exit 1")
    _program(clone / "bin" / "sudo", "exit 1")
    shutil.chown(clone, "nobody")
    done = _run(clone, "scripts/bootstrap", "test", as_nobody=True)
    assert done.returncode == 1
    line = done.stderr.splitlines()[1]
    assert line.startswith("    sudo apt-get update && sudo apt-get install --no-install-recommends -y ")
    assert {"chromium", "fonts-noto-cjk", "gdal-bin", "libegl1", "python3-qgis"} <= set(line.split())
    assert any(word.startswith("postgresql-") and word.endswith("-postgis-3") for word in line.split())


def test_an_old_python_is_refused_with_the_reason(clone: Path) -> None:
    _every_package_installed(clone)
    for name in ("python3", "python3.12", "python3.13"):
        _program(clone / "bin" / name, '[[ "$1" == --version ]] && echo "Python 3.11.2"; exit 1')
    _uv(clone, "echo 'error: no route to the index' >&2; exit 2")
    done = _run(clone, "scripts/bootstrap", "run")
    assert done.returncode == 1
    assert "COP needs Python 3.12 or newer; here is Python 3.11.2" in done.stderr
    assert "pip would silently take pygeoapi 0.21" in done.stderr
    assert "error: no route to the index" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_full_disk_is_told_before_anything_is_fetched(clone: Path) -> None:
    _every_package_installed(clone)
    _program(clone / "bin" / "df", r"printf 'Filesystem 1M-blocks Used Available\n/dev/x 1000 988 12\n'")
    done = _run(clone, "scripts/bootstrap", "run")
    assert done.returncode == 1
    assert "has 12 MB free; the Python environment needs" in done.stderr


def test_an_unknown_purpose_shows_the_usage(clone: Path) -> None:
    assert "Usage: scripts/bootstrap run|test" in _run(clone, "scripts/bootstrap", "fly").stderr


def _sources_of_a_page(clone: Path) -> Path:
    for name in ("index.html", "vite.config.ts", "package.json", "package-lock.json", "src/main.ts"):
        (clone / "web" / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / "web" / name).write_text(name)
    (clone / "web" / "node_modules").mkdir()
    (clone / "server" / "cop_server").mkdir(parents=True)
    return clone / "web" / "src" / "main.ts"


def test_the_page_is_built_once_and_kept_where_a_new_one_fails(clone: Path) -> None:
    source = _sources_of_a_page(clone)
    built = clone / "server" / "cop_server" / "page" / "main.js"
    _program(clone / "bin" / "npm", "exit 0")
    _program(clone / "bin" / "node", '[[ "$1" == -e ]] || { mkdir -p dist; cp src/main.ts dist/main.js; }')
    assert "building the page" in _run(clone, "scripts/page").stdout
    assert built.read_text() == "src/main.ts"
    again = _run(clone, "scripts/page")
    assert (again.returncode, again.stdout) == (0, "")
    source.write_text("broken")
    _program(clone / "bin" / "node", '[[ "$1" == -e ]] || { echo "main.ts:1: error"; exit 2; }')
    failed = _run(clone, "scripts/page")
    assert failed.returncode == 1
    assert "main.ts:1: error" in failed.stderr
    assert "Everything but /map works without it" in failed.stderr
    assert built.read_text() == "src/main.ts"


def test_the_page_without_any_node_says_how_to_get_one(clone: Path) -> None:
    _sources_of_a_page(clone)
    _program(clone / "bin" / "node", "exit 1")
    failed = _run(clone, "scripts/page")
    assert failed.returncode == 1
    assert "scripts/bootstrap test" in failed.stderr


def test_make_lists_every_command_with_a_line(clone: Path) -> None:
    listed = _run(clone, "make").stdout
    commands = {line.split()[1] for line in listed.splitlines()}
    assert {"run", "stop", "clean", "test", "check", "format", "render", "lock", "bench"} <= commands
    assert {"soak", "fuzz", "conformance", "seed"} <= commands


def test_stop_and_clean_before_the_first_run_have_nothing_to_do(clone: Path) -> None:
    for command in ("stop", "clean"):
        done = _run(clone, "make", command)
        assert (done.returncode, "nothing was installed here" in done.stdout) == (0, True)


def test_the_suite_runner_knows_its_suites(clone: Path) -> None:
    runner = [str(CLONE / ".venv" / "bin" / "python"), str(CLONE / "scripts" / "test.py"), "no-such-suite"]
    if not Path(runner[0]).exists():
        pytest.skip("no environment in this clone")
    done = subprocess.run(runner, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    suites = "unit, store, ingest, feeds_parse, feeds, http, delivery, faults, installation, basemap, clients, page"
    assert f"no such suite: no-such-suite; there are {suites}" in done.stderr


RUNNER = """
import importlib.util, json, os, pathlib, signal, sys
spec = importlib.util.spec_from_file_location("runner", {script!r})
runner = importlib.util.module_from_spec(spec)
sys.modules["runner"] = runner
spec.loader.exec_module(runner)
runner.ROOT = runner.STATE = pathlib.Path.cwd()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
signal.signal(signal.SIGINT, signal.default_int_handler)
results = runner.run_lanes(json.loads(sys.argv[1]), 2, dict(os.environ), ["-p", "no:cacheprovider"], 60)
print("RESULTS", json.dumps([[r.suite, r.passed, r.failed, r.trouble] for r in results]))
"""


def _suite(folder: Path, name: str, lines: str) -> None:
    (folder / "tests" / name).mkdir(parents=True)
    (folder / "tests" / name / f"test_{name}.py").write_text(f"import os, pathlib, time\n{lines}")


def _runner(folder: Path, wanted: list[str]) -> subprocess.Popen[str]:
    program = RUNNER.format(script=str(CLONE / "scripts" / "test.py"))
    return subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(wanted)], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


# Each waits for what the other one writes: they pass only where both run at the same time.
MEETING = """
def test_meeting():
    pathlib.Path("{me}").touch()
    end = time.monotonic() + 50
    while not pathlib.Path("{other}").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
"""


def _runner_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("runner_of_suites", CLONE / "scripts" / "test.py")
    assert spec is not None
    assert spec.loader is not None
    runner = importlib.util.module_from_spec(spec)
    sys.modules["runner_of_suites"] = runner
    spec.loader.exec_module(runner)
    return runner


def test_the_test_cluster_lies_in_memory_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner, link = _runner_module(), tmp_path / "var" / "test-cluster"
    runner.CLUSTER = link
    monkeypatch.setattr(runner, "available_bytes", lambda: 0)
    assert not runner.lay_in_memory(link, tmp_path)
    assert not link.is_symlink()
    monkeypatch.undo()
    runner.CLUSTER_BYTES = runner.BESIDE_BYTES = 0
    assert not runner.lay_in_memory(link, tmp_path / "nothing")
    assert runner.lay_in_memory(link, tmp_path)
    assert link.resolve().parent == tmp_path
    runner.clear_cluster()
    assert not link.is_symlink()


def test_the_queue_has_what_takes_longest_first_and_loses_no_suite() -> None:
    runner = _runner_module()
    wanted = [*runner.ORDER, "new"]
    assert sorted(runner.queue_of(wanted, 2)) == sorted(wanted)
    assert runner.queue_of(wanted, 2)[0] == "installation"
    assert runner.queue_of(wanted, 2)[-1] == "new"
    assert runner.queue_of(wanted, 1) == wanted


def test_two_lanes_run_side_by_side_and_each_suite_speaks_as_a_whole(tmp_path: Path) -> None:
    _suite(tmp_path, "one", MEETING.format(me="a", other="b"))
    _suite(tmp_path, "two", MEETING.format(me="b", other="a") + "def test_wrong():\n    assert 1 == 2\n")
    _suite(tmp_path, "three", "def test_last():\n    pass\n")
    told, _ = _runner(tmp_path, ["three", "one", "two"]).communicate(timeout=60)
    results = json.loads(told.split("RESULTS ")[1])
    assert results == [["three", 1, 0, ""], ["one", 1, 0, ""], ["two", 1, 1, ""]], "in the order that was asked for"
    spoken = told[told.index("two ─") :]
    assert "assert 1 == 2" in spoken[: spoken.index("1 failed, 1 passed")]
    assert "─" not in spoken.removeprefix("two").lstrip(" ─\n").split("1 failed, 1 passed")[0]


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_both_lanes(tmp_path: Path, word: signal.Signals) -> None:
    sleeping = """
def test_long():
    pathlib.Path("{me}").write_text(str(os.getpid()))
    try:
        time.sleep(60)
    finally:
        pathlib.Path("{me}-ended").touch()
"""
    for name in ("one", "two"):
        _suite(tmp_path, name, sleeping.format(me=name))
    runner = _runner(tmp_path, ["one", "two"])
    deadline = time.monotonic() + 30
    while not all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in ("one", "two")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    runner.send_signal(word)
    told, _ = runner.communicate(timeout=30)
    assert runner.returncode not in (0, None)
    assert told.count("KeyboardInterrupt") >= 2
    for name in ("one", "two"):
        assert (tmp_path / f"{name}-ended").exists()
        assert not Path(f"/proc/{(tmp_path / name).read_text()}").exists()
