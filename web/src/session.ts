/** Who reads this page: the session, and what the server says of it. */

import { fetchJson, isObject, objects, bilingual, ServerTrouble, text, type Json } from "./http";
import type { Bilingual } from "./i18n";
import { isMode, type Mode } from "./view";

/** What the one-click entry into an exercise may be asked for. */
export interface Entry {
  readonly roles: readonly { readonly role: string; readonly ofDepartment: boolean }[];
  readonly departments: readonly { readonly code: string; readonly title: Bilingual }[];
}

export interface Session {
  readonly known: boolean;
  readonly role: string;
  readonly department: string;
  /** The one mode in which the session is anybody; `null` is all. */
  readonly onlyMode: Mode | null;
  readonly csrf: string;
  /** `null` where nobody enters without credentials. */
  readonly entry: Entry | null;
}

export const NOBODY: Session = { known: false, role: "", department: "", onlyMode: null, csrf: "", entry: null };
const PATH = "/session";
const PATIENCE_MS = 20_000;
const WRITERS = ["reporter", "administrator", "emsc"];

let current: Session = NOBODY;

/** The session as it was last told. */
export function session(): Session {
  return current;
}

function readEntry(value: unknown): Entry | null {
  if (!isObject(value)) return null;
  return {
    roles: objects(value["roles"]).map(({ role, of_a_department }) => ({ role: text(role), ofDepartment: of_a_department === true })),
    departments: objects(value["departments"]).map(({ code, title }) => ({ code: text(code), title: bilingual(title, text(code)) })),
  };
}

function keep(body: Json): Session {
  const only = body["only_mode"];
  current = {
    known: body["known"] === true,
    role: text(body["role"]),
    department: text(body["department"]),
    onlyMode: isMode(only) ? only : null,
    csrf: text(body["csrf"]),
    entry: readEntry(body["entry"]),
  };
  return current;
}

/** Ask the server who reads this page. Throws ServerTrouble. */
export async function fetchSession(): Promise<Session> {
  return keep((await fetchJson(PATH)).body);
}

/** The session; asked for first where the server was not heard yet, and nobody's where it cannot be. */
export async function heardSession(): Promise<Session> {
  return current === NOBODY ? fetchSession().catch(() => NOBODY) : current;
}

/** Why somebody could not sign in: the server's own sentence, where it gave one. */
export class NotSignedIn extends Error {
  constructor(
    readonly status: number | null,
    readonly detail: string,
  ) {
    super(detail);
  }
}

async function ask(method: string, headers: Readonly<Record<string, string>>, body?: string): Promise<Json> {
  let answer: Response;
  try {
    const more = body === undefined ? {} : { body };
    answer = await fetch(PATH, { method, headers, signal: AbortSignal.timeout(PATIENCE_MS), ...more });
  } catch {
    throw new ServerTrouble("unreachable");
  }
  const told: unknown = answer.status === 204 ? {} : await answer.json().catch(() => null);
  if (!answer.ok) throw new NotSignedIn(answer.status, isObject(told) ? text(told["detail"]) : "");
  if (!isObject(told)) throw new ServerTrouble("unreadable");
  return told;
}

/** Enter the exercise in a role. Throws NotSignedIn or ServerTrouble. */
export async function enter(role: string, department: string | null): Promise<Session> {
  const body = JSON.stringify(department === null ? { role } : { role, department });
  return keep(await ask("POST", { "Content-Type": "application/json" }, body));
}

/** Sign in with an API key or a token, which is kept nowhere. Throws NotSignedIn or ServerTrouble. */
export async function signIn(credential: string): Promise<Session> {
  return keep(await ask("POST", { Authorization: `Bearer ${credential}` }));
}

/** Sign out. Throws NotSignedIn or ServerTrouble. */
export async function signOut(): Promise<Session> {
  await ask("DELETE", { "COP-CSRF": current.csrf });
  return fetchSession();
}

/** Whether the session is anybody in a mode. */
export function countsIn(mode: Mode | null): boolean {
  return current.known && (current.onlyMode === null || current.onlyMode === mode);
}

/** Whether this reader may write records of a mode. */
export function mayWrite(mode: Mode | null): boolean {
  return countsIn(mode) && WRITERS.includes(current.role);
}

/** Whether this reader may change what belongs to a department. */
export function owns(department: unknown, mode: Mode | null): boolean {
  return mayWrite(mode) && (current.role === "emsc" || department === current.department);
}

/** Whether this reader may give to another department what belongs to this one. */
export function mayHandOver(department: unknown, mode: Mode | null): boolean {
  return owns(department, mode) && current.role !== "reporter";
}

/** What tells one reader from another. */
export function readerKey({ known, role, department, onlyMode }: Session): string {
  return JSON.stringify([known, role, department, onlyMode]);
}
