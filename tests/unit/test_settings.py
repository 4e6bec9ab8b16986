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
