/**
 * Which incidents are shown, as CQL2 for the server and in words for people. The list, the counts and the map's tiles
 * are asked for with the same CQL2, so that they always agree.
 */

import { t } from "./i18n";
import type { TextKey } from "./texts";
import { asInstant, HOUR, pictureTime, quarter } from "./time";
import type { Mode } from "./view";

/** The columns by which incidents are counted and narrowed. */
export const FACETS = ["district", "category", "department", "status"] as const;
export type FacetName = (typeof FACETS)[number];
/** The chosen code of each; `null` is all of them, `UNKNOWN` those without a value. */
export type Facets = Readonly<Record<FacetName, string | null>>;
export const NO_FACETS: Facets = { district: null, category: null, department: null, status: null };
export const UNKNOWN = "-";

const HOURS = { "3h": 3, "24h": 24, "7d": 168, all: null } as const;
export type Period = keyof typeof HOURS;
export const PERIODS = Object.keys(HOURS) as readonly Period[];

export interface IncidentFilter {
  readonly major: boolean;
  readonly active: boolean;
  readonly period: Period;
  readonly facets: Facets;
}

/** Statuses of an incident that somebody still has to deal with. */
export const ACTIVE = ["reported", "confirmed", "responding", "controlled"] as const;

const MODE_TEXT: Readonly<Record<Mode, TextKey>> = {
  actual: "modeActual",
  exercise: "modeExercise",
  test: "modeTest",
};

export function isPeriod(value: unknown): value is Period {
  return typeof value === "string" && Object.hasOwn(HOURS, value);
}

/** The name of a mode in the chosen language. */
export function modeName(mode: Mode): string {
  return t(MODE_TEXT[mode]);
}

/** The report from which on a period counts; `null` for all. */
export function beginOf(period: Period): Date | null {
  const hours = HOURS[period];
  return hours === null ? null : new Date(quarter(pictureTime()).getTime() - hours * HOUR);
}

function quoted(code: string): string {
  return `'${code.replaceAll("'", "''")}'`;
}

function facetTerm(name: FacetName, code: string | null): string[] {
  if (code === null) return [];
  return [code === UNKNOWN ? `${name} IS NULL` : `${name}=${quoted(code)}`];
}

function terms({ major, active, period, facets }: IncidentFilter): string[] {
  const begin = beginOf(period);
  return [
    ...(active ? [`status IN (${ACTIVE.map(quoted).join(",")})`] : []),
    ...(major ? ["major = TRUE"] : []),
    ...(begin === null ? [] : [`reported_at >= TIMESTAMP('${asInstant(begin)}')`]),
    ...FACETS.flatMap((name) => facetTerm(name, facets[name])),
  ];
}

/** What the reader narrowed, as CQL2 text: what is left out of every count, the summary leaves out by itself. */
export function narrowing(filter: IncidentFilter): string {
  return terms(filter).join(" AND ");
}

/** The same for lists and tiles, without cancelled and repeated incidents, which are in no count. */
export function asCql2(filter: IncidentFilter): string {
  return ["status <> 'cancelled'", "duplicate_of IS NULL", ...terms(filter)].join(" AND ");
}

/** Of the incidents of a filter, those that no map can show. */
export function withoutPosition(cql2: string): string {
  return `${cql2} AND geometry IS NULL`;
}

/** What the filter's period leaves out although somebody still has to deal with it; `null` where nothing can be. */
export function olderActive(filter: IncidentFilter): string | null {
  const begin = beginOf(filter.period);
  if (begin === null) return null;
  return `${narrowing({ ...filter, period: "all", active: true })} AND reported_at < TIMESTAMP('${asInstant(begin)}')`;
}
