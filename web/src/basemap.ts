/** The map itself: MapLibre with the basemap that the server's MapProxy caches, light and dark. */

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
const THEMES: readonly Theme[] = ["light", "dark"];

/** The layers that the basemap is drawn from; their owners are named in the attribution. */
export const BASEMAP_LAYERS = [
  "land",
  "landcover_wood",
  "water_bodies",
  "terrain",
  "roads_b50k",
  "districts",
  "place_names",
];

/** Layers are added before these: areas below lines below points, all below the incidents. */
export const BELOW = { area: "below-areas", line: "below-lines", point: "below-points" } as const;

function basemapId(theme: Theme): string {
  return `basemap-${theme}`;
}

export function isBasemap(sourceId: string): boolean {
  return sourceId.startsWith("basemap-");
}

function tiles(theme: Theme): string {
  // The sharp grid has twice the pixels in the same tiles, for screens that can show them.
  const [layer, grid] = devicePixelRatio > 1.25 ? [`${theme}_hq`, "wm_hq"] : [theme, "wm"];
  return `${location.origin}/basemaps/wmts/${layer}/${grid}/{z}/{x}/{y}.png`;
}

function style(theme: Theme): StyleSpecification {
  const sources: StyleSpecification["sources"] = {};
  const layers: StyleSpecification["layers"] = [
    { id: "sea", type: "background", paint: { "background-color": SEA[theme] } },
  ];
  for (const each of THEMES) {
    sources[basemapId(each)] = {
      type: "raster",
      tiles: [tiles(each)],
      tileSize: 256,
      minzoom: 7,
      maxzoom: 18,
    };
    layers.push({
      id: basemapId(each),
      type: "raster",
      source: basemapId(each),
      layout: { visibility: each === theme ? "visible" : "none" },
      paint: { "raster-fade-duration": 150 },
    });
  }
  for (const id of Object.values(BELOW))
    layers.push({ id, type: "background", layout: { visibility: "none" } });
  return { version: 8, sources, layers };
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
export function makeMap(container: HTMLElement, theme: Theme): MapLibre {
  setWorkerUrl(workerUrl);
  const map = new MapLibre({
    container,
    style: style(theme),
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

/** Switch the basemap between light and dark. */
export function showTheme(map: MapLibre, theme: Theme): void {
  for (const each of THEMES) {
    map.setLayoutProperty(basemapId(each), "visibility", each === theme ? "visible" : "none");
  }
  map.setPaintProperty("sea", "background-color", SEA[theme]);
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
