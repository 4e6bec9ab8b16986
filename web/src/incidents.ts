/** The incidents on the map: always on, drawn from vector tiles. */

import type { Feature } from "geojson";
import type {
  ExpressionSpecification,
  LayerSpecification,
  Map as MapLibre,
  MapGeoJSONFeature,
} from "maplibre-gl";
import { GeoJSONSource, VectorTileSource } from "maplibre-gl";
import { tileTemplate, type Reading } from "./api";
import { anchorOf, around, type Bounds, type Pixel } from "./geometry";
import { categories, dotExpression, markExpression, putImages, type State } from "./icons";
import type { Theme } from "./view";

export const INCIDENTS = "incidents";
const SELECTION = "incidents-selection";

/** The server thins no tile from this zoom on, so deeper zooms reuse it. */
const DEEPEST_TILE = 16;

const STATE: ExpressionSpecification = [
  "case",
  ["==", ["get", "status"], "completed"],
  "done",
  ["==", ["get", "major"], true],
  "major",
  "active",
];
const CATEGORY: ExpressionSpecification = [
  "case",
  ["in", ["get", "category"], ["literal", [...categories()]]],
  ["get", "category"],
  "other",
];
const COLOR: ExpressionSpecification = ["match", STATE, "major", "#d7263d", "done", "#808a94", "#f5a623"];
const SIZE: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 9, 0.7, 13, 1];
/** How far from a mark's middle (pixels) a click still means it. */
const REACH = 6;
/** Incidents that lie this close (pixels) to a mark's position are behind it. */
const SAME_SPOT = 2;
/** Degrees by which a tile's grid may move a position. */
const TILE_GRID = 0.00005;
/** Layers whose marks are larger than a finger's reach: what is hit is meant. */
const MARKS: ReadonlySet<string> = new Set(["incidents-mark", "incidents-major"]);
const IS_MAJOR: ExpressionSpecification = ["==", STATE, "major"];

const FROM = { source: INCIDENTS, "source-layer": INCIDENTS } as const;

const LAYERS: readonly LayerSpecification[] = [
  {
    id: "incidents-area",
    type: "fill",
    ...FROM,
    filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": COLOR, "fill-opacity": 0.2 },
  },
  {
    id: "incidents-line",
    type: "line",
    ...FROM,
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": COLOR, "line-width": 3 },
  },
  {
    // Every incident has its dot; marks lie over the dots where there is room, so that none is ever left out.
    id: "incidents-dot",
    type: "symbol",
    ...FROM,
    layout: {
      "icon-image": dotExpression(STATE),
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
      "icon-size": SIZE,
      "symbol-sort-key": ["match", STATE, "done", 0, 1],
    },
  },
  {
    id: "incidents-mark",
    type: "symbol",
    ...FROM,
    filter: ["!", IS_MAJOR],
    layout: {
      "icon-image": markExpression(CATEGORY, STATE),
      "icon-overlap": ["step", ["zoom"], "never", 16, "always"],
      "icon-padding": 1,
      "icon-size": SIZE,
      "symbol-sort-key": ["match", STATE, "done", 1, 0],
    },
  },
  {
    id: "incidents-major",
    type: "symbol",
    ...FROM,
    filter: IS_MAJOR,
    layout: { "icon-image": markExpression(CATEGORY, STATE), "icon-overlap": "always", "icon-size": SIZE },
  },
];

/** Add the incidents' source, marks and layers. The style must be loaded. */
export function addIncidents(map: MapLibre, reading: Reading, theme: Theme, cql2: string): void {
  putImages(map, theme);
  map.addSource(INCIDENTS, {
    type: "vector",
    tiles: [tileTemplate(INCIDENTS, reading, cql2)],
    maxzoom: DEEPEST_TILE,
  });
  for (const layer of LAYERS) map.addLayer(layer);
  addSelection(map);
}

/** Far out, coloured districts tell the number of incidents; major ones keep their marks there, others show closer in. */
const CLOSE_TO_DISTRICTS = 12;

