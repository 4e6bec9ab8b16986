"""The coordinate reference systems that COP speaks, with axis order as each one's authority has it.

The store keeps EPSG:4326 as longitude, latitude (CRS84). EPSG:4326 goes out as latitude, longitude and EPSG:2326
(Hong Kong 1980 Grid) as northing, easting, metres, as the EPSG register defines their axes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cop.errors import Refused


@dataclass(frozen=True, slots=True)
class Crs:
    """A CRS: its URI, SRID in PostGIS, whether its axes stand opposite to PostGIS's x, y, and decimals to print.

    `area` is where its coordinates mean something (x1, y1, x2, y2); a box that reaches further is cut to it.
    """

    uri: str
    srid: int
    flipped: bool
    decimals: int
    area: tuple[float, float, float, float] | None = None

    @property
    def header(self) -> str:
        """The value of the header Content-Crs."""
        return f"<{self.uri}>"


CRS84 = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", 4326, False, 7)
EPSG4326 = Crs("http://www.opengis.net/def/crs/EPSG/0/4326", 4326, True, 7)
EPSG3857 = Crs(
    "http://www.opengis.net/def/crs/EPSG/0/3857", 3857, False, 2, (-20037508.34, -20048966.1, 20037508.34, 20048966.1)
)
EPSG2326 = Crs(
    "http://www.opengis.net/def/crs/EPSG/0/2326", 2326, True, 3, (700_000.0, 700_000.0, 1_000_000.0, 950_000.0)
)

SUPPORTED = (CRS84, EPSG4326, EPSG3857, EPSG2326)
_BY_NAME = {crs.uri: crs for crs in SUPPORTED} | {
    "OGC:CRS84": CRS84,
    "EPSG:4326": EPSG4326,
    "EPSG:3857": EPSG3857,
    "EPSG:2326": EPSG2326,
}


def crs_of(name: str, parameter: str) -> Crs:
    """The CRS of a URI, a `[safe CURIE]` or `EPSG:nnnn`.

    Raises Refused that names the parameter and shows a CRS that would be right.
    """
    plain = name.strip().removeprefix("[").removesuffix("]").replace("https://", "http://", 1)
    crs = _BY_NAME.get(plain)
    if crs is None:
        raise Refused(
            f"{parameter}: {name!r} is not supported; use one of {', '.join(c.uri for c in SUPPORTED)}",
            parameter, EPSG2326.uri,
        )  # fmt: skip
    return crs
