/**
 * What changed since this reader last looked: of that the browser keeps one number for each mode and role, the state that
 * was seen. The rest is the server's own delta from there on (`/collections/{c}/changes`), so it also holds over days.
 */

import { nextAddress, readFeature, itemsPath, type Feature } from "./api";
import { fetchAnswer, fetchJson, objects, ServerTrouble, text, type Json } from "./http";
import type { LayerInfo } from "./catalogue";
import { asInstant, readInstant } from "./time";
import { wasWritten } from "./send";
import { session } from "./session";
import type { Mode } from "./view";

/** The registers that a duty officer follows. */
const FOLLOWED = ["incidents", "requests", "warnings", "control-centres"] as const;
const PAGE = 1000;
const MOST_PAGES = 10;
/** Times in one question about what was there before. */
const AT_ONCE = 40;
/** Where more changed than this, all that was there is asked for at once. */
const AT_MOST = 200;

export type Kind = "new" | "changed" | "gone";

/** A record that is not as it was; of what is gone only its id is known. */
export interface Change {
  readonly collection: string;
  readonly id: string;
  readonly kind: Kind;
  readonly feature: Feature | null;
}

/** `ahead`: the remembered number is of another store; `gone`: of before the kept history; `many`: too many to list. */
export type NewsTrouble = "ahead" | "gone" | "many" | null;

interface Delta {
  readonly until: number;
  readonly found: readonly Json[];
  readonly complete: boolean;
}

export class News {
  #key = "";
  #since = 0;
  /** How far each collection has been read. */
  #until = new Map<string, number>();
  #changes = new Map<string, Change>();
  /** Counts what was forgotten, so that an answer to an older question is known. */
  #epoch = 0;
  trouble: NewsTrouble = null;

  /** The number of the state that was seen last. */
  get since(): number {
    return this.#since;
  }

