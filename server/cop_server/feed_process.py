"""Workers beside the server: processes of their own, started again when they end, ended with the server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cop_server.console import warn

_HOST = "127.0.0.1"
_FIRST_REST = 1.0
_LONGEST_REST = 30.0
_WELL_SECONDS = 60.0  # after so long a worker that ends is no worker that cannot start
_GRACE_SECONDS = 15.0


@contextmanager
def feeding(owner_dsn: str, *, wanted: bool, **settings: str) -> Iterator[None]:
    """Keep the feeds' worker running while the block lasts, with these settings beside our own."""
    with _kept("the feeds' worker", ("ingest", "run"), owner_dsn, wanted=wanted, **settings):
        yield


@contextmanager
def playing(owner_dsn: str, *, wanted: bool) -> Iterator[dict[str, str]]:
    """Keep the exercise's simulator running while the block lasts, and what takes its returns; the feeds' settings.

    It keeps its port, so that the feeds' worker finds it again when it was started anew.
    """
    if not wanted:
        yield {}
        return
    port = _free_port()
    with (
        _kept("the exercise's simulator", ("exercise", "run", "--port", str(port)), owner_dsn, wanted=True),
        _kept("the inbox's watcher", ("inbox", "watch"), owner_dsn, wanted=True),
    ):
        told = ",".join(filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), _HOST)))
        yield {"COP_FEEDS_URL": f"http://{_HOST}:{port}", "no_proxy": told, "NO_PROXY": told}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def listening(owner_dsn: str, *, wanted: bool) -> Iterator[None]:
    """Keep the listener of the departments' inbox running while the block lasts."""
    with _kept("the inbox's listener", ("inbox", "listen"), owner_dsn, wanted=wanted):
        yield


@contextmanager
def _kept(name: str, words: tuple[str, ...], owner_dsn: str, *, wanted: bool, **settings: str) -> Iterator[None]:
    """Keep a command running. It gets the owner's address; the server has the app role's."""
    if not wanted:
        yield
        return
    keeper = _Keeper(name, words, {**os.environ, **settings, "COP_DATABASE_URL": owner_dsn})
    try:
        yield
    finally:
        keeper.end()


class _Keeper:
    def __init__(self, name: str, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self._name, self._words = name, words
        self._environment = environment
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name=words[0], daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the worker; turns under way have some seconds to finish, and lose nothing if they do not."""
        self._ends.set()
        with self._lock:
            process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(_GRACE_SECONDS)

    def _keep(self) -> None:
        rest = _FIRST_REST
        while not self._ends.is_set():
            began = time.monotonic()
            with self._lock:
                if self._ends.is_set():
                    return
                # A session of its own: the terminal's Ctrl-C reaches it through us, once. Its standard input ends
                # with us, however we end.
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "cop_server", *self._words, "--beside"],
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    start_new_session=True,
                )
            code = self._process.wait()
            if self._ends.is_set():
                return
            rest = _FIRST_REST if time.monotonic() - began > _WELL_SECONDS else min(rest * 2, _LONGEST_REST)
            warn(f"{self._name} has ended ({code}); it is started again in {rest:g} s")
            self._ends.wait(rest)
