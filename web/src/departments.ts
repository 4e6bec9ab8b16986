/** What departments stand ready with and ask of each other: control centres and requests. */

import { fetchRegister, type Feature, type Reading, type RecordPage } from "./api";
import type { LayerInfo } from "./catalogue";
import { eitherLanguage, timeOf, wordsElement } from "./details";
import { el } from "./dom";
import { number, pick, t } from "./i18n";
import { chip, requestEntry, when } from "./requests";
import type { Mode } from "./view";

const LISTS = ["control-centres", "requests"] as const;
type ListName = (typeof LISTS)[number];
export type DepartmentLists = ReadonlyMap<ListName, RecordPage | null>;
const MOST = 200;
type Layers = ReadonlyMap<string, LayerInfo>;

const QUESTIONS: Readonly<Record<ListName, { sortby?: string; cql2?: string }>> = {
  "control-centres": {},
  requests: { sortby: "-asked_at" },
};

/** The lists of those collections that there are; `null` for one that could not be read. */
export async function fetchDepartmentLists(reading: Reading, layers: Layers): Promise<DepartmentLists> {
  const names = LISTS.filter((name) => layers.has(name));
  const pages = await Promise.allSettled(
    names.map((name) => fetchRegister(reading, name, { limit: MOST, ...QUESTIONS[name] })),
  );
  return new Map(
    names.map((name, at) => {
      const page = pages[at];
      return [name, page?.status === "fulfilled" ? page.value : null] as const;
    }),
  );
}

function centre({ id, properties }: Feature): HTMLElement {
  const active = properties["active"] === true;
  const name = eitherLanguage(properties, "name");
  return el(
    "li",
    { class: "entry" },
    el("span", { class: "entry-head" }, wordsElement("strong", name.text === "" ? { text: id, lang: null } : name),
      chip(active ? "on" : "done", t(active ? "centreActive" : "centreInactive"))),
    el("span", { class: "item-words" }, t("sinceTime"), " ", when(timeOf(properties, "since")) ?? t("notKnown")),
  );
}

function ofActiveFirst(page: RecordPage): readonly Feature[] {
  const rank = ({ properties }: Feature): number => (properties["active"] === true ? 0 : 1);
  return page.features.toSorted((a, b) => rank(a) - rank(b));
}

/** What entries of requests need to be answered from the list. */
export interface Replying {
  /** `null` where nothing is answered: of a past picture, or while the mode is not known. */
  readonly mode: Mode | null;
  readonly onDone: () => void;
  readonly openIncident: (id: string) => void;
  /** What the summary says of the same registers. */
  readonly current: ReadonlyMap<string, { readonly count: number }> | undefined;
}

function entries(name: ListName, page: RecordPage, layer: LayerInfo | undefined, { mode, onDone, openIncident }: Replying): HTMLElement[] {
  if (name === "control-centres") return ofActiveFirst(page).map(centre);
  return page.features.map((feature) => requestEntry(feature, layer, mode, onDone, { openIncident }));
}

/** The numbers are the summary's own, so that no panel says another one. */
function told(name: ListName, page: RecordPage, current: Replying["current"]): string {
  const all = page.matched ?? page.features.length;
  const counted = current?.get(name)?.count;
  if (name === "control-centres" && counted !== undefined) return t("centresOf", { n: number(counted), all: number(all) });
  return all > page.features.length
    ? t("firstOf", { n: number(page.features.length), all: number(all) })
    : t("allListed", { n: number(all) });
}

/** Write the lists. `null` while they are not known. */
export function writeDepartments(
  place: HTMLElement,
  lists: DepartmentLists | null,
  layers: Layers | null,
  replying: Replying,
): void {
  // An answer that is being written is not written over.
  if (place.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return;
  if (lists === null) {
    place.replaceChildren(el("p", { class: "note pad" }, t("loading")));
    return;
  }
  const sections = [...lists].map(([name, page]) => {
    const layer = layers?.get(name);
    const title = el("h3", {}, layer === undefined ? name : pick(layer.title));
    if (page === null) return el("section", { class: "counts-section" }, title, el("p", { class: "caveat" }, t("listUnknown")));
    const made = entries(name, page, layer, replying);
    return el(
      "section",
      { class: "counts-section", "data-list": name },
      title,
      el("p", { class: "note" }, made.length === 0 ? t("noneListed") : told(name, page, replying.current)),
      el("ul", { class: "entries" }, ...made),
    );
  });
  place.replaceChildren(...(sections.length > 0 ? sections : [el("p", { class: "note pad" }, t("noLists"))]));
}
