/** The districts in colours of the number of incidents, with the number on each: a button that narrows the list. */

import { Marker, type ExpressionSpecification, type GeoJSONSource, type Map as MapLibre } from "maplibre-gl";
import type { Feature } from "./api";
import { BELOW } from "./basemap";
import { el } from "./dom";
import { boundsOf, type Bounds } from "./geometry";
import { number, t } from "./i18n";
import type { Theme } from "./view";

const SOURCE = "district-counts";
const FILL = "district-counts-fill";
const LINE = "district-counts-line";
const RAMP: Readonly<Record<Theme, readonly string[]>> = {
  light: ["#e4dcf1", "#c5b3e0", "#a084c9", "#7a57ac", "#553285"],
  dark: ["#332f52", "#473f78", "#6153a0", "#836fc6", "#ab98ee"],
};
const NONE: Readonly<Record<Theme, string>> = { light: "#eef0f2", dark: "#1d252d" };

/** One colour of the map: the districts that have from `least` to `most` incidents. */
export interface ColourClass {
  readonly least: number;
  readonly most: number;
  readonly color: string;
}

/** A district to be coloured. */
export interface DistrictCount {
  readonly code: string;
  readonly name: string;
  readonly count: number;
}

function niceUp(value: number): number {
  const size = 10 ** Math.floor(Math.log10(value));
  const nice = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * size >= value) ?? 10;
  return Math.ceil(nice * size);
}

/** Classes of equal width up to the largest number, at round numbers, and one for none at all. */
export function colourClasses(largest: number, theme: Theme): ColourClass[] {
  const none: ColourClass = { least: 0, most: 0, color: NONE[theme] };
  if (largest === 0) return [none];
  const ramp = RAMP[theme];
  const width = niceUp(largest / Math.min(ramp.length, largest));
  const made = Array.from({ length: Math.ceil(largest / width) }, (_, at) => ({
    least: at * width + 1,
    most: (at + 1) * width,
  }));
  const shade = (at: number): string =>
    ramp[made.length === 1 ? 2 : Math.round((at * (ramp.length - 1)) / (made.length - 1))] ?? "";
  return [none, ...made.map((range, at) => ({ ...range, color: shade(at) }))];
}

function colorExpression(classes: readonly ColourClass[]): ExpressionSpecification {
  const steps = classes.slice(1).flatMap(({ least, color }) => [least, color]);
  const count: ExpressionSpecification = ["get", "count"];
  const none = classes[0]?.color ?? "#000000";
  return steps.length === 0 ? ["to-color", none] : (["step", count, none, ...steps] as ExpressionSpecification);
}

/** The coloured districts of one map. */
export class DistrictMap {
  readonly #map: MapLibre;
  readonly #onPick: (code: string) => void;
  #markers: Marker[] = [];

  constructor(map: MapLibre, onPick: (code: string) => void) {
    this.#map = map;
    this.#onPick = onPick;
  }

