/** The inbox: what other departments ask of the reader's own, and what it asked of them; what waits stands first. */

import { fetchRegister, type Feature, type Reading, type RecordPage } from "./api";
import type { LayerInfo } from "./catalogue";
import { timeOf } from "./details";
import { byId, el } from "./dom";
import { number, t } from "./i18n";
import { requestEntry, REQUESTS } from "./requests";
import { countsIn, session } from "./session";
import type { TextKey } from "./texts";
import { pictureTime } from "./time";
import type { Mode } from "./view";

const MOST = 200;
const UNANSWERED = "answered_at IS NULL";

export interface Inbox {
  readonly toUs: RecordPage;
  readonly fromUs: RecordPage;
  /** Requests to the reader's department that nobody has acknowledged; of all departments for the EMSC. */
  readonly waiting: number;
}

/** Whether this reader has an inbox: who belongs to a department, and the EMSC, which sees all. */
export function hasInbox(mode: Mode | null): boolean {
  const { department, role } = session();
  return countsIn(mode) && (department !== "" || role === "emsc");
}

/** A condition that a column names the reader's department; of the EMSC every one does. */
export function isOurs(column: string): string[] {
  const { department } = session();
  return department === "" ? [] : [`${column} = '${department.replaceAll("'", "''")}'`];
}

function all(...conditions: readonly string[]): string {
  return conditions.join(" AND ");
}

/** Read the inbox. Throws ServerTrouble. */
export async function fetchInbox(reading: Reading): Promise<Inbox> {
  const ask = (limit: number, ...conditions: readonly string[]): Promise<RecordPage> =>
    fetchRegister(reading, REQUESTS, { limit, cql2: all(UNANSWERED, ...conditions), sortby: "-asked_at" });
  const [toUs, fromUs, waiting] = await Promise.all([
    ask(MOST, ...isOurs("to_department")),
    isOurs("from_department").length === 0 ? null : ask(MOST, ...isOurs("from_department")),
    ask(1, "acknowledged_at IS NULL", ...isOurs("to_department")),
  ]);
  return { toUs, fromUs: fromUs ?? { ...toUs, features: [], matched: 0 }, waiting: waiting.matched ?? 0 };
}

/** What nobody has acknowledged first, then what is due first, then what was asked first. */
function order(a: Feature, b: Feature): number {
  const rank = ({ properties }: Feature): readonly number[] => [
    timeOf(properties, "acknowledged_at") === null ? 0 : 1,
    timeOf(properties, "due_at")?.getTime() ?? Number.MAX_SAFE_INTEGER,
    timeOf(properties, "asked_at")?.getTime() ?? 0,
  ];
  const [left, right] = [rank(a), rank(b)];
  const at = left.findIndex((value, place) => value !== right[place]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

export interface InboxActions {
  readonly onDone: () => void;
  readonly openIncidentById: (id: string) => void;
}

function section(name: string, title: TextKey, page: RecordPage, layer: LayerInfo | undefined, mode: Mode | null, actions: InboxActions): HTMLElement {
  const entries = page.features.toSorted(order).map((feature) =>
    requestEntry(feature, layer, mode, actions.onDone, { openIncident: actions.openIncidentById, history: true }),
  );
  const matched = page.matched ?? entries.length;
  const words = entries.length === 0 ? t("inboxEmpty") : t(matched > entries.length ? "firstOf" : "allListed", { n: number(entries.length), all: number(matched) });
  return el("section", { class: "counts-section", "data-inbox": name }, el("h3", {}, t(title)), el("p", { class: "note" }, words), el("ul", { class: "entries" }, ...entries));
}

/** Why there is nothing yet: whoever belongs nowhere has no inbox, and nothing is done in a past picture. */
export function whyEmpty(past: boolean): TextKey {
  const { known } = session();
  return known ? (past ? "notOfPast" : "loading") : "inboxSignIn";
}

/** Write the inbox; an answer that is being written, or a history that is being read, is not written over. */
export function writeInbox(inbox: Inbox | null, layer: LayerInfo | undefined, mode: Mode | null, actions: InboxActions): void {
  const place = byId("panel-inbox", HTMLDivElement);
  const typed = [...place.querySelectorAll("input")].some(({ value }) => value !== "");
  if (typed || place.querySelector("details[open]") !== null) return;
  if (inbox === null) {
    place.replaceChildren(el("p", { class: "note pad" }, t(whyEmpty(mode === null))));
    return;
  }
  const overdue = inbox.toUs.features.filter(({ properties }) => (timeOf(properties, "due_at") ?? pictureTime()) < pictureTime());
  place.replaceChildren(
    el("p", { class: "note pad", id: "inbox-words" }, t("inboxWords", { n: number(inbox.waiting), overdue: number(overdue.length) })),
    section("to-us", "inboxToUs", inbox.toUs, layer, mode, actions),
    section("from-us", "inboxFromUs", inbox.fromUs, layer, mode, actions),
  );
}

/** The number in the header and on the tab. */
export function writeWaiting(inbox: Inbox | null, mode: Mode | null): void {
  const shown = hasInbox(mode);
  const waiting = inbox?.waiting ?? 0;
  const button = byId("inbox", HTMLButtonElement);
  button.hidden = !shown;
  button.classList.toggle("waits", waiting > 0);
  button.textContent = inbox === null ? t("inbox") : t("inboxN", { n: number(waiting) });
  button.title = t("inboxWhy", { n: number(waiting) });
  for (const tab of ["inbox", "shift"]) {
    const made = byId(`tab-${tab}`, HTMLButtonElement);
    made.hidden = !shown && made.getAttribute("aria-selected") !== "true";
  }
}
