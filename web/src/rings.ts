/** Rings around many incidents of the map: those behind an opened number, and those that changed since the last look. */

import type { Feature as MapFeature } from "geojson";
import { GeoJSONSource, type Map as MapLibre } from "maplibre-gl";
import type { Feature } from "./api";
import { anchorOf } from "./geometry";

export type Rings = "behind" | "news";

/** A number's records have a plain blue ring, what is new a broken-looking double one: told apart without colour. */
const PAINT = {
  behind: { "circle-radius": 16, "circle-color": "rgba(47,155,255,0.18)", "circle-stroke-color": "#1667c7", "circle-stroke-width": 2.5 },
  news: { "circle-radius": 13, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": "#8a2be2", "circle-stroke-width": 4, "circle-stroke-opacity": 0.75 },
} as const;

function asPoint({ id, geometry }: Feature): MapFeature[] {
  const at = anchorOf(geometry);
  return at === null ? [] : [{ type: "Feature", properties: { id }, geometry: { type: "Point", coordinates: at } }];
}

/** Ring these records and no others. The style must be loaded. */
export function drawRings(map: MapLibre, name: Rings, features: readonly Feature[]): void {
  const id = `rings-${name}`;
  const data = { type: "FeatureCollection" as const, features: features.flatMap(asPoint) };
  document.body.dataset[name === "news" ? "ringsNews" : "ringsBehind"] = String(data.features.length);
  const source = map.getSource(id);
  if (source instanceof GeoJSONSource) {
    source.setData(data);
    return;
  }
  if (data.features.length === 0) return;
  map.addSource(id, { type: "geojson", data });
  map.addLayer({ id, type: "circle", source: id, paint: PAINT[name] });
}
