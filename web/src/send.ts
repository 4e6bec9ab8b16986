/** Writing: a record goes to the server with the session's token, and comes back as the server keeps it. */

import type { Geometry } from "geojson";
import { readFeature, itemsPath, type Feature } from "./api";
import { isObject, objects, ServerTrouble, text, type Json } from "./http";
import { fetchSession, session } from "./session";
import type { Mode } from "./view";

const PATIENCE_MS = 30_000;

/** One thing that is wrong in what was sent. */
export interface Fault {
  /** The column, or empty for the record as a whole. */
  readonly column: string;
  readonly reason: string;
}

/** The server did not take a record; `detail` is its own sentence. */
export class NotTaken extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly faults: readonly Fault[],
    readonly parameter: string,
  ) {
    super(detail);
  }
}

/** A record with the tag of its version, which a change must name. */
export interface Versioned {
  readonly feature: Feature;
  readonly etag: string;
}

export type Values = Readonly<Record<string, unknown>>;

export interface Draft {
  readonly properties: Values;
  readonly geometry: Geometry | null;
}

/** A key by which the server knows a repeated sending. Also where the page has no secure context. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function faultOf({ pointer, reason }: Json): Fault {
  const path = text(pointer);
  const column = /^\/properties\/([^/]+)/.exec(path)?.[1] ?? (path.startsWith("/geometry") ? "geometry" : "");
  return { column, reason: text(reason) };
}

async function refusal(answer: Response): Promise<NotTaken> {
  const told: unknown = await answer.json().catch(() => null);
  const body = isObject(told) ? told : {};
  return new NotTaken(answer.status, text(body["detail"]), objects(body["errors"]).map(faultOf), text(body["parameter"]));
}

type Headers = Readonly<Record<string, string>>;

async function once(method: string, address: string, headers: Headers, body: string): Promise<Response> {
  try {
    return await fetch(address, {
      method,
      body,
      headers: { ...headers, Accept: "application/geo+json", "COP-CSRF": session().csrf },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new ServerTrouble("unreachable");
  }
}

async function send(method: string, address: string, headers: Headers, body: unknown): Promise<Versioned> {
  const text_ = JSON.stringify(body);
  let answer = await once(method, address, headers, text_);
  if (!answer.ok) {
    let refused = await refusal(answer);
    // Another tab may have begun another session: its token counts now.
    if (refused.parameter !== "COP-CSRF") throw refused;
    await fetchSession();
    answer = await once(method, address, headers, text_);
    if (!answer.ok) {
      refused = await refusal(answer);
      throw refused;
    }
  }
  const told: unknown = await answer.json().catch(() => null);
  return { feature: readFeature(told), etag: answer.headers.get("ETag") ?? "" };
}

/** What was written from this page a moment ago: to its writer it is no news. */
const written = new Map<string, number>();
const MOMENT_MS = 15_000;

/** Note a record that was changed from here, also where another record's change did it. */
export function noteWritten(collection: string, id: string): void {
  written.set(`${collection}/${id}`, Date.now());
}

/** Whether a change that is heard of is what was written from here; each is asked about once. */
export function wasWritten(collection: string, id: string): boolean {
  const key = `${collection}/${id}`;
  const at = written.get(key);
  written.delete(key);
  return at !== undefined && Date.now() - at < MOMENT_MS;
}

/** Make a record. The same key never makes two. Throws NotTaken or ServerTrouble. */
export async function create(collection: string, mode: Mode, draft: Draft, key: string): Promise<Versioned> {
  const headers = { "Content-Type": "application/geo+json", "Idempotency-Key": key };
  const body = { type: "Feature", geometry: draft.geometry, properties: draft.properties };
  const made = await send("POST", `${itemsPath(collection)}?mode=${mode}`, headers, body);
  noteWritten(collection, made.feature.id);
  return made;
}

/** Text as a header carries it: the bytes of UTF-8. */
function asHeader(words: string): string {
  return String.fromCharCode(...new TextEncoder().encode(words));
}

/** Change some properties of the version that was read. Throws NotTaken (412 where it is no longer that) or ServerTrouble. */
export async function change(
  collection: string,
  mode: Mode,
  { feature, etag }: Versioned,
  draft: { readonly properties: Values; readonly geometry?: Geometry | null },
  reason = "",
): Promise<Versioned> {
  const headers = {
    "Content-Type": "application/merge-patch+json",
    "If-Match": etag,
    ...(reason === "" ? {} : { "COP-Reason": asHeader(reason) }),
  };
  noteWritten(collection, feature.id);
  return send("PATCH", `${itemsPath(collection)}/${encodeURIComponent(feature.id)}?mode=${mode}`, headers, draft);
}
