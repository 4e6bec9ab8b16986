"""Cloud Optimized GeoTIFFs: made whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from cop.errors import LoadRefused
from cop_ingest.raster import make_cog, raster_info

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a small grid of heights; any creation option may be given another value."""

    def written(heights: Any = None, **options: Any) -> Path:
        rows = np.arange(600 * 700, dtype="float32").reshape(600, 700) % 900 if heights is None else heights
        profile = {
            "driver": "GTiff", "width": rows.shape[1], "height": rows.shape[0], "count": 1,
            "dtype": "float32", "crs": "EPSG:2326", "transform": from_origin(810000, 840000, 20, 20),
            **options,
        }  # fmt: skip
        path = tmp_path / "source.tif"
        with rasterio.open(path, "w", **profile) as file:
            for band in range(1, profile["count"] + 1):
                file.write(rows, band)
        return path

    return written


def test_the_real_terrain_becomes_a_cog(data: Path, tmp_path: Path) -> None:
    source = data / "landsd_dtm" / "hk_dtm_70m_epsg2326.tif"
    info = make_cog(source, tmp_path / "deep" / "terrain.tif")
    assert (info.epsg, info.width, info.height, info.cell_m) == (2326, 910, 685, (70, 70))
    assert (info.minimum, info.maximum, info.nodata) == (0, 952, None)
    assert info.bounds == (799997.5, 800052.5, 863697.5, 848002.5)
    with rasterio.open(info.path) as cog, rasterio.open(source) as original:
        assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert cog.compression.name == "deflate"
        assert cog.profile["tiled"]
        assert cog.overviews(1) == list(info.overviews) != []
        assert np.array_equal(cog.read(1), original.read(1))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["terrain.tif"]


def test_a_cog_made_twice_has_the_same_bytes(write: Write, tmp_path: Path) -> None:
    source = write()
    assert make_cog(source, tmp_path / "a.tif").sha256 == make_cog(source, tmp_path / "b.tif").sha256


def test_nodata_is_left_out_of_the_range(write: Write, tmp_path: Path) -> None:
    heights = np.full((64, 64), 5, "float32")
    heights[:32] = -9999
    info = make_cog(write(heights, nodata=-9999), tmp_path / "a.tif")
    assert (info.minimum, info.maximum, info.nodata) == (5, 5, -9999)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"crs": "EPSG:4326"}, r"source\.tif: the CRS is EPSG:4326; wanted EPSG:2326"),
        ({"crs": None}, "the CRS is not said"),
        ({"count": 3}, "has 3 bands; wanted one"),
        ({"transform": from_origin(113.8, 22.6, 0.001, 0.001)}, "wanted eastings 800000 to 870000"),
    ],
)
def test_another_raster_is_refused(write: Write, tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(LoadRefused, match=reason):
        make_cog(write(**options), tmp_path / "a.tif")
    assert not (tmp_path / "a.tif").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_heights_have_to_be_finite(write: Write, tmp_path: Path, value: float) -> None:
    heights = np.zeros((64, 64), "float32")
    heights[3, 3] = value
    with pytest.raises(LoadRefused, match="not finite"):
        make_cog(write(heights), tmp_path / "a.tif")


def test_a_raster_of_nothing_is_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match="no cell with a value"):
        make_cog(write(np.full((64, 64), -1, "float32"), nodata=-1), tmp_path / "a.tif")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.99])
def test_a_file_that_breaks_off_is_refused_and_the_old_one_stays(write: Write, tmp_path: Path, share: float) -> None:
    source = write(compress="deflate", tiled=True)
    target = tmp_path / "a.tif"
    before = make_cog(source, target)
    body = source.read_bytes()
    source.write_bytes(body[: int(len(body) * share)])
    with pytest.raises(LoadRefused, match=r"source\.tif: (cannot be read as a raster|the CRS is not said)"):
        make_cog(source, target)
    assert raster_info(target) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "source.tif"]


def test_other_files_are_no_raster(tmp_path: Path) -> None:
    page = tmp_path / "page.tif"
    page.write_text("<html>not found</html>")
    with pytest.raises(LoadRefused, match=r"page\.tif: cannot be read as a raster"):
        make_cog(page, tmp_path / "a.tif")
    with pytest.raises(LoadRefused, match="no such file"):
        make_cog(tmp_path / "none.tif", tmp_path / "a.tif")


def test_a_folder_that_cannot_be_made_is_said(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LoadRefused, match="cannot be written"):
        make_cog(write(), tmp_path / "file" / "a.tif")