  /** What is not seen yet, newest last. */
  get changes(): readonly Change[] {
    return [...this.#changes.values()];
  }

  find(collection: string, id: string): Change | undefined {
    return this.#changes.get(`${collection}/${id}`);
  }

  /** Read what changed up to now; `sequence` is the state that is shown. Throws ServerTrouble. */
  async update(mode: Mode, sequence: string, layers: ReadonlyMap<string, LayerInfo>): Promise<void> {
    this.#begin(mode, Number(sequence));
    if (this.trouble === "gone" || this.trouble === "ahead") return;
    const mine = this.#epoch;
    for (const collection of FOLLOWED) {
      const layer = layers.get(collection);
      if (layer !== undefined) await this.#read(mine, mode, layer);
    }
  }

  /** What was here before is known by heart where this is another mode or reader. */
  #begin(mode: Mode, sequence: number): void {
    const { role, department } = session();
    const key = `cop.seen.${mode}.${role || "public"}.${department}`;
    if (key === this.#key) return;
    this.#key = key;
    this.#forget();
    const kept = Number(recall(key) ?? Number.NaN);
    this.#since = Number.isSafeInteger(kept) && kept > 0 ? kept : sequence;
    if (this.#since !== kept) remember(key, this.#since);
  }

  #forget(): void {
    this.#epoch += 1;
    this.#until.clear();
    this.#changes.clear();
    this.trouble = null;
  }

  async #read(mine: number, mode: Mode, layer: LayerInfo): Promise<void> {
    const from = this.#until.get(layer.id) ?? this.#since;
    let delta: Delta;
    try {
      delta = await fetchDelta(mode, layer.id, from);
    } catch (error) {
      if (mine === this.#epoch) this.#take(error);
      return;
    }
    const before = await knownBefore(mode, layer, this.#since, delta.found);
    if (mine !== this.#epoch) return;
    this.#until.set(layer.id, delta.until);
    if (!delta.complete) this.trouble = "many";
    for (const one of delta.found) this.#put(layer.id, one, before);
  }

  /** Throws what is no word on the remembered number. */
  #take(error: unknown): void {
    const status = error instanceof ServerTrouble ? error.status : null;
    if (status === 410) this.trouble = "gone";
    else if (status === 400) this.trouble = "ahead";
    else throw error;
  }

  #put(collection: string, found: Json, before: ReadonlySet<string>): void {
    const id = text(found["id"]);
    const key = `${collection}/${id}`;
    const known = this.#changes.get(key);
    this.#changes.delete(key);
    if (wasWritten(collection, id)) return;
    const wasThere = known === undefined ? before.has(id) : known.kind !== "new";
    if (found["deleted"] === true) {
      // What came and went since is nothing that anybody has seen.
      if (wasThere) this.#changes.set(key, { collection, id, kind: "gone", feature: null });
      return;
    }
    this.#changes.set(key, { collection, id, kind: wasThere ? "changed" : "new", feature: readFeature(found) });
  }

  /** A record was looked at. Whether that changed anything. */
  see(collection: string, id: string): boolean {
    return this.#changes.delete(`${collection}/${id}`);
  }

  /** All of it was seen: the next look begins at the state that is shown. */
  seeAll(sequence: string): void {
    const read = [...this.#until.values()];
    const reached = this.trouble === null && read.length > 0 ? Math.max(...read) : Number(sequence);
    this.#forget();
    this.#since = reached;
    remember(this.#key, reached);
  }
}

/** A browser may forbid its storage: then each visit is the first one. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: number): void {
  try {
    localStorage.setItem(key, String(value));
  } catch {
    // Nothing to be done: the number is kept as long as the page is open.
  }
}

async function fetchDelta(mode: Mode, collection: string, since: number): Promise<Delta> {
  const path = `/collections/${encodeURIComponent(collection)}/changes`;
  let { body } = await fetchAnswer(path, { mode, since: String(since), limit: String(PAGE) });
  const until = Number(body["until"]);
  const found = objects(body["features"]);
  for (let pages = 1; pages < MOST_PAGES; pages += 1) {
    const next = nextAddress(body);
    if (next === null) return { until, found, complete: true };
    ({ body } = await fetchJson(next));
    found.push(...objects(body["features"]));
  }
  return { until, found, complete: nextAddress(body) === null };
}

/**
 * The ids of those records that were there at a state. A record's own time stays as it was made, so the records of these
 * times at that state are asked for; what is gone has no time any more, and was there as far as anybody can tell.
 */
async function knownBefore(mode: Mode, layer: LayerInfo, at: number, found: readonly Json[]): Promise<ReadonlySet<string>> {
  const known = new Set(found.filter(({ deleted }) => deleted === true).map(({ id }) => text(id)));
  const living = found.filter(({ deleted }) => deleted !== true).map(readFeature);
  const column = TIMES[layer.id];
  if (living.length === 0 || at === 0) return known;
  const times = column === undefined ? [] : [...new Set(living.map(({ properties }) => text(properties[column])))].filter((time) => time !== "");
  const few = column !== undefined && times.length <= AT_MOST;
  const conditions = few ? chunks(times, AT_ONCE).map((some) => `${column} IN (${some.map(instant).join(",")})`) : [""];
  for (const condition of conditions) {
    const narrowed: Record<string, string> = condition === "" ? {} : { filter: condition, "filter-lang": "cql2-text" };
    const properties = column ?? "department";
    let { body } = await fetchAnswer(itemsPath(layer.id), { mode, asof: String(at), limit: "10000", properties, skipGeometry: "true", ...narrowed });
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      for (const one of objects(body["features"])) known.add(text(one["id"]));
      const next = nextAddress(body);
      if (next === null) break;
      ({ body } = await fetchJson(next));
    }
  }
  return known;
}

/** The column of each register that stays as a record was made; the few control centres need none. */
const TIMES: Readonly<Record<string, string>> = { incidents: "reported_at", requests: "asked_at", warnings: "issued_at" };

function instant(time: string): string {
  const at = readInstant(time);
  // A second holds the time and whatever fraction of it the store keeps.
  return `TIMESTAMP('${at === null || /\.\d/.test(time) ? time : asInstant(at)}')`;
}

function chunks<T>(of: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(of.length / size) }, (_, at) => of.slice(at * size, (at + 1) * size));
}
