/** The handover of a shift: what one department carries over, what changed since the shift began, and what was noted. */

import { fetchRegister, readFeature, type Feature, type Reading, type RecordPage } from "./api";
import { ACTIVE } from "./filters";
import { fetchAnswer, objects, ServerTrouble } from "./http";
import { fetchInbox, isOurs, type Inbox } from "./inbox";
import { fetchBehind, fetchSummary, pinned, type Summary } from "./summary";
import { HOUR, pictureTime } from "./time";
import type { Mode } from "./view";

export const NOTES = "handover-notes";
const LISTED = 50;
const CHANGED = 200;
const LAST_NOTES = 5;
/** How long a shift is taken to be where no note says when it began. */
const SHIFT_HOURS = 8;
const ACTIVE_MAJOR = `major = TRUE AND status IN (${ACTIVE.map((status) => `'${status}'`).join(",")})`;

/** What changed of the department's incidents since the shift began. */
export interface Changed {
  readonly features: readonly Feature[];
  readonly gone: readonly string[];
  /** There is more than could be listed. */
  readonly more: boolean;
}

export interface Shift {
  readonly began: Date;
  readonly notes: RecordPage;
  readonly now: Summary;
  /** The same numbers when the shift began; `null` where the history does not reach back to it. */
  readonly then: Summary | null;
  readonly activeMajor: Summary;
  readonly majorCases: RecordPage;
  readonly overdue: RecordPage;
  readonly changed: Changed | null;
  readonly inbox: Inbox;
}

/** What the reader said of when the shift began; else the last note tells. */
let chosen: Date | null = null;

export function chooseBegin(at: Date | null): void {
  chosen = at;
}

function beginOf(notes: RecordPage): Date {
  const last = notes.features[0]?.properties["at"];
  const told = typeof last === "string" ? new Date(last) : null;
  return chosen ?? told ?? new Date(pictureTime().getTime() - SHIFT_HOURS * HOUR);
}

function ours(...conditions: readonly string[]): string {
  return [...isOurs("department"), ...conditions].join(" AND ");
}

/** A state before the kept history is no trouble: then there is nothing to compare with. */
async function unlessGone<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ServerTrouble && error.status === 410) return null;
    throw error;
  }
}

async function fetchChanged(mode: Mode, { sequence }: Summary): Promise<Changed> {
  const filter = ours();
  const narrowed: Record<string, string> = filter === "" ? {} : { filter, "filter-lang": "cql2-text" };
  const { body } = await fetchAnswer("/collections/incidents/changes", { mode, since: sequence, limit: String(CHANGED), ...narrowed });
  const found = objects(body["features"]);
  return {
    features: found.filter(({ deleted }) => deleted !== true).map(readFeature),
    gone: found.filter(({ deleted }) => deleted === true).map(({ id }) => String(id)),
    more: objects(body["links"]).some(({ rel }) => rel === "next"),
  };
}

/** Read all that a handover wants. Throws ServerTrouble. */
export async function fetchShift(mode: Mode): Promise<Shift> {
  const reading: Reading = { mode, asof: null };
  const notesOf = ours();
  const [notes, now, inbox] = await Promise.all([
    fetchRegister(reading, NOTES, { limit: LAST_NOTES, sortby: "-at", ...(notesOf === "" ? {} : { cql2: notesOf }) }),
    fetchSummary(reading, ours()),
    fetchInbox(reading),
  ]);
  const began = beginOf(notes);
  const same = pinned(reading, now);
  const late = now.totals.get("overdue");
  const [then, activeMajor, overdue] = await Promise.all([
    unlessGone(fetchSummary({ mode, asof: began }, ours())),
    fetchSummary(same, ours(ACTIVE_MAJOR)),
    late === undefined ? Promise.reject(new ServerTrouble("unreadable")) : fetchBehind(late, LISTED),
  ]);
  const [majorCases, changed] = await Promise.all([
    fetchBehind(activeMajor, LISTED),
    then === null ? null : unlessGone(fetchChanged(mode, then)),
  ]);
  return { began, notes, now, then, activeMajor, majorCases, overdue, changed, inbox };
}
