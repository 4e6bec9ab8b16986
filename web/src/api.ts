/** The server's answers, read and checked at the border. Every path is of this origin. */

import type { Geometry } from "geojson";
import type { Bounds } from "./geometry";
import type { Bilingual } from "./i18n";
import { isMode, type Mode } from "./view";

const TIMEOUT_MS = 20_000;

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly title: Bilingual;
  readonly unit: string | null;
  readonly codes: Readonly<Record<string, Bilingual>>;
}

export interface LayerStyle {
  readonly color: string;
  readonly width: number;
  readonly radius: number;
  readonly opacity: number;
  readonly dash: readonly number[] | null;
}

/** A collection with the catalogue's extension member `cop`. */
export interface LayerInfo {
  readonly id: string;
  readonly title: Bilingual;
  readonly group: string;
  readonly kind: string;
  readonly geometry: string | null;
  readonly style: LayerStyle;
  readonly provenance: string | null;
  readonly attribution: Bilingual;
  readonly columns: readonly Column[];
}

/** A GeoJSON feature as the items end point sends it. */
export interface Feature {
  readonly id: string;
  readonly geometry: Geometry | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A body with what the answer's headers say of its state. */
export interface Answer {
  readonly body: Json;
  /** The server's clock when it answered. */
  readonly at: Date;
  /** The high-water mark that the answer was made at, where the server says it. */
  readonly sequence: string | null;
  /** The feeds behind the answer that are late, stale or down. */
  readonly caveat: string | null;
}

export interface IncidentPage {
  readonly features: readonly Feature[];
  /** How many incidents the filter lets through, listed or not. */
  readonly matched: number | null;
  readonly at: Date;
  readonly sequence: string | null;
  readonly caveat: string | null;
}

type Json = Readonly<Record<string, unknown>>;

/** The server could not be reached, refused, or sent what cannot be read. */
export class ServerTrouble extends Error {
  constructor(
    readonly kind: "unreachable" | "refused" | "unreadable",
    readonly status: number | null = null,
  ) {
    super(status === null ? kind : `${kind}: ${status}`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function bilingual(value: unknown, otherwise = ""): Bilingual {
  if (!isObject(value)) return { en: text(value) || otherwise, zh: "" };
  return { en: text(value["en"]) || otherwise, zh: text(value["zh"]) };
}

async function fetchAnswer(path: string, parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const url = `${path}?${new URLSearchParams({ f: "json", ...parameters })}`;
  let response: Response;
  let body: unknown;
  try {
    // no-cache asks the server each time, with the ETag of what the browser keeps: an unchanged answer is a 304.
    response = await fetch(url, { cache: "no-cache", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new ServerTrouble("unreachable");
  }
  if (!response.ok) throw new ServerTrouble("refused", response.status);
  try {
    body = await response.json();
  } catch {
    throw new ServerTrouble("unreadable");
  }
  if (!isObject(body)) throw new ServerTrouble("unreadable");
  const date = Date.parse(response.headers.get("Date") ?? "");
  return {
    body,
    at: Number.isNaN(date) ? new Date() : new Date(date),
    sequence: response.headers.get("COP-Sequence"),
    caveat: response.headers.get("COP-Caveat"),
  };
}

/** The mode that the server uses for a request that names none, from the landing page's `cop.mode`. */
export async function fetchDefaultMode(): Promise<Mode> {
  const { body } = await fetchAnswer("/", {});
  const cop = body["cop"];
  if (!isObject(cop) || !isMode(cop["mode"])) throw new ServerTrouble("unreadable");
  return cop["mode"];
}

/** The layers of the catalogue by id, in the server's order. */
export async function fetchLayers(): Promise<Map<string, LayerInfo>> {
  const { body } = await fetchAnswer("/collections", {});
  const collections = body["collections"];
  if (!Array.isArray(collections)) throw new ServerTrouble("unreadable");
  const layers = collections.map(readLayer).filter((layer) => layer !== null);
  return new Map(layers.map((layer) => [layer.id, layer]));
}

function readLayer(collection: unknown): LayerInfo | null {
  if (!isObject(collection) || !isObject(collection["cop"])) return null;
  const id = text(collection["id"]);
  const cop = collection["cop"];
  if (id === "") return null;
  return {
    id,
    title: bilingual(cop["title"], text(collection["title"]) || id),
    group: text(cop["group"]),
    kind: text(cop["kind"]),
    geometry: text(cop["geometry"]) || null,
    style: readStyle(cop["style"]),
    provenance: text(cop["provenance"]) || null,
    attribution: bilingual(cop["attribution"]),
    columns: Array.isArray(cop["columns"]) ? cop["columns"].filter(isObject).map(readColumn) : [],
  };
}

function readStyle(value: unknown): LayerStyle {
  const style = isObject(value) ? value : {};
  const size = (name: string, otherwise: number): number => {
    const given = style[name];
    return typeof given === "number" ? given : otherwise;
  };
  const dash = style["dash"];
  return {
    color: text(style["color"]) || "#555555",
    width: size("width", 1),
    radius: size("radius", 4),
    opacity: size("opacity", 1),
    dash: Array.isArray(dash) && dash.length > 0 ? dash.filter((part) => typeof part === "number") : null,
  };
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

function readFeature(value: unknown): Feature {
  if (!isObject(value) || !isObject(value["properties"])) throw new ServerTrouble("unreadable");
  const geometry = value["geometry"];
  return {
    id: String(value["id"] ?? ""),
    geometry: isObject(geometry) ? (geometry as unknown as Geometry) : null,
    properties: value["properties"],
  };
}

/** The incidents reported last that match a CQL2 filter, in a box if one is given, and the number of all that match. */
export async function fetchIncidents(
  mode: Mode,
  cql2: string,
  limit: number,
  box?: Bounds,
): Promise<IncidentPage> {
  const { body, ...state } = await fetchAnswer("/collections/incidents/items", {
    mode,
    limit: String(limit),
    sortby: "-reported_at",
    ...filterParameters(cql2),
    ...(box === undefined ? {} : { bbox: box.map((degrees) => degrees.toFixed(7)).join(",") }),
  });
  const features = body["features"];
  const matched = body["numberMatched"];
  if (!Array.isArray(features)) throw new ServerTrouble("unreadable");
  return {
    features: features.map(readFeature),
    matched: typeof matched === "number" ? matched : null,
    ...state,
  };
}

/** One incident with all the columns that this reader may see. */
export async function fetchIncident(mode: Mode, id: string): Promise<{ feature: Feature; at: Date }> {
  const { body, at } = await fetchAnswer(`/collections/incidents/items/${encodeURIComponent(id)}`, { mode });
  return { feature: readFeature(body), at };
}

function filterParameters(cql2: string): Record<string, string> {
  return { filter: cql2, "filter-lang": "cql2-text" };
}

/** The address template of a layer's vector tiles, of all or of what a filter lets through; the row before the column. */
export function tileTemplate(layer: string, mode: Mode, cql2?: string): string {
  const path = `/collections/${encodeURIComponent(layer)}/tiles/WebMercatorQuad/{z}/{y}/{x}`;
  const parameters = { f: "mvt", mode, ...(cql2 === undefined ? {} : filterParameters(cql2)) };
  return `${location.origin}${path}?${new URLSearchParams(parameters)}`;
}

/** The address of a record for people, which the server answers as a page. */
export function recordAddress(layer: string, id: string, mode: Mode): string {
  return `/collections/${encodeURIComponent(layer)}/items/${encodeURIComponent(id)}?f=html&mode=${mode}`;
}
