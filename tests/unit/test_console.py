"""What is said at the terminal when something fails: one message, exit code 1, no traceback."""

from __future__ import annotations

import errno
import io
import re
import socket

import psycopg
import pytest
from rich.console import Console

from cop.errors import BrokenCatalogue, SetupTrouble
from cop_server import console
from cop_server.preflight import need_port


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    screen = io.StringIO()
    monkeypatch.setattr(console, "console", Console(file=screen, width=200, soft_wrap=True))
    return screen


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (SetupTrouble("No [bold]apt[/bold] here."), "✗ No [bold]apt[/bold] here.\n"),
        (
            BrokenCatalogue(["a.yml: id: missing", "b.yml: title: missing"]),
            "✗ a.yml: id: missing\n  b.yml: title",
        ),
        (psycopg.OperationalError("connection refused"), "The store does not answer: connection refused"),
        (psycopg.errors.DiskFull("x"), "The disk of the store is full."),
        (OSError(errno.ENOSPC, "No space", "/x/y"), "The disk is full: /x/y could not be written."),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x may not be read or written"),
    ],
)
def test_known_trouble_is_a_sentence(screen: io.StringIO, trouble: Exception, said: str) -> None:
    with pytest.raises(SystemExit) as ended, console.explaining():
        raise trouble
    assert ended.value.code == 1
    assert said in screen.getvalue()
    assert "Traceback" not in screen.getvalue()


def test_unknown_trouble_keeps_its_traceback(screen: io.StringIO) -> None:
    with pytest.raises(ZeroDivisionError), console.explaining():
        raise ZeroDivisionError
    with pytest.raises(FileNotFoundError), console.explaining():
        raise FileNotFoundError(errno.ENOENT, "No such file", "/x")
    assert screen.getvalue() == ""


def test_an_interrupt_ends_as_the_shell_expects(screen: io.StringIO) -> None:
    with pytest.raises(SystemExit) as ended, console.explaining():
        raise KeyboardInterrupt
    assert ended.value.code == 130


def test_progress_without_a_terminal_is_a_line_a_step(screen: io.StringIO) -> None:
    with console.step("Loading districts"):
        assert list(console.track(range(3), "Reading [18] records")) == [0, 1, 2]
    console.warn("stand-ins only")
    assert screen.getvalue() == "· Loading districts\n· Reading [18] records\n! stand-ins only\n"


def test_progress_on_a_terminal_says_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "console", Console(file=screen, width=200, force_terminal=True))
    with console.step("Loading districts"):
        assert list(console.track([1, 2], "Reading")) == [1, 2]
    assert re.search(r"Loading districts \(\d+\.\d s\)", screen.getvalue())
    assert "2/2" in screen.getvalue()


def test_a_taken_port_is_told_with_another_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupTrouble, match=rf"Port {port} on 127\.0\.0\.1 cannot be used.*`make stop`.*COP_PORT="):
            need_port("127.0.0.1", port)
    need_port("127.0.0.1", port)
