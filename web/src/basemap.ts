/** The map itself: MapLibre with the basemaps that the server's MapProxy caches. */

import { Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import type { IControl, LngLatBoundsLike, StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { el } from "./dom";
import { t } from "./i18n";
import type { TextKey } from "./texts";
import type { Theme } from "./view";

/** West, south, east, north of the picture that the home button returns to. */
const HONG_KONG: LngLatBoundsLike = [113.83, 22.15, 114.43, 22.57];
const REACH: LngLatBoundsLike = [112.9, 21.7, 115.3, 23.1];
const SEA: Readonly<Record<Theme, string>> = { light: "#c9dcea", dark: "#111c27" };
const BASEMAP = "basemap";
const SHARP = 1.25;

/** Layers are added before these: areas below lines below points, all below the incidents. */
export const BELOW = { area: "below-areas", line: "below-lines", point: "below-points" } as const;

export function isBasemap(sourceId: string): boolean {
  return sourceId === BASEMAP;
}

function tiles(name: string): string {
  // The sharp grid has twice the pixels in the same tiles, for screens that can show them.
  const [layer, grid] = devicePixelRatio > SHARP ? [`${name}_hq`, "wm_hq"] : [name, "wm"];
  return `${location.origin}/basemaps/wmts/${layer}/${grid}/{z}/{x}/{y}.png`;
}

function style(name: string, theme: Theme): StyleSpecification {
  const anchors = Object.values(BELOW).map(
    (id) => ({ id, type: "background", layout: { visibility: "none" } }) as const,
  );
  return {
    version: 8,
    sources: { [BASEMAP]: { type: "raster", tiles: [tiles(name)], tileSize: 256, minzoom: 7, maxzoom: 18 } },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": SEA[theme] } },
      { id: BASEMAP, type: "raster", source: BASEMAP, paint: { "raster-fade-duration": 150 } },
      ...anchors,
    ],
  };
}

class HomeControl implements IControl {
  readonly #box = el("div", { class: "maplibregl-ctrl maplibregl-ctrl-group" });

  onAdd(map: MapLibre): HTMLElement {
    const button = el(
      "button",
      { type: "button", class: "home-button" },
      el("span", { "aria-hidden": "true" }),
    );
    button.addEventListener("click", () => goHome(map));
    this.#box.append(button);
    return this.#box;
  }

  onRemove(): void {
    this.#box.remove();
  }
}

/** Show all of Hong Kong, north up. */
export function goHome(map: MapLibre): void {
  map.fitBounds(HONG_KONG, { bearing: 0, pitch: 0, padding: 12 });
}

/**
 * Make the map in `container`. Its position is kept in the address's hash.
 * Throws where the browser has no WebGL 2.
 */
export function makeMap(container: HTMLElement, name: string, theme: Theme): MapLibre {
  setWorkerUrl(workerUrl);
  const map = new MapLibre({
    container,
    style: style(name, theme),
    bounds: HONG_KONG,
    fitBoundsOptions: { padding: 12 },
    maxBounds: REACH,
    minZoom: 8,
    maxZoom: 19,
    maxPitch: 0,
    hash: "map",
    attributionControl: false,
  });
  map.addControl(new NavigationControl({ visualizePitch: false }), "top-left");
  map.addControl(new HomeControl(), "top-left");
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  return map;
}

/** Put another basemap under the layers. */
export function showBasemap(map: MapLibre, name: string, theme: Theme): void {
  map.setPaintProperty("sea", "background-color", SEA[theme]);
  const source = map.getStyle().sources[BASEMAP];
  const wanted = tiles(name);
  if (source?.type === "raster" && source.tiles?.[0] === wanted) return;
  map.removeLayer(BASEMAP);
  map.removeSource(BASEMAP);
  const made = style(name, theme);
  const [raster] = made.layers.filter(({ id }) => id === BASEMAP);
  const from = made.sources[BASEMAP];
  if (raster === undefined || from === undefined) return;
  map.addSource(BASEMAP, from);
  map.addLayer(raster, BELOW.area);
}

/** Name the map's buttons in the chosen language. */
export function nameControls(map: MapLibre): void {
  const names: Readonly<Record<string, TextKey>> = {
    ".maplibregl-ctrl-zoom-in": "zoomIn",
    ".maplibregl-ctrl-zoom-out": "zoomOut",
    ".maplibregl-ctrl-compass": "north",
    ".home-button": "home",
  };
  for (const [selector, key] of Object.entries(names)) {
    const button = map.getContainer().querySelector(selector);
    button?.setAttribute("aria-label", t(key));
    button?.setAttribute("title", t(key));
  }
  map.getCanvas().setAttribute("aria-label", t("map"));
}
