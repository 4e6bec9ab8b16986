"""Shared ground of the parsers' tests: the samples, and payloads made of them or by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from feed_payloads import as_bytes

from cop.settings import get_settings
from cop_ingest.feeds.declared import feeds
from cop_ingest.feeds.parse import parser_of
from cop_ingest.feeds.payload import Payload, Reading

RECEIVED = datetime(2026, 10, 9, 14, 0, tzinfo=UTC)
Read = Callable[..., Reading]


@pytest.fixture(scope="session")
def data() -> Path:
    folder = get_settings().data
    if folder is None or not folder.is_dir():
        pytest.skip("no data folder: COP_DATA is not set and ../shared/data is not beside the clone")
    return folder


@pytest.fixture(scope="session")
def sample(data: Path) -> Callable[[str], bytes]:
    """The bytes of a sample in documented_samples."""
    return lambda name: (data / "documented_samples" / name).read_bytes()


@pytest.fixture(scope="session")
def read() -> Read:
    """Read parts (bytes, text, or what becomes JSON) as a feed's file says."""

    def reading(feed: str, received_at: datetime = RECEIVED, **parts: Any) -> Reading:
        declared = feeds()[feed]
        return parser_of(declared)(Payload({k: as_bytes(v) for k, v in parts.items()}, received_at, declared.options))

    return reading
