/** The catalogue as the server describes it: layers, their legends and their style documents. */

import type { LayerSpecification, StyleSpecification } from "maplibre-gl";
import { bilingual, fetchAnswer, isObject, numberOr, objects, ServerTrouble, text, type Json } from "./http";
import type { Bilingual } from "./i18n";
import { readInstant } from "./time";
import type { Theme } from "./view";

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly title: Bilingual;
  readonly unit: string | null;
  readonly codes: Readonly<Record<string, Bilingual>>;
}

/** What a legend's line shows: a sample of paint, or a symbol of the sprite, with words. */
export interface LegendEntry {
  readonly label: Bilingual;
  readonly geometry: "point" | "line" | "area";
  readonly color: string;
  readonly outline: string | null;
  readonly width: number;
  readonly radius: number;
  readonly opacity: number;
  readonly dash: readonly number[] | null;
  readonly symbol: string | null;
  /** The sprite's picture, where something of the sprite is drawn. */
  readonly image: string | null;
}

/** The colour that the layer's style gives to some values of a column. */
export interface StyleClass {
  readonly values: readonly unknown[];
  readonly color: string;
}

/** A real-time source of a layer's records. */
export interface FeedInfo {
  readonly id: string;
  readonly licence: string;
  readonly licenceAddress: string;
  readonly attribution: Bilingual;
}

/** A collection with the catalogue's extension member `cop`. */
export interface LayerInfo {
  readonly id: string;
  readonly title: Bilingual;
  readonly description: Bilingual;
  readonly department: string;
  readonly departmentTitle: Bilingual;
  readonly group: string;
  readonly groupTitle: Bilingual;
  /** The group's place among the groups. */
  readonly groupRank: number;
  readonly kind: string;
  readonly geometry: string | null;
  /** The sample of the layer as a whole. */
  readonly sample: LegendEntry;
  readonly classes: readonly StyleClass[];
  readonly provenance: string | null;
  readonly cadence: string;
  readonly loaded: Date | null;
  readonly licence: string;
  readonly licenceAddress: string;
  readonly dataset: string;
  readonly attribution: Bilingual;
  readonly feeds: readonly FeedInfo[];
  /** The zoom of the map (512-pixel tiles) from which the layer is drawn. */
  readonly fromZoom: number;
  readonly columns: readonly Column[];
}

/** The layers of the catalogue by id, in the server's order. */
export async function fetchLayers(): Promise<Map<string, LayerInfo>> {
  const { body } = await fetchAnswer("/collections");
  if (!Array.isArray(body["collections"])) throw new ServerTrouble("unreadable");
  const layers = objects(body["collections"])
    .map(readLayer)
    .filter((layer) => layer !== null);
  return new Map(layers.map((layer) => [layer.id, layer]));
}

function readLayer(collection: Json): LayerInfo | null {
  const id = text(collection["id"]);
  const cop = collection["cop"];
  if (id === "" || !isObject(cop)) return null;
  const source = isObject(cop["source"]) ? cop["source"] : {};
  const scale = isObject(cop["scale"]) ? cop["scale"] : {};
  const department = text(cop["department"]);
  const title = bilingual(cop["title"], text(collection["title"]) || id);
  const geometry = text(cop["geometry"]) || null;
  const style = isObject(cop["style"]) ? cop["style"] : {};
  return {
    id,
    title,
    description: bilingual(cop["description"], text(collection["description"])),
    department,
    departmentTitle: bilingual(cop["department_title"], department),
    group: text(cop["group"]),
    groupTitle: bilingual(cop["group_title"], text(cop["group"])),
    groupRank: numberOr(cop["group_rank"], Number.MAX_SAFE_INTEGER),
    kind: text(cop["kind"]),
    geometry,
    sample: readEntry({ label: title, geometry: sampleGeometry(geometry), ...style }),
    classes: objects(style["classes"]).map(readClass),
    provenance: text(cop["provenance"]) || null,
    cadence: text(source["cadence"]),
    loaded: readInstant(text(cop["loaded"])),
    licence: text(source["licence_title"]) || text(source["licence"]),
    licenceAddress: text(source["licence_address"]),
    dataset: text(source["dataset"]),
    attribution: bilingual(cop["attribution"]),
    feeds: objects(cop["feeds"]).map(readFeed),
    // The catalogue counts zooms of tiles of 256 pixels, the map those of 512.
    fromZoom: Math.max(0, numberOr(scale["from_zoom"], 0) - 1),
    columns: objects(cop["columns"]).map(readColumn),
  };
}

