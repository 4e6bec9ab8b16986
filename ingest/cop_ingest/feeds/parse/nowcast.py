"""HKO's gridded rainfall nowcast: a table of 58,564 rows into four grids, and the areas with much rain. SOURCES 3.7."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_origin
from shapely.geometry import MultiPolygon, Polygon

from cop_ingest.feeds.parse.common import body_of, this_feed
from cop_ingest.feeds.payload import NotThisFeed, Payload, Raster, Reading
from cop_ingest.geometry import to_wkb
from cop_ingest.records import Parsed, Record, Refusal, refuse
from cop_ingest.texts import decode, tidy
from cop_ingest.times import read_time

THRESHOLDS_MM = (5.0, 10.0, 20.0, 30.0, 50.0, 70.0)
"""Rain of a half hour from which areas are drawn, where the feed's file names no others."""

_HEADER = ("updated date", "ending date", "latitude", "longitude", "rainfall")
_ROW = re.compile(
    r"(\d{12}),(\d{12}),(\d{1,2}(?:\.\d{1,6})?),(\d{1,3}(?:\.\d{1,6})?),(\d{1,3}(?:\.\d{1,4})?)", re.ASCII
)
_HALF_HOURS = 4
_COMPLETE = 0.99
_REFUSALS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Grid:
    """One run of the nowcast.

    `rain_mm` has the axes time, latitude from north to south, longitude from west to east, and holds millimetres in
    the half hour that ends at the time of `valid_to`; NaN where a row was refused. `lats` and `lons` are the points'
    degrees (WGS 84); the points are the middles of cells of `step` degrees. Times are UTC.
    """

    run_at: datetime
    valid_to: tuple[datetime, ...]
    lats: NDArray[np.float64]
    lons: NDArray[np.float64]
    step: float
    rain_mm: NDArray[np.float32]


def parse(payload: Payload) -> Reading:
    """The areas at or above each threshold in each half hour, from the part `grid`.

    Record.id is `<minutes after the run>-<threshold>`. The record of threshold 0 stands for the whole grid: it has no
    geometry, and it is there when no rain is expected at all. Options: `thresholds_mm`. Raises NotThisFeed, also where
    points are lacking: a hole in the grid would pass for dry weather.
    """
    grid, refusals = read_grid(body_of(payload, "grid"))
    thresholds = [float(mm) for mm in payload.options.get("thresholds_mm", THRESHOLDS_MM)]
    records = [record for place in range(len(grid.valid_to)) for record in _records(grid, place, thresholds)]
    return Reading(Parsed(records, refusals), grid.run_at, grid.run_at, _raster(grid))


def _raster(grid: Grid) -> Raster:
    half = grid.step / 2
    west, north = float(grid.lons[0]) - half, float(grid.lats[0]) + half
    return Raster(grid.rain_mm, round(west, 6), round(north, 6), grid.step, grid.run_at, grid.valid_to, "mm")


def read_grid(body: bytes) -> tuple[Grid, list[Refusal]]:
    """The grids of a file and the rows refused. Raises NotThisFeed where it is no whole nowcast."""
    with this_feed():
        text = decode(body, "grid")
    header, _, rows = text.partition("\n")
    if not rows.strip():
        raise NotThisFeed("grid: there is no row; wanted a header and the grid's points")
    names = [tidy(name) or "" for name in header.lower().split(",")]
    if len(names) != len(_HEADER) or not all(want in name for want, name in zip(_HEADER, names, strict=True)):
        raise NotThisFeed(f"grid: the header is {header.strip()[:200]!r}; wanted the rainfall nowcast's")
    table, refusals = _table(rows)
    if not len(table):
        raise NotThisFeed("grid: no row could be read")
    return _gridded(table, refusals)


def _table(rows: str) -> tuple[NDArray[np.float64], list[Refusal]]:
    """Rows of run, end, latitude, longitude, rain. All at once where all are good, else one by one."""
    try:
        table = np.loadtxt(io.StringIO(rows), delimiter=",", dtype=np.float64, ndmin=2, comments=None)
        if (
            table.shape[1:] == (5,)
            and np.isfinite(table).all()
            and (table[:, 4] >= 0).all()
            and (table[:, 4] < 1000).all()
        ):
            return table, []
    except ValueError:
        pass
    return _row_by_row(rows)


def _row_by_row(rows: str) -> tuple[NDArray[np.float64], list[Refusal]]:
    good: list[tuple[str | None, ...]] = []
    refusals: list[Refusal] = []
    for line, row in enumerate(rows.splitlines(), 2):
        if found := _ROW.fullmatch(row.strip()):
            good.append(found.groups())
        elif row.strip():
            refusals.append(refuse(line, "wanted run, end, latitude, longitude and rain below 1000 mm", row[:200]))
    return np.array(good, dtype=np.float64).reshape(-1, 5), refusals


