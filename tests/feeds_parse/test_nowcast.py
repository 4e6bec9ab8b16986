"""The rainfall nowcast: 58,564 rows into four grids, and areas of much rain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from cop_ingest.feeds.parse.nowcast import read_grid
from cop_ingest.feeds.payload import NotThisFeed, Reading

Read = Callable[..., Reading]
HEADER = (
    "Updated Date and Time (in Hong Kong Time),Ending Date and Time (in Hong Kong Time),"
    "Latitude (degree),Longitude (degree),Half-hourly Nowcast Accumulated Rainfall (mm)\n"
)
ENDS = ("202607161630", "202607161700", "202607161730", "202607161800")


def rows(rain: dict[tuple[str, int, int], float] | None = None) -> list[str]:
    """A whole run; `rain` by end, number of the latitude from the north and of the longitude from the west."""
    told = rain or {}
    return [
        f"202607161600,{end},{23.487 - 0.02 * i:.3f},{112.956 + 0.02 * j:.3f},{told.get((end, i, j), 0.0):.2f}"
        for end in ENDS
        for i in range(121)
        for j in range(121)
    ]


@pytest.fixture(scope="module")
def dry() -> list[str]:
    return rows()


def body(lines: list[str]) -> bytes:
    return (HEADER + "\n".join(lines)).encode()


def test_a_run_is_four_grids_of_121_by_121(dry: list[str]) -> None:
    assert len(dry) == 58_564
    grid, refusals = read_grid(body(rows({(ENDS[1], 3, 7): 12.5})))
    assert (grid.rain_mm.shape, refusals) == ((4, 121, 121), [])
    assert grid.run_at == datetime(2026, 7, 16, 8, tzinfo=UTC)
    assert grid.valid_to[3] - grid.run_at == timedelta(hours=2)
    assert (grid.lats[0], grid.lons[0], grid.step) == (23.487, 112.956, 0.02)
    assert grid.rain_mm[1, 3, 7] == 12.5
    assert np.count_nonzero(grid.rain_mm) == 1


def test_areas_lie_around_the_points_that_reach_a_threshold(read: Read) -> None:
    wet = rows({(ENDS[0], 60, 60): 31.0, (ENDS[0], 60, 61): 12.0, (ENDS[0], 10, 10): 5.0})
    reading = read("hko_nowcast", grid=body(wet))
    areas = {record.id: record for record in reading.parsed.records}
    assert {id_ for id_ in areas if id_.startswith("30-")} == {"30-0", "30-5", "30-10", "30-20", "30-30"}
    ten = shapely.from_wkb(areas["30-10"].geometry)
    assert ten.bounds == pytest.approx(
        (112.956 + 1.2 - 0.01, 23.487 - 1.2 - 0.01, 112.956 + 1.22 + 0.01, 23.487 - 1.2 + 0.01)
    )
    assert len(shapely.from_wkb(areas["30-5"].geometry).geoms) == 2
    assert areas["30-10"].properties["max_mm"] == 31
    assert areas["30-10"].properties["valid_from"] == reading.observed_at


def test_a_dry_run_is_told_by_the_record_of_the_whole_grid(read: Read, dry: list[str]) -> None:
    reading = read("hko_nowcast", grid=body(dry))
    assert [record.id for record in reading.parsed.records] == ["30-0", "60-0", "90-0", "120-0"]
    assert {record.properties["max_mm"] for record in reading.parsed.records} == {0}


@pytest.mark.parametrize("length", [57_764, 43_923, 14_641, 2, 0])
def test_a_grid_with_a_hole_is_refused_for_it_would_pass_for_dry(read: Read, dry: list[str], length: int) -> None:
    with pytest.raises(NotThisFeed):
        read("hko_nowcast", grid=body(dry[:length]))


def test_a_damaged_row_is_refused_and_its_point_is_no_value(dry: list[str]) -> None:
    damaged = list(dry)
    damaged[5] = damaged[5].replace("0.00", "M")
    damaged[6] = damaged[6].replace("23.487", "93.487")
    damaged[7] = damaged[7].replace("202607161600,", "202607161000,")
    grid, refusals = read_grid(body(damaged))
    assert len(refusals) == 3
    assert np.isnan(grid.rain_mm[0, 0, 5:8]).all()
    assert np.isfinite(grid.rain_mm).sum() == 58_561


def test_the_sample_has_the_header_and_is_not_whole(read: Read, sample: Callable[[str], bytes]) -> None:
    with pytest.raises(NotThisFeed, match="grid: "):
        read("hko_nowcast", grid=sample("hko_F3_Gridded_rainfall_nowcast.csv"))