export function showSingly(map: MapLibre, always: boolean): void {
  for (const { id } of LAYERS) {
    if (id === "incidents-major" || map.getLayer(id) === undefined) continue;
    map.setLayerZoomRange(id, always ? 0 : CLOSE_TO_DISTRICTS, 24);
  }
}

/** Show the incidents of a reading that a filter lets through, instead of those shown. */
export function chooseIncidents(map: MapLibre, reading: Reading, cql2: string): void {
  const source = map.getSource(INCIDENTS);
  if (source instanceof VectorTileSource) source.setTiles([tileTemplate(INCIDENTS, reading, cql2)]);
}

/** Take the incidents off, so that every tile is read anew when they are added again. */
export function removeIncidents(map: MapLibre): void {
  for (const { id } of LAYERS) if (map.getLayer(id) !== undefined) map.removeLayer(id);
  if (map.getLayer(SELECTION) !== undefined) map.removeLayer(SELECTION);
  for (const id of [INCIDENTS, SELECTION]) if (map.getSource(id) !== undefined) map.removeSource(id);
}

/** Ask the server again for the tiles in view; what has not changed is a 304. */
export function refreshIncidents(map: MapLibre): void {
  map.refreshTiles(INCIDENTS);
}

/** Each incident once, as the topmost layer has it. */
function byIdentity(features: readonly MapGeoJSONFeature[]): MapGeoJSONFeature[] {
  const once = new Map<string, MapGeoJSONFeature>();
  for (const feature of features) {
    const id = String(feature.properties["id"]);
    if (!once.has(id)) once.set(id, feature);
  }
  return [...once.values()];
}

/** The incidents drawn now, each once, or those within reach of a point of the map; topmost first. */
export function drawnIncidents(map: MapLibre, at?: Pixel): MapGeoJSONFeature[] {
  if (map.getLayer("incidents-dot") === undefined) return [];
  const layers = LAYERS.map(({ id }) => id);
  if (at === undefined) return byIdentity(map.queryRenderedFeatures({ layers }));
  return byIdentity(map.queryRenderedFeatures(around(at, REACH), { layers }));
}

/**
 * The box that a click means: around the mark that it hit, or around the click where it hit only dots. Tiles leave out
 * what would cover another dot, so who wants all incidents of the box asks the server for it.
 */
export function boxMeant(map: MapLibre, click: Pixel, top: MapGeoJSONFeature): Bounds {
  const position = MARKS.has(top.layer.id) ? anchorOf(top.geometry) : null;
  const middle = position === null ? click : map.project(position);
  const [upperLeft, lowerRight] = around(middle, position === null ? REACH : SAME_SPOT);
  const { lng: west, lat: north } = map.unproject(upperLeft);
  const { lng: east, lat: south } = map.unproject(lowerRight);
  return [west - TILE_GRID, south - TILE_GRID, east + TILE_GRID, north + TILE_GRID];
}

/** How an incident is drawn, from its properties. */
export function stateOf(properties: Readonly<Record<string, unknown>>): State {
  if (properties["status"] === "completed") return "done";
  return properties["major"] === true ? "major" : "active";
}

function addSelection(map: MapLibre): void {
  map.addSource(SELECTION, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({
    id: SELECTION,
    type: "circle",
    source: SELECTION,
    paint: {
      "circle-radius": 21,
      "circle-color": "rgba(0,0,0,0)",
      "circle-stroke-color": "#2f9bff",
      "circle-stroke-width": 3,
    },
  });
}

/** Ring one position (longitude, latitude), or none. */
export function ring(map: MapLibre, lonLat: [number, number] | null): void {
  const source = map.getSource(SELECTION);
  if (!(source instanceof GeoJSONSource)) return;
  const features: Feature[] =
    lonLat === null
      ? []
      : [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: lonLat } }];
  source.setData({ type: "FeatureCollection", features });
}
