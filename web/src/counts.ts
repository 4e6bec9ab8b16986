/** Counting incidents by district, category, department and status, from the same answer that the total is of. */

import type { Census, Counted } from "./api";
import { FACETS, UNKNOWN, type FacetName, type Facets } from "./filters";

/** A code with its number of incidents; `UNKNOWN` are those without a value. */
export interface Count {
  readonly code: string;
  readonly count: number;
}

function isOf(row: Counted, name: FacetName, code: string | null): boolean {
  return code === null || (row[name] ?? UNKNOWN) === code;
}

/** How many incidents of a census all facets let through. */
export function total({ rows }: Census, facets: Facets): number {
  return rows.filter((row) => FACETS.every((name) => isOf(row, name, facets[name]))).length;
}

/**
 * The numbers by one facet, of the incidents that the other facets let through: each is the number that choosing its
 * code would give. `codes` are named even where they have none; what no list knows follows.
 */
export function countsBy(
  { rows }: Census,
  facets: Facets,
  by: FacetName,
  codes: readonly string[],
): Count[] {
  const others = FACETS.filter((name) => name !== by);
  const counts = new Map<string, number>(codes.map((code) => [code, 0]));
  for (const row of rows) {
    if (!others.every((name) => isOf(row, name, facets[name]))) continue;
    const code = row[by] ?? UNKNOWN;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return [...counts].map(([code, count]) => ({ code, count }));
}

/** Whether every incident of the filter is among the rows. */
export function isComplete({ rows, matched }: Census): boolean {
  return matched !== null && rows.length === matched;
}