def _gridded(table: NDArray[np.float64], refusals: list[Refusal]) -> tuple[Grid, list[Refusal]]:
    run = _commonest(table[:, 0])
    of_run = table[:, 0] == run
    lats, lat_step = _axis(table[:, 2])
    lats = lats[::-1]
    lons, lon_step = _axis(table[:, 3])
    ends = _kept(table[of_run, 1])
    if abs(lat_step - lon_step) > 1e-6 or len(lats) < 2 or len(lons) < 2:
        raise NotThisFeed(f"grid: the points are {lat_step:g} by {lon_step:g} degrees apart; wanted a regular grid")
    times = [_time(end) for end in ends]
    if len(times) != _HALF_HOURS or any(at <= _time(run) for at in times):
        raise NotThisFeed(f"grid: holds {len(times)} times; wanted {_HALF_HOURS} after the run")
    column = np.rint((table[:, 3] - lons[0]) / lon_step).astype(np.int64)
    row = np.rint((lats[0] - table[:, 2]) / lat_step).astype(np.int64)
    slot = np.searchsorted(ends, table[:, 1])
    fits = (
        of_run & np.isin(table[:, 1], ends)
        & (column >= 0) & (column < len(lons)) & (row >= 0) & (row < len(lats))
        & (np.abs(lons[0] + column * lon_step - table[:, 3]) < lon_step / 10)
        & (np.abs(lats[0] - row * lat_step - table[:, 2]) < lat_step / 10)
    )  # fmt: skip
    rain = np.full((len(ends), len(lats), len(lons)), np.nan, dtype=np.float32)
    rain[slot[fits], row[fits], column[fits]] = table[fits, 4]
    filled = np.isfinite(rain).mean(axis=(1, 2))
    if filled.min() < _COMPLETE:
        raise NotThisFeed(f"grid: {(1 - filled.min()):.0%} of a half hour's points are missing; the file is not whole")
    astray = [refuse(0, "is of another run, or no point of the grid", str(bad.tolist())) for bad in table[~fits]]
    grid = Grid(_time(run), tuple(times), lats, lons, lat_step, rain)
    return grid, (refusals + astray)[:_REFUSALS_KEPT]


def _commonest(values: NDArray[np.float64]) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def _kept(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that occur nearly as often as the commonest does, in their order; a damaged one occurs once."""
    found, counts = np.unique(values, return_counts=True)
    kept: NDArray[np.float64] = found[counts * 2 > counts.max()]
    return kept


def _axis(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The points of an axis in rising order, and how far apart they are. Raises NotThisFeed."""
    kept = _kept(np.round(values, 4))
    steps = np.diff(kept)
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step or np.abs(steps - step).max() > step / 10:
        raise NotThisFeed("grid: the points are not evenly spaced")
    return kept, round(step, 6)


def _time(number: float) -> datetime:
    try:
        return read_time(f"{number:012.0f}")
    except ValueError as exc:
        raise NotThisFeed(f"grid: {exc}") from exc


def _records(grid: Grid, place: int, thresholds: Sequence[float]) -> Iterator[Record]:
    values = np.nan_to_num(grid.rain_mm[place], nan=-1.0)
    yield _record(grid, place, 0.0, None, float(values.max()))
    for threshold in thresholds:
        mask = values >= np.float32(threshold)
        if mask.any():
            yield _record(grid, place, threshold, _area(mask, grid), float(values[mask].max()))


def _area(mask: NDArray[np.bool_], grid: Grid) -> MultiPolygon:
    half = grid.step / 2
    transform = from_origin(grid.lons[0] - half, grid.lats[0] + half, grid.step, grid.step)
    found = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4, transform=transform)
    parts = [Polygon(rings["coordinates"][0], rings["coordinates"][1:]) for rings, _ in found]
    # Coordinates come with the noise of floating point; a millionth of a degree is 0.1 m.
    area: MultiPolygon = shapely.transform(MultiPolygon(parts), lambda corners: np.round(corners, 6))
    return area


def _record(grid: Grid, place: int, threshold: float, area: MultiPolygon | None, most: float) -> Record:
    valid_to = grid.valid_to[place]
    minutes = round((valid_to - grid.run_at).total_seconds() / 60)
    properties: dict[str, object] = {
        "horizon_min": minutes,
        "threshold_mm": threshold,
        "run_at": grid.run_at,
        "valid_from": valid_to - timedelta(minutes=30),
        "valid_to": valid_to,
        "model": "HKO rainfall nowcast",
        "max_mm": round(most, 2),
    }
    return Record(f"{minutes}-{threshold:g}", properties, to_wkb(area) if area is not None else None)
