"""Settings that follow one another."""

from __future__ import annotations

import pytest

from cop.settings import Settings


def test_links_lead_to_the_port_where_nobody_tells_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COP_URL", "COP_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert Settings().url == "http://127.0.0.1:8000"
    monkeypatch.setenv("COP_PORT", "8123")
    assert Settings().url == "http://127.0.0.1:8123"
    monkeypatch.setenv("COP_URL", "https://cop.example")
    assert Settings().url == "https://cop.example"


def test_an_exercise_is_played_and_nothing_invented_is_asked_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COP_FEEDS", "COP_FEEDS_URL", "COP_MODE"):
        monkeypatch.delenv(name, raising=False)
    assert (Settings().feeds, Settings().plays) == ("simulator", True)
    monkeypatch.setenv("COP_FEEDS_URL", "http://127.0.0.1:8060")
    assert (Settings().feeds, Settings().plays) == ("simulator", False)
    for mode in ("actual", "test"):
        monkeypatch.setenv("COP_MODE", mode)
        assert (Settings().feeds, Settings().plays) == ("off", False)
    monkeypatch.setenv("COP_FEEDS", "simulator")
    assert not Settings().plays
    monkeypatch.delenv("COP_FEEDS_URL")
    with pytest.raises(ValueError, match="wants COP_FEEDS_URL where COP_MODE is not exercise"):
        Settings()
