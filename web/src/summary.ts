/**
 * Counts, as the server's `/summary` gives them: each number with the link to its records, and what it is a number of in
 * words. The page counts nothing by itself, so no two of its panels can disagree.
 */

import { filterParameters, readingParameters, readPage, type Reading, type RecordPage } from "./api";
import { NO_FACETS, FACETS, narrowing, UNKNOWN, type FacetName, type IncidentFilter } from "./filters";
import { bilingual, fetchAnswer, fetchJson, numberOr, objects, ServerTrouble, text, type Json } from "./http";
import type { Bilingual } from "./i18n";

/** A number with the path of its records, pinned to the state that it was counted at. */
export interface Tally {
  readonly count: number;
  readonly items: string;
}

/** The records of one code; `UNKNOWN` are those without a value. */
export interface Count extends Tally {
  readonly code: string;
}

/** What matters now in another layer, whatever the filter: warnings in force, centres, requests, feeds. */
export interface Current extends Tally {
  readonly records: readonly Json[];
}

export interface Summary extends Tally {
  /** The state that was counted. */
  readonly sequence: string;
  readonly at: Date;
  readonly said: Bilingual;
  readonly caveats: readonly Bilingual[];
  /** Totals by name: active, done, major, overdue. */
  readonly totals: ReadonlyMap<string, Tally>;
  readonly counts: ReadonlyMap<string, readonly Count[]>;
  /** By collection. */
  readonly current: ReadonlyMap<string, Current>;
}

/** The numbers of a filter by each facet: those that choosing a code of that facet would give. */
export type Facetted = Readonly<Record<FacetName, readonly Count[]>>;

/** A link of the server as a path of this origin, whatever host it names. */
function pathOf(href: unknown): string {
  const { pathname, search } = new URL(text(href), location.origin);
  return pathname + search;
}

function readTally(found: Json): Tally {
  return { count: numberOr(found["count"], 0), items: pathOf(found["items"]) };
}

function readCounts(found: Json): readonly [string, readonly Count[]] {
  const groups = objects(found["groups"]).map((group) => ({ ...readTally(group), code: text(group["value"]) || UNKNOWN }));
  return [text(found["column"]), groups];
}

/** The counts of the incidents of a reading that a condition lets through; empty is all. Throws ServerTrouble. */
export async function fetchSummary(reading: Reading, cql2: string): Promise<Summary> {
  const narrowed = cql2 === "" ? {} : filterParameters(cql2);
  const { body, at } = await fetchAnswer("/summary", { ...readingParameters(reading), ...narrowed });
  if (!Array.isArray(body["totals"]) || typeof body["numberMatched"] !== "number") throw new ServerTrouble("unreadable");
  return {
    at,
    count: body["numberMatched"],
    items: pathOf(body["items"]),
    sequence: String(body["sequence"]),
    said: bilingual(body["said"]),
    caveats: objects(body["caveats"]).map((caveat) => bilingual(caveat)),
    totals: new Map(objects(body["totals"]).map((total) => [text(total["name"]), readTally(total)])),
    counts: new Map(objects(body["counts"]).map(readCounts)),
    current: new Map(objects(body["current"]).map((one) => [text(one["collection"]), { ...readTally(one), records: objects(one["records"]) }])),
  };
}

/** A reading of just the state that a summary counted. */
export function pinned(reading: Reading, { sequence }: Summary): Reading {
  return sequence === "0" ? reading : { ...reading, sequence };
}

/** The numbers by each facet, all of one state: where a code is chosen, its facet is counted without it. */
export async function fetchFacetted(reading: Reading, filter: IncidentFilter, whole: Summary): Promise<Facetted> {
  const by = async (name: FacetName): Promise<readonly Count[]> => {
    const others = { ...filter, facets: { ...filter.facets, [name]: NO_FACETS[name] } };
    const summary = filter.facets[name] === null ? whole : await fetchSummary(pinned(reading, whole), narrowing(others));
    return summary.counts.get(name) ?? [];
  };
  const counted = await Promise.all(FACETS.map(async (name) => [name, await by(name)] as const));
  return Object.fromEntries(counted) as Record<FacetName, readonly Count[]>;
}

/** The records behind a number, as many as can be listed and marked. Throws ServerTrouble. */
export async function fetchBehind({ items }: Tally, limit: number): Promise<RecordPage> {
  const separator = items.includes("?") ? "&" : "?";
  return readPage(await fetchJson(`${items}${separator}f=json&limit=${limit}`));
}

/** The records behind a number as a page for people. */
export function addressOf({ items }: Tally): string {
  return `${items}&f=html`;
}
