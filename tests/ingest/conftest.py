"""Shared ground of the ingest tests: the layers, and the folder of recordings where there is one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cop.catalogue import load_catalogue
from cop.catalogue.models import Layer
from cop.resources import resource
from cop.settings import get_settings


@pytest.fixture(scope="session")
def layers() -> dict[str, Layer]:
    return dict(load_catalogue(resource("layers")).layers)


@pytest.fixture(scope="session")
def data() -> Path:
    folder = get_settings().data
    if folder is None:
        pytest.skip("no data folder: COP_DATA is not set and ../shared/data is not beside the clone")
    if not folder.is_dir():
        pytest.skip(f"no data folder: COP_DATA is {folder}, which is not there")
    return folder


MakeLayer = Callable[..., Layer]


@pytest.fixture
def make_layer() -> MakeLayer:
    """A small layer with the columns code and height; any key of the file may be given another value."""

    def make(**changes: object) -> Layer:
        text = {"en": "x", "zh": "x"}
        source = {"dataset": "d", "cadence": "c", "licence": "DG", "attribution": text, "crs": 4326}
        return Layer.model_validate({
            "id": "things", "title": text, "description": text, "department": "TD", "group": "traffic",
            "geometry": "Point",
            "columns": [
                {"name": "code", "type": "text", "from": "CODE", "title": text},
                {"name": "height", "type": "number", "title": text},
            ],
            "key": ["code"],
            **changes,
            "source": source | dict(changes.get("source", {})),  # type: ignore[call-overload]
        })  # fmt: skip

    return make


@pytest.fixture(autouse=True)
def _collections_finalised(request: pytest.FixtureRequest) -> Iterator[None]:
    """A fiona collection that failed to open takes the thread's environment along when it is finalised: do that here."""
    yield
    if request.module.__name__.rpartition(".")[2] in ("test_vector", "test_robustness", "test_published"):
        gc.collect()
