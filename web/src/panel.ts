/** The panel of incidents: the count with its filter in words, and the incidents reported last or behind a number. */

import type { Feature, RecordPage } from "./api";
import type { LayerInfo } from "./catalogue";
import { codeTitle, eitherLanguage, timeOf, wordsElement } from "./details";
import { byId, el, say } from "./dom";
import type { IncidentFilter } from "./filters";
import { age, clock, dateTime, number, pick, t } from "./i18n";
import { markElement, type State } from "./icons";
import { isOverdue } from "./incident-card";
import { stateOf } from "./incidents";
import type { Change } from "./news";
import type { Behind } from "./state";
import type { Summary } from "./summary";
import type { Theme } from "./view";

/** More lines than these nobody reads; the map marks all of them. */
const MOST = 200;

/** What the panel shows, and for which question. */
export interface PanelContent {
  readonly summary: Summary | null;
  readonly page: RecordPage | null;
  /** The records of a number that the reader opened, instead of those reported last. */
  readonly behind: Behind | null;
  /** What changed since the reader last looked, by id. */
  readonly changeOf: (id: string) => Change | undefined;
  /** How many of all that match have no position. */
  readonly unplaced: number | null;
  /** How many active ones the period leaves out. */
  readonly older: number | null;
  readonly filter: IncidentFilter;
  readonly layer: LayerInfo | undefined;
  readonly theme: Theme;
  /** The server does not answer. */
  readonly troubled: boolean;
}

export interface PanelActions {
  pickFromList(feature: Feature): void;
  showAllTimes(): void;
  closeNumber(): void;
}

function countText({ summary, troubled }: PanelContent): string {
  if (summary === null) return t(troubled ? "countUnknown" : "loading");
  return t(summary.count === 1 ? "countOne" : "countMany", { n: number(summary.count) });
}

function wordsText({ summary, page, unplaced }: PanelContent): string {
  if (summary === null) return "";
  const words = [pick(summary.said)];
  if (summary.count === 0) words.push(t("noIncidents"));
  const listed = page?.features.length ?? 0;
  if (listed > 0 && summary.count > listed) words.push(t("wordsListed", { n: number(listed) }));
  if (unplaced !== null && unplaced > 0) words.push(t("wordsNotOnMap", { n: number(unplaced) }));
  return words.join(" ");
}

function reportedAt({ properties }: Feature): HTMLElement {
  const at = timeOf(properties, "reported_at");
  return at === null ? el("time") : el("time", { datetime: at.toISOString() }, age(at) || dateTime(at));
}

/** The state in chips, with the time of the report. */
function stateLine(feature: Feature, state: State, layer: LayerInfo | undefined): HTMLElement {
  const { properties, geometry } = feature;
  const chip = (kind: string, text: string): HTMLElement => el("span", { class: `chip chip-${kind}` }, text);
  return el(
    "span",
    { class: "item-state" },
    state === "major" ? chip("major", t("major")) : null,
    chip(state === "done" ? "done" : "active", codeTitle(layer, "status", properties["status"])),
    isOverdue(properties) ? chip("overdue", t("overdue")) : null,
    geometry === null ? chip("plain", t("notOnMap")) : null,
    reportedAt(feature),
  );
}

function whatWhoWhere({ properties }: Feature, layer: LayerInfo | undefined): HTMLElement {
  const place = eitherLanguage(properties, "location").text;
  const words = [
    codeTitle(layer, "category", properties["category"]),
    String(properties["department"] ?? ""),
    place || codeTitle(layer, "district", properties["district"]),
  ];
  return el("span", { class: "item-words" }, words.filter((word) => word !== "").join(t("listSeparator")));
}

export function listItem(
  feature: Feature,
  { layer, theme, changeOf }: PanelContent,
  onPick: (feature: Feature) => void,
): HTMLElement {
  const change = changeOf(feature.id);
  const state = stateOf(feature.properties);
  const title = eitherLanguage(feature.properties, "title");
  const text = el(
    "span",
    { class: "item-text" },
    change === undefined ? null : el("span", { class: `chip chip-news` }, t(change.kind === "new" ? "newsNew" : "newsChanged")),
    wordsElement("strong", title.text === "" ? { text: t("untitled"), lang: null } : title),
    stateLine(feature, state, layer),
    whatWhoWhere(feature, layer),
  );
  const mark = markElement(String(feature.properties["category"] ?? ""), state, theme);
  const button = el("button", { type: "button", class: "item", "data-id": feature.id }, mark, text);
  button.addEventListener("click", () => onPick(feature));
  return el("li", change === undefined ? {} : { class: "is-news" }, button);
}

/** What the period leaves out although somebody still has to deal with it is said, with the way to it. */
function writeOlder({ older, filter }: PanelContent, onAllTimes: () => void): void {
  const place = byId("older", HTMLParagraphElement);
  place.hidden = older === null || older === 0 || filter.period === "all";
  if (place.hidden) return;
  const show = el("button", { type: "button", class: "link", id: "show-older" }, t("showOlder"));
  show.addEventListener("click", onAllTimes);
  place.replaceChildren(t("olderActive", { n: number(older ?? 0) }), " ", show);
}

/** What makes the numbers doubtful, folded to one line: the sources' names would fill the panel. */
function writeCaveats({ summary, page }: PanelContent): void {
  const place = byId("caveat", HTMLDetailsElement);
  const said = [...(summary?.caveats ?? []).map(pick), ...(page?.caveat ? [page.caveat] : [])];
  place.hidden = said.length === 0;
  const feeds = summary?.current.get("feeds")?.count ?? 0;
  const head = feeds > 0 ? t("caveatFeeds", { n: number(feeds) }) : t("caveatHead");
  place.replaceChildren(el("summary", {}, head), ...said.map((words) => el("p", {}, words)));
}

/** Which number the list is of, and the way back. */
function writeBehind({ behind, troubled }: PanelContent, onClose: () => void): void {
  const place = byId("behind", HTMLDivElement);
  place.hidden = behind === null;
  if (behind === null) return;
  const { tally, title, page } = behind;
  const close = el("button", { type: "button", class: "link", id: "close-number" }, t("closeNumber"));
  close.addEventListener("click", onClose);
  const listed = Math.min(page?.features.length ?? 0, MOST);
  const words = page === null
    ? t(troubled ? "listUnknown" : "loading")
    : [t("countedAt", { time: clock(page.at) }), tally.count > listed ? t("firstOf", { n: number(listed), all: number(tally.count) }) : ""].join(" ");
  place.replaceChildren(el("h3", {}, t("behindNumber", { n: number(tally.count), name: title })), el("p", { class: "note" }, words), close);
}

/** Write the panel. The keyboard stays on the incident it was on. */
export function writePanel(content: PanelContent, actions: PanelActions): void {
  say(byId("count", HTMLParagraphElement), countText(content));
  say(byId("count-words", HTMLParagraphElement), wordsText(content));
  writeCaveats(content);
  writeOlder(content, () => actions.showAllTimes());
  writeBehind(content, () => actions.closeNumber());
  const list = byId("incident-list", HTMLOListElement);
  const focused =
    document.activeElement instanceof HTMLElement ? document.activeElement.dataset["id"] : undefined;
  const features = (content.behind === null ? content.page : content.behind.page)?.features ?? [];
  list.replaceChildren(
    ...features.slice(0, MOST).map((feature) => listItem(feature, content, (picked) => actions.pickFromList(picked))),
  );
  if (focused === undefined) return;
  list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
