/** The other layers of the catalogue: switched on one by one, drawn from vector tiles in the catalogue's style. */

import type { LayerSpecification, Map as MapLibre, MapGeoJSONFeature } from "maplibre-gl";
import { tileTemplate, type LayerInfo } from "./api";
import { BELOW } from "./basemap";
import { around, type Pixel } from "./geometry";
import type { Mode } from "./view";

const DEEPEST_TILE = 14;
const PREFIX = "layer:";
const REACH = 4;
const AREA_SHARE = 0.6;

/** Whether a layer has features that the page can draw. */
export function isDrawable(layer: LayerInfo): boolean {
  return layer.geometry !== null && layer.kind !== "coverage";
}

function sourceId(id: string): string {
  return PREFIX + id;
}

/** The layer that a source of the map belongs to, if it is one of the catalogue's. */
export function layerOfSource(source: string): string | null {
  return source.startsWith(PREFIX) ? source.slice(PREFIX.length) : null;
}

export function isShown(map: MapLibre, id: string): boolean {
  return map.getSource(sourceId(id)) !== undefined;
}

interface Placed {
  readonly layer: LayerSpecification;
  readonly before: string;
}

/** A dashed area is a boundary: only its line is drawn, over a trace of colour that can be clicked. */
function areaOpacity({ style }: LayerInfo): number {
  return style.dash === null ? style.opacity * AREA_SHARE : 0.04;
}

function paintsOf(info: LayerInfo): Placed[] {
  const { id, style } = info;
  const from = { source: sourceId(id), "source-layer": id } as const;
  const dash = style.dash === null ? {} : { "line-dasharray": [...style.dash] };
  const area: Placed = {
    layer: {
      id: `${PREFIX}${id}:area`,
      type: "fill",
      ...from,
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": style.color, "fill-opacity": areaOpacity(info) },
    },
    before: BELOW.area,
  };
  const line: Placed = {
    layer: {
      id: `${PREFIX}${id}:line`,
      type: "line",
      ...from,
      filter: ["!=", ["geometry-type"], "Point"],
      layout: { "line-join": "round" },
      paint: {
        "line-color": style.color,
        "line-width": ["interpolate", ["linear"], ["zoom"], 9, style.width, 15, style.width * 2.2],
        ...dash,
      },
    },
    before: BELOW.line,
  };
  const point: Placed = {
    layer: {
      id: `${PREFIX}${id}:point`,
      type: "circle",
      ...from,
      filter: ["==", ["geometry-type"], "Point"],
      paint: {
        "circle-color": style.color,
        "circle-opacity": style.opacity,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, style.radius * 0.7, 14, style.radius * 1.4],
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 1,
      },
    },
    before: BELOW.point,
  };
  return [area, line, point];
}

/** Draw a layer. Adding one that is drawn changes nothing. */
export function showLayer(map: MapLibre, info: LayerInfo, mode: Mode): void {
  if (isShown(map, info.id)) return;
  const tiles = [tileTemplate(info.id, mode)];
  map.addSource(sourceId(info.id), { type: "vector", tiles, maxzoom: DEEPEST_TILE });
  for (const { layer, before } of paintsOf(info)) map.addLayer(layer, before);
}

/** Take a layer off the map. */
export function hideLayer(map: MapLibre, id: string): void {
  if (!isShown(map, id)) return;
  for (const layer of layersOn(map)) if (layer.startsWith(`${PREFIX}${id}:`)) map.removeLayer(layer);
  map.removeSource(sourceId(id));
}

function layersOn(map: MapLibre): string[] {
  return map
    .getStyle()
    .layers.map((layer) => layer.id)
    .filter((id) => id.startsWith(PREFIX));
}

/** The features of the switched-on layers at a point , topmost first, one of each layer. */
export function featuresAt(map: MapLibre, at: Pixel): [string, MapGeoJSONFeature][] {
  const layers = layersOn(map);
  if (layers.length === 0) return [];
  const found = new Map<string, MapGeoJSONFeature>();
  for (const feature of map.queryRenderedFeatures(around(at, REACH), { layers })) {
    const id = layerOfSource(feature.source);
    if (id !== null && !found.has(id)) found.set(id, feature);
  }
  return [...found];
}