  /** Colour the districts; numbers that are not known yet leave the outlines of before. */
  show(
    outlines: readonly Feature[],
    counts: readonly DistrictCount[],
    chosen: string | null,
    theme: Theme,
  ): void {
    const largest = Math.max(0, ...counts.map(({ count }) => count));
    const byCode = new Map(counts.map((each) => [each.code, each]));
    const features = outlines.flatMap(({ id, geometry }) => {
      const count = byCode.get(id)?.count ?? 0;
      return geometry === null
        ? []
        : [{ type: "Feature" as const, geometry, properties: { code: id, count, chosen: id === chosen } }];
    });
    this.#ensureLayers();
    const source = this.#map.getSource<GeoJSONSource>(SOURCE);
    source?.setData({ type: "FeatureCollection", features });
    this.#map.setPaintProperty(FILL, "fill-color", colorExpression(colourClasses(largest, theme)));
    this.#map.setPaintProperty(LINE, "line-color", [
      "case",
      ["get", "chosen"],
      theme === "light" ? "#17212b" : "#ffffff",
      theme === "light" ? "#6b4f92" : "#9b8cd0",
    ]);
    this.#label(outlines, byCode, chosen);
  }

  hide(): void {
    for (const marker of this.#markers) marker.remove();
    this.#markers = [];
    for (const id of [FILL, LINE]) if (this.#map.getLayer(id) !== undefined) this.#map.removeLayer(id);
    if (this.#map.getSource(SOURCE) !== undefined) this.#map.removeSource(SOURCE);
  }

  get isShown(): boolean {
    return this.#map.getSource(SOURCE) !== undefined;
  }

  /** The district at a point of the map, if the districts are coloured. */
  districtAt(at: { x: number; y: number }): string | null {
    if (this.#map.getLayer(FILL) === undefined) return null;
    const [hit] = this.#map.queryRenderedFeatures([at.x, at.y], { layers: [FILL] });
    return hit === undefined ? null : String(hit.properties["code"]);
  }

  #ensureLayers(): void {
    if (this.isShown) return;
    this.#map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    this.#map.addLayer({ id: FILL, type: "fill", source: SOURCE, paint: { "fill-opacity": 0.55 } }, BELOW.area);
    this.#map.addLayer(
      {
        id: LINE,
        type: "line",
        source: SOURCE,
        paint: { "line-width": ["case", ["get", "chosen"], 3, 1], "line-opacity": 0.9 },
      },
      BELOW.area,
    );
  }

  #label(outlines: readonly Feature[], counts: ReadonlyMap<string, DistrictCount>, chosen: string | null): void {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["code"] : null;
    for (const marker of this.#markers) marker.remove();
    this.#markers = outlines.flatMap(({ id, geometry }) => {
      const known = counts.get(id);
      const bounds = geometry === null ? null : boundsOf(geometry);
      if (known === undefined || bounds === null || geometry === null) return [];
      const element = this.#badge(known, id === chosen);
      return [new Marker({ element }).setLngLat(labelPoint(geometry, bounds)).addTo(this.#map)];
    });
    if (focused) this.#markers.find((marker) => marker.getElement().dataset["code"] === focused)?.getElement().focus();
  }

  #badge({ code, name, count }: DistrictCount, chosen: boolean): HTMLElement {
    const badge = el(
      "button",
      {
        type: "button",
        class: "district-badge",
        "data-code": code,
        "aria-pressed": String(chosen),
        title: t("districtBadge", { name, n: number(count) }),
      },
      number(count),
    );
    // MapLibre names its markers by itself and would hide the number from a screen reader.
    queueMicrotask(() => badge.setAttribute("aria-label", t("districtBadge", { name, n: number(count) })));
    badge.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#onPick(code);
    });
    return badge;
  }
}

type Ring = readonly (readonly number[])[];

function isInside(rings: readonly Ring[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of rings) {
    for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
      const [x1 = 0, y1 = 0] = ring[at] ?? [];
      const [x2 = 0, y2 = 0] = ring[before] ?? [];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
  }
  return inside;
}

/** A point inside an area, near the middle of its box: the innermost of a coarse grid. */
function labelPoint(geometry: Feature["geometry"], [west, south, east, north]: Bounds): [number, number] {
  const middle: [number, number] = [(west + east) / 2, (south + north) / 2];
  const rings =
    geometry?.type === "Polygon" ? geometry.coordinates : geometry?.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
  let best = middle;
  let least = Number.POSITIVE_INFINITY;
  const steps = 12;
  for (let column = 1; column < steps; column += 1) {
    for (let row = 1; row < steps; row += 1) {
      const x = west + ((east - west) * column) / steps;
      const y = south + ((north - south) * row) / steps;
      const away = Math.hypot(column / steps - 0.5, row / steps - 0.5);
      if (away < least && isInside(rings, x, y)) {
        best = [x, y];
        least = away;
      }
    }
  }
  return best;
}
