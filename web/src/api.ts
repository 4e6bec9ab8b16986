/** What the page asks the server about records. A request reads exactly one mode, and one moment. */

import type { Geometry } from "geojson";
import type { Bounds } from "./geometry";
import { fetchAnswer, isObject, objects, ServerTrouble, text, type Answer, type Json } from "./http";
import { asInstant, readInstant } from "./time";
import { isMode, type Mode } from "./view";

/** A GeoJSON feature as the items end point sends it. */
export interface Feature {
  readonly id: string;
  readonly geometry: Geometry | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Which records a request reads: of one mode, now or as they were known at a moment. */
export interface Reading {
  readonly mode: Mode;
  readonly asof: Date | null;
  /** Just one state, by its number, instead of the moment. */
  readonly sequence?: string;
}

export interface RecordPage {
  readonly features: readonly Feature[];
  /** How many records the filter lets through, listed or not. */
  readonly matched: number | null;
  readonly at: Date;
  readonly sequence: string | null;
  readonly caveat: string | null;
}

const INCIDENTS = "incidents";

/** The landing page's word on modes, and the clock of the exercise where there is one. */
export interface Landing {
  readonly mode: Mode;
  readonly now: Date | null;
}

export async function fetchLanding(): Promise<Landing> {
  const { body } = await fetchAnswer("/");
  const cop = body["cop"];
  if (!isObject(cop) || !isMode(cop["mode"])) throw new ServerTrouble("unreadable");
  return { mode: cop["mode"], now: readInstant(text(cop["now"])) };
}

/** The path of a collection's records. */
export function itemsPath(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}/items`;
}

/** The parameters that say which records are read. */
export function readingParameters({ mode, asof, sequence }: Reading): Record<string, string> {
  const state = sequence ?? (asof === null ? null : asInstant(asof));
  return { mode, ...(state === null ? {} : { asof: state }) };
}

/** A CQL2 condition as parameters. */
export function filterParameters(cql2: string): Record<string, string> {
  return { filter: cql2, "filter-lang": "cql2-text" };
}

/** A feature of the server's JSON. Throws ServerTrouble. */
export function readFeature(value: unknown): Feature {
  if (!isObject(value) || !isObject(value["properties"])) throw new ServerTrouble("unreadable");
  const geometry = value["geometry"];
  return {
    id: String(value["id"] ?? ""),
    geometry: isObject(geometry) ? (geometry as unknown as Geometry) : null,
    properties: value["properties"],
  };
}

/** A page of features. Throws ServerTrouble. */
export function readPage({ body, ...state }: Answer): RecordPage {
  const features = body["features"];
  const matched = body["numberMatched"];
  if (!Array.isArray(features)) throw new ServerTrouble("unreadable");
  return {
    features: features.map(readFeature),
    matched: typeof matched === "number" ? matched : null,
    ...state,
  };
}

/** The incidents reported last that match a CQL2 filter, in a box if one is given, and the number of all that match. */
export async function fetchIncidents(
  reading: Reading,
  cql2: string,
  limit: number,
  box?: Bounds,
): Promise<RecordPage> {
  const answer = await fetchAnswer(itemsPath(INCIDENTS), {
    ...readingParameters(reading),
    limit: String(limit),
    sortby: "-reported_at",
    ...filterParameters(cql2),
    ...(box === undefined ? {} : { bbox: box.map((degrees) => degrees.toFixed(7)).join(",") }),
  });
  return readPage(answer);
}

/** How many incidents a filter lets through. */
export async function countIncidents(reading: Reading, cql2: string): Promise<number | null> {
  const parameters = { ...readingParameters(reading), limit: "1", ...filterParameters(cql2) };
  return readPage(await fetchAnswer(itemsPath(INCIDENTS), parameters)).matched;
}

/** A record as the server told it at a time, with the tag of its version. */
export interface Found {
  readonly feature: Feature;
  readonly at: Date;
  readonly etag: string;
  /** The server tells its versions. */
  readonly hasVersions: boolean;
}

/** One incident with all the columns that this reader may see. */
export async function fetchIncident(reading: Reading, id: string): Promise<Found> {
  return fetchRecord(reading, INCIDENTS, id);
}

/** One record of a collection. */
export async function fetchRecord(reading: Reading, collection: string, id: string): Promise<Found> {
  const path = `${itemsPath(collection)}/${encodeURIComponent(id)}`;
  const { body, at, etag } = await fetchAnswer(path, readingParameters(reading));
  const hasVersions = objects(body["links"]).some(({ rel }) => rel === "version-history");
  return { feature: readFeature(body), at, etag, hasVersions };
}

/** A version of a record, as its history tells it. */
export interface Version {
  readonly at: Date | null;
  readonly actor: string;
  readonly cause: string;
  /** Columns with their values before and after. */
  readonly changed: ReadonlyMap<string, readonly [unknown, unknown]>;
}

function readVersion(value: Json): Version {
  const told = isObject(value["version"]) ? value["version"] : {};
  const changed = isObject(told["changed"]) ? Object.entries(told["changed"]) : [];
  const pairs = changed.map(([name, pair]): [string, readonly [unknown, unknown]] => {
    return [name, isObject(pair) ? [pair["before"], pair["after"]] : [null, null]];
  });
  return {
    at: readInstant(text(told["told_at"])) ?? readInstant(text(told["at"])),
    actor: text(told["actor"]),
    cause: text(told["cause"]),
    changed: new Map(pairs),
  };
}

/** The versions of a record, the newest first. */
export async function fetchVersions(mode: Mode, collection: string, id: string): Promise<readonly Version[]> {
  const { body } = await fetchAnswer(`${itemsPath(collection)}/${encodeURIComponent(id)}/versions`, { mode });
  return objects(body["features"]).map(readVersion);
}

/** When the newest incident of a mode was reported. */
export async function fetchNewest(mode: Mode): Promise<Date | null> {
  const parameters = { mode, limit: "1", sortby: "-reported_at", properties: "reported_at", skipGeometry: "true" };
  const { features } = readPage(await fetchAnswer(itemsPath(INCIDENTS), parameters));
  return readInstant(text(features[0]?.properties["reported_at"]));
}

/** What a request for a register may say besides. */
export interface Narrowed {
  readonly limit: number;
  readonly cql2?: string;
  readonly sortby?: string;
  /** Only these columns, and no geometry. */
  readonly properties?: string;
}

/** The records of a register, as many as one page holds. */
export async function fetchRegister(
  reading: Reading,
  collection: string,
  { limit, cql2, sortby, properties }: Narrowed,
): Promise<RecordPage> {
  const answer = await fetchAnswer(itemsPath(collection), {
    ...readingParameters(reading),
    limit: String(limit),
    ...(sortby === undefined ? {} : { sortby }),
    ...(properties === undefined ? {} : { properties, skipGeometry: "true" }),
    ...(cql2 === undefined ? {} : filterParameters(cql2)),
  });
  return readPage(answer);
}

/** The address of the next page, of this origin whatever host the server's links name. */
export function nextAddress(body: Json): string | null {
  const link = objects(body["links"]).find(({ rel }) => rel === "next");
  const href = text(link?.["href"]);
  if (href === "") return null;
  const { pathname, search } = new URL(href, location.origin);
  return pathname + search;
}

/** The outlines of the districts with their codes. */
export async function fetchDistricts(): Promise<readonly Feature[]> {
  const parameters = { limit: "100", properties: "code" };
  return readPage(await fetchAnswer(itemsPath("districts"), parameters)).features;
}

/** The address template of a layer's vector tiles, of all or of what a filter lets through; the row before the column. */
export function tileTemplate(layer: string, reading: Reading, cql2?: string): string {
  const path = `/collections/${encodeURIComponent(layer)}/tiles/WebMercatorQuad/{z}/{y}/{x}`;
  const parameters = {
    f: "mvt",
    ...readingParameters(reading),
    ...(cql2 === undefined ? {} : filterParameters(cql2)),
  };
  return `${location.origin}${path}?${new URLSearchParams(parameters)}`;
}

/** The address of a record for people, which the server answers as a page. */
export function recordAddress(layer: string, id: string, mode: Mode): string {
  return `${itemsPath(layer)}/${encodeURIComponent(id)}?f=html&mode=${mode}`;
}
