/** The panel of incidents: the count with its filter in words, and the incidents reported last. */

import type { Feature, RecordPage } from "./api";
import type { LayerInfo } from "./catalogue";
import { codeTitle, eitherLanguage, timeOf, wordsElement } from "./details";
import { byId, el, say } from "./dom";
import { inWords, type IncidentFilter } from "./filters";
import { age, dateTime, number, t } from "./i18n";
import { markElement, type State } from "./icons";
import { isOverdue } from "./incident-card";
import { chosenWords } from "./filter-panel";
import { stateOf } from "./incidents";
import type { Mode, Theme } from "./view";

/** What the panel shows, and for which question. */
export interface PanelContent {
  readonly page: RecordPage | null;
  /** How many of all that match have no position. */
  readonly unplaced: number | null;
  /** How many active ones the period leaves out. */
  readonly older: number | null;
  readonly filter: IncidentFilter;
  readonly mode: Mode | null;
  readonly layer: LayerInfo | undefined;
  readonly theme: Theme;
  /** The server does not answer. */
  readonly troubled: boolean;
}

function countText({ page, troubled }: PanelContent): string {
  if (page === null) return t(troubled ? "countUnknown" : "loading");
  if (page.matched === null) return t("countUnknown");
  return t(page.matched === 1 ? "countOne" : "countMany", { n: number(page.matched) });
}

function wordsText({ page, unplaced, filter, mode, layer }: PanelContent): string {
  if (page === null || mode === null) return "";
  const listed = page.features.length;
  const more = page.matched === null || page.matched > listed;
  const words = [inWords(filter, mode, chosenWords(layer, filter.facets))];
  if (listed === 0) words.push(t("noIncidents"));
  if (listed > 0 && more) words.push(t("wordsListed", { n: number(listed) }));
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

function listItem(
  feature: Feature,
  { layer, theme }: PanelContent,
  onPick: (feature: Feature) => void,
): HTMLElement {
  const state = stateOf(feature.properties);
  const title = eitherLanguage(feature.properties, "title");
  const text = el(
    "span",
    { class: "item-text" },
    wordsElement("strong", title.text === "" ? { text: t("untitled"), lang: null } : title),
    stateLine(feature, state, layer),
    whatWhoWhere(feature, layer),
  );
  const mark = markElement(String(feature.properties["category"] ?? ""), state, theme);
  const button = el("button", { type: "button", class: "item", "data-id": feature.id }, mark, text);
  button.addEventListener("click", () => onPick(feature));
  return el("li", {}, button);
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

/** Write the panel. The keyboard stays on the incident it was on. */
export function writePanel(
  content: PanelContent,
  onPick: (feature: Feature) => void,
  onAllTimes: () => void,
): void {
  say(byId("count", HTMLParagraphElement), countText(content));
  say(byId("count-words", HTMLParagraphElement), wordsText(content));
  const caveat = content.page?.caveat ?? null;
  say(byId("caveat", HTMLParagraphElement), caveat === null ? "" : t("caveat", { text: caveat }));
  writeOlder(content, onAllTimes);
  const list = byId("incident-list", HTMLOListElement);
  const focused =
    document.activeElement instanceof HTMLElement ? document.activeElement.dataset["id"] : undefined;
  list.replaceChildren(
    ...(content.page?.features ?? []).map((feature) => listItem(feature, content, onPick)),
  );
  if (focused === undefined) return;
  list.querySelector<HTMLElement>(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
