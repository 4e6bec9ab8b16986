/** Requests to the server and the parts of its JSON, checked at the border. Every path is of this origin. */

import type { Bilingual } from "./i18n";
import { readInstant } from "./time";

const TIMEOUT_MS = 20_000;

export type Json = Readonly<Record<string, unknown>>;

/** A body with what the answer's headers say of its state. */
export interface Answer {
  readonly body: Json;
  /** The server's clock when it answered. */
  readonly at: Date;
  /** The high-water mark that the answer was made at, where the server says it. */
  readonly sequence: string | null;
  /** The tag of the answer's version; empty where there is none. */
  readonly etag: string;
  /** The feeds behind the answer that are late, stale or down. */
  readonly caveat: string | null;
}

/** The server could not be reached, refused, or sent what cannot be read. */
export class ServerTrouble extends Error {
  constructor(
    readonly kind: "unreachable" | "refused" | "unreadable",
    readonly status: number | null = null,
    /** Where the kept history begins, for a moment before it. */
    readonly earliest: Date | null = null,
  ) {
    super(status === null ? kind : `${kind}: ${status}`);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function bilingual(value: unknown, otherwise = ""): Bilingual {
  if (!isObject(value)) return { en: text(value) || otherwise, zh: "" };
  return { en: text(value["en"]) || otherwise, zh: text(value["zh"]) };
}

export function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

export function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

async function refusal(response: Response): Promise<ServerTrouble> {
  let earliest: Date | null = null;
  if (response.status === 410) {
    const problem: unknown = await response.json().catch(() => null);
    if (isObject(problem) && problem["parameter"] === "asof") earliest = readInstant(text(problem["example"]));
  }
  return new ServerTrouble("refused", response.status, earliest);
}

/** Ask for JSON at an address of this origin. Throws ServerTrouble. */
export async function fetchJson(address: string): Promise<Answer> {
  let response: Response;
  let body: unknown;
  try {
    // no-cache asks the server each time, with the ETag of what the browser keeps: an unchanged answer is a 304.
    response = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new ServerTrouble("unreachable");
  }
  if (!response.ok) throw await refusal(response);
  try {
    body = await response.json();
  } catch {
    throw new ServerTrouble("unreadable");
  }
  if (!isObject(body)) throw new ServerTrouble("unreadable");
  return {
    body,
    at: readInstant(response.headers.get("Date")) ?? new Date(),
    sequence: response.headers.get("COP-Sequence"),
    caveat: response.headers.get("COP-Caveat"),
    etag: response.headers.get("ETag") ?? "",
  };
}

/** Ask for JSON at a path with parameters. Throws ServerTrouble. */
export async function fetchAnswer(
  path: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return fetchJson(`${path}?${new URLSearchParams({ f: "json", ...parameters })}`);
}
