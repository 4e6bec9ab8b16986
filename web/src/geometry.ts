/** Positions of GeoJSON geometries; longitude first, degrees. */

import type { Geometry, Position } from "geojson";

export type LonLat = [number, number];

/** West, south, east, north. */
export type Bounds = [number, number, number, number];

/** A point of the screen's map, pixels from its upper left corner. */
export interface Pixel {
  readonly x: number;
  readonly y: number;
}

/** The square of pixels around a point, as corners. */
export function around({ x, y }: Pixel, reach: number): [[number, number], [number, number]] {
  return [
    [x - reach, y - reach],
    [x + reach, y + reach],
  ];
}

function positions(geometry: Geometry): Position[] {
  switch (geometry.type) {
    case "Point":
      return [geometry.coordinates];
    case "MultiPoint":
    case "LineString":
      return geometry.coordinates;
    case "MultiLineString":
    case "Polygon":
      return geometry.coordinates.flat();
    case "MultiPolygon":
      return geometry.coordinates.flat(2);
    case "GeometryCollection":
      return geometry.geometries.flatMap(positions);
  }
}

/** The box of a geometry; `null` for an empty one. */
export function boundsOf(geometry: Geometry): Bounds | null {
  const all = positions(geometry);
  if (all.length === 0) return null;
  const lons = all.map(([lon = 0]) => lon);
  const lats = all.map(([, lat = 0]) => lat);
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

/** Where a pop-up points at: the point itself, or the middle of the geometry's box. */
export function anchorOf(geometry: Geometry | null): LonLat | null {
  const bounds = geometry === null ? null : boundsOf(geometry);
  if (bounds === null) return null;
  const [west, south, east, north] = bounds;
  return [(west + east) / 2, (south + north) / 2];
}
