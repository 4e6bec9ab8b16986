"""Cut the land of Hong Kong out of the npm package @geo-maps/earth-lands-250m (OpenStreetMap, ODbL).

    npm pack @geo-maps/earth-lands-250m@0.6.0
    python scripts/land_extract.py geo-maps-earth-lands-250m-0.6.0.tgz

writes ingest/cop_ingest/territory/data/land.geojson: 113.75 to 114.55 E, 22.10 to 22.65 N, EPSG:4326 lon, lat. The
package is 18 MB and holds the world; the extract is kept in the repository so that nobody needs the package.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import shape

BOX = (113.75, 22.10, 114.55, 22.65)
TARGET = Path(__file__).parent.parent / "ingest" / "cop_ingest" / "territory" / "data" / "land.geojson"
NOTICE = (
    "© OpenStreetMap contributors. Open Database License (ODbL) 1.0, https://opendatacommons.org/licenses/odbl/1-0/. "
    "Land within 113.75-114.55 E, 22.10-22.65 N of the npm package @geo-maps/earth-lands-250m 0.6.0 (2017), "
    "simplified there to 250 m; cut by scripts/land_extract.py."
)


def main(package: Path) -> None:
    """Write the extract of the package's archive at `package`."""
    with tarfile.open(package) as archive:
        member = archive.extractfile("package/map.geo.json")
        if member is None:
            raise SystemExit(f"{package}: holds no package/map.geo.json; fetch it with npm pack")
        world = json.load(member)
    areas = clipped([shape(part) for part in world.get("geometries", [])])
    if not areas:
        raise SystemExit(f"{package}: no land lies in {BOX}; is it the package's 0.6.0?")
    features = [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(area)}
        for area in sorted(areas, key=lambda area: -area.area)
    ]
    collection = {"type": "FeatureCollection", "license": "ODbL-1.0", "attribution": NOTICE, "features": features}
    TARGET.write_text(json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def clipped(lands: list[shapely.Geometry]) -> list[shapely.Polygon]:
    """The parts of the lands within the box as single valid polygons, coordinates of 5 decimals (1 m)."""
    parts = np.array([part for land in lands for part in shapely.get_parts(land)], dtype=object)
    west, south, east, north = shapely.bounds(parts).T
    near = parts[(west < BOX[2]) & (east > BOX[0]) & (south < BOX[3]) & (north > BOX[1])]
    # A rectangle is cut out of Eurasia in a moment; an intersection, or mending the continent first, takes hours.
    cut = [shapely.make_valid(shapely.clip_by_rect(part, *BOX)) for part in near]
    whole = shapely.set_precision(shapely.union_all(cut), 1e-5)
    return [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {Path(__file__).name} geo-maps-earth-lands-250m-0.6.0.tgz")
    main(Path(sys.argv[1]))
