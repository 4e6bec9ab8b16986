"""What the store knows of each layer beyond the catalogue: extent, times, provenance, when it was loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import rasterio
from psycopg import sql
from rasterio.warp import transform_bounds

from cop.catalogue import Layer, catalogue
from cop.query.columns import geometry
from cop.settings import get_settings
from cop.store.reading import reading
from cop.store.statements import statements
from cop.visible import VisibleSet

_SQL = Path(__file__).parent / "state.sql"
HONG_KONG = (113.8, 22.1, 114.5, 22.6)


@dataclass(frozen=True, slots=True)
class Grid:
    """A raster's cells: columns, rows, edge lengths in metres, and the SRID that they lie in."""

    columns: int
    rows: int
    cell_m: tuple[float, float]
    srid: int


@dataclass(frozen=True, slots=True)
class LayerState:
    """A layer's box (west, south, east, north in CRS84), interval, provenance and time of loading; a raster's grid."""

    bbox: tuple[float, float, float, float] = HONG_KONG
    interval: tuple[str | None, str | None] | None = None
    provenance: str | None = None
    loaded: str | None = None
    grid: Grid | None = None


def states(layers: Sequence[Layer], visible: VisibleSet) -> list[tuple[Layer, LayerState]]:
    """The state of some layers as a visible set sees them."""
    known = {_text(row[0]): row[1:] for row in _loaded(visible)}
    return [(layer, _state(layer, visible, *known.get(layer.id, (None, None, 0)))) for layer in layers]


def provenances(layers: Sequence[Layer], visible: VisibleSet) -> list[tuple[Layer, str]]:
    """`real`, `exercise` or `test` of some layers: of registers as the mode says, of others as what is loaded."""
    known = {_text(row[0]): _text(row[1]) for row in _loaded(visible)}
    return [
        (layer, _of_mode(visible) if layer.is_labelled else known.get(layer.id) or layer.provenance) for layer in layers
    ]


def loaded_at(visible: VisibleSet) -> dict[str, datetime]:
    """When each layer that comes from a source was last loaded."""
    return {_text(row[0]): row[2] for row in _loaded(visible) if row[2] is not None}


def _loaded(visible: VisibleSet) -> list[tuple[Any, ...]]:
    with reading(visible) as connection:
        return connection.execute(statements(_SQL)["loaded"], {"classes": list(visible.classes)}).fetchall()


def _state(layer: Layer, visible: VisibleSet, provenance: object, at: datetime | None, n: int) -> LayerState:
    if not layer.is_feature_layer:
        return replace(_raster(layer.id), provenance=_text(provenance) or layer.provenance, loaded=_told(at))
    bbox, interval = _extent(layer.id, visible, int(n))
    # Into the layer of a feed that has not run nothing was loaded yet; its source is what the file says.
    return LayerState(bbox, interval, _text(provenance) or _declared(layer, visible), _told(at))


def _declared(layer: Layer, visible: VisibleSet) -> str:
    return _of_mode(visible) if layer.is_labelled else layer.provenance


def _of_mode(visible: VisibleSet) -> str:
    return "real" if visible.mode == "actual" else visible.mode


def _raster(layer_id: str) -> LayerState:
    """Box and grid of a raster's blob; where there is none yet, the territory."""
    file = get_settings().blob_folder / f"{layer_id}.tif"
    if not file.is_file():
        return LayerState()
    return _raster_at(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _raster_at(file: Path, _: int) -> LayerState:
    with rasterio.open(file) as raster:
        west, south, east, north = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
        bbox = (round(west, 6), round(south, 6), round(east, 6), round(north, 6))
        grid = Grid(raster.width, raster.height, tuple(abs(edge) for edge in raster.res), raster.crs.to_epsg())
    return LayerState(bbox, grid=grid)


@lru_cache(maxsize=8192)  # layers by visible sets
def _extent(
    layer_id: str, visible: VisibleSet, n: int
) -> tuple[tuple[float, float, float, float], tuple[str | None, str | None] | None]:
    """Box and interval at a mark; asked of the store once for each mark."""
    layer = catalogue().layers[layer_id]
    if n == 0:
        return HONG_KONG, None
    time = layer.with_role("time")
    column = sql.SQL("t.{}").format(sql.Identifier(time.name)) if time else sql.SQL("NULL::timestamptz")
    shape = geometry(layer, visible.profile_of(layer))
    statement = sql.SQL(statements(_SQL)["extent"]).format(
        table=sql.Identifier("layer", layer_id), time=column, shape=shape
    )
    with reading(visible) as connection:
        row = connection.execute(statement, {"classes": list(visible.classes_of(layer))}).fetchone()
    assert row is not None
    west, south, east, north, first, last = row
    bbox = HONG_KONG if west is None else tuple(round(float(value), 6) for value in (west, south, east, north))
    interval = (_told(first), _told(last)) if time and first is not None else None
    return bbox, interval  # type: ignore[return-value]


def _told(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")
