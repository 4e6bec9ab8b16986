"""While the store is away, a pool tries again and again at short distance, as long as nobody stops it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cop.errors import StoreTrouble
from cop.settings import get_settings
from cop.store import reading, writing
from cop.store.pools import OnePool
from cop.visible import VisibleSet

PATIENCE = 60.0
"""Attempts that double their distance of two connections come to 14 in this time."""


class Refusing:
    """A store that takes no connection, and counts who wanted one."""

    def __init__(self) -> None:
        self.attempts = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.attempts += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusing]:
    found = Refusing()
    address = f"postgresql://x@127.0.0.1:{found.port}/x?sslmode=disable&gssencmode=disable"
    monkeypatch.setenv("COP_APP_DATABASE_URL", address)
    reading.close_pool()
    writing.close_write_pool()
    get_settings.cache_clear()
    yield found
    reading.close_pool()
    writing.close_write_pool()
    get_settings.cache_clear()
    found.close()


@pytest.mark.parametrize(
    ("use", "pool"),
    [
        (lambda: reading.reading(VisibleSet()), reading._pool),
        (lambda: writing.writing(VisibleSet(), "test"), writing._pool),
    ],
)
def test_it_keeps_trying(away: Refusing, use: Callable[..., object], pool: OnePool) -> None:
    with pytest.raises(StoreTrouble), use():  # type: ignore[attr-defined]
        pass
    deadline = time.monotonic() + PATIENCE
    while away.attempts < 20:
        assert time.monotonic() < deadline, away.attempts
        time.sleep(0.05)
    assert pool.get().get_stats()["connections_num"] >= 20