function readFeed(found: Json): FeedInfo {
  return {
    id: text(found["id"]),
    licence: text(found["licence_title"]),
    licenceAddress: text(found["licence_address"]),
    attribution: bilingual(found["attribution"]),
  };
}

function sampleGeometry(geometry: string | null): LegendEntry["geometry"] {
  if (geometry?.endsWith("Point")) return "point";
  return geometry?.endsWith("LineString") ? "line" : "area";
}

function readEntry(entry: Json): LegendEntry {
  const geometry = entry["geometry"];
  const dash = entry["dash"];
  return {
    label: bilingual(entry["label"]),
    geometry: geometry === "point" || geometry === "line" ? geometry : "area",
    color: text(entry["color"]) || "#555555",
    outline: text(entry["outline"]) || null,
    width: numberOr(entry["width"], 1),
    radius: numberOr(entry["radius"], 4),
    opacity: numberOr(entry["opacity"], 1),
    dash: Array.isArray(dash) && dash.length > 0 ? dash.filter((part) => typeof part === "number") : null,
    symbol: text(entry["symbol"]) || null,
    image: text(entry["image"]) || null,
  };
}

function readClass(found: Json): StyleClass {
  const values = found["values"];
  return { values: Array.isArray(values) ? values : [], color: text(found["color"]) };
}

function readColumn(column: Json): Column {
  const name = text(column["name"]);
  const codes = isObject(column["codes"]) ? column["codes"] : {};
  return {
    name,
    type: text(column["type"]),
    title: bilingual(column["title"], name),
    unit: text(column["unit"]) || null,
    codes: Object.fromEntries(Object.entries(codes).map(([code, title]) => [code, bilingual(title, code)])),
  };
}

/** A basemap that the server offers. */
export interface BasemapInfo {
  readonly id: string;
  readonly title: Bilingual;
  readonly attribution: string;
  /** It is drawn from made-up data. */
  readonly isExercise: boolean;
}

/** The basemaps that the reader may choose from. */
export async function fetchBasemaps(): Promise<readonly BasemapInfo[]> {
  const { body } = await fetchAnswer("/basemaps/");
  return objects(body["basemaps"])
    .filter(({ available }) => available !== false)
    .map((found) => ({
      id: text(found["id"]),
      title: bilingual(found["title"], text(found["id"])),
      attribution: text(found["attribution"]),
      isExercise: found["exercise"] === true,
    }));
}

function stylePath(id: string, theme: Theme): string {
  return `/collections/${encodeURIComponent(id)}/styles/${theme}`;
}

/** The lines of a layer's legend. */
export async function fetchLegend(id: string, theme: Theme): Promise<readonly LegendEntry[]> {
  const { body } = await fetchAnswer(`${stylePath(id, theme)}/legend`);
  if (!Array.isArray(body["entries"])) throw new ServerTrouble("unreadable");
  return objects(body["entries"]).map(readEntry);
}

/** What the page takes of a layer's style document. */
export interface LayerStyle {
  readonly layers: readonly LayerSpecification[];
  readonly minzoom: number;
  readonly maxzoom: number;
  readonly sprite: string | null;
  readonly glyphs: string | null;
}

/** The MapLibre style of a layer: one vector source, and the layers that are drawn from it. */
export async function fetchStyle(id: string, theme: Theme): Promise<LayerStyle> {
  const { body } = await fetchAnswer(stylePath(id, theme));
  const layers = objects(body["layers"]) as unknown as StyleSpecification["layers"];
  const [source = {}] = isObject(body["sources"]) ? Object.values(body["sources"]).filter(isObject) : [];
  if (layers.length === 0) throw new ServerTrouble("unreadable");
  return {
    layers: layers.filter((layer) => "source" in layer),
    minzoom: numberOr(source["minzoom"], 0),
    maxzoom: numberOr(source["maxzoom"], 14),
    sprite: text(body["sprite"]) || null,
    glyphs: text(body["glyphs"]) || null,
  };
}
