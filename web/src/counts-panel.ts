/** Tables of counts: a name narrows the picture to it, a number opens the records that it counts. */

import type { LayerInfo } from "./catalogue";
import { codeTitle, recordTitle, wordsElement } from "./details";
import { colourClasses } from "./districts";
import { el } from "./dom";
import { UNKNOWN, type FacetName, type IncidentFilter } from "./filters";
import { dateTime, number, t } from "./i18n";
import { addressOf, type Count, type Facetted, type Summary, type Tally } from "./summary";
import type { TextKey } from "./texts";
import { readInstant } from "./time";
import type { Theme } from "./view";

export interface CountsContent {
  /** `null` while they are not known. */
  readonly summary: Summary | null;
  readonly facetted: Facetted | null;
  readonly filter: IncidentFilter;
  readonly layer: LayerInfo | undefined;
  readonly layers: ReadonlyMap<string, LayerInfo> | null;
  readonly theme: Theme;
  readonly districtsColoured: boolean;
  readonly troubled: boolean;
}

export interface CountsActions {
  readonly narrow: (name: FacetName, code: string | null) => void;
  readonly colourDistricts: (on: boolean) => void;
  /** Open the records behind a number. */
  readonly openNumber: (tally: Tally, title: string) => void;
}

const TITLES: Readonly<Record<FacetName, TextKey>> = {
  district: "byDistrict",
  category: "byCategory",
  department: "byDepartment",
  status: "byStatus",
};

/** The title of a facet's code. */
export function facetTitle(layer: LayerInfo | undefined, name: FacetName, code: string): string {
  return code === UNKNOWN ? t("notKnown") : codeTitle(layer, name, code);
}

function codesOf(layer: LayerInfo | undefined, name: FacetName): string[] {
  return Object.keys(layer?.columns.find((column) => column.name === name)?.codes ?? {});
}

/** The counts of a facet in the order of a table: districts as the catalogue lists them, all else by number. */
export function tableOf({ facetted, filter, layer }: CountsContent, name: FacetName): Count[] {
  if (facetted === null) return [];
  const counted = new Map(facetted[name].map((count) => [count.code, count]));
  const named = codesOf(layer, name).map((code) => counted.get(code) ?? { code, count: 0, items: "" });
  const others = facetted[name].filter(({ code }) => !named.some((one) => one.code === code));
  // Departments that have none would be most of the table; cancelled incidents are in no count.
  const shown = [...named, ...others].filter(
    ({ code, count }) => count > 0 || filter.facets[name] === code || name === "district" || name === "category",
  );
  if (name === "status") return shown;
  return shown.toSorted((a, b) => b.count - a.count || Number(a.code === UNKNOWN) - Number(b.code === UNKNOWN));
}

/** A number that opens its records here, or their page where somebody wants that in another tab. */
export function figure(tally: Tally, title: string, open: CountsActions["openNumber"]): HTMLElement | string {
  if (tally.items === "") return number(tally.count);
  const link = el("a", { href: addressOf(tally), title: t("recordsOf", { name: title }) }, number(tally.count));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(tally, title);
  });
  return link;
}

function bar(count: number, largest: number): HTMLElement {
  const made = el("span", { class: "bar-of", "aria-hidden": "true" });
  made.style.width = `${largest === 0 ? 0 : Math.round((count / largest) * 100)}%`;
  return made;
}

function tableRow(
  content: CountsContent,
  actions: CountsActions,
  name: FacetName,
  counted: Count,
  largest: number,
): HTMLElement {
  const { filter, layer } = content;
  const { code, count } = counted;
  const chosen = filter.facets[name] === code;
  const title = facetTitle(layer, name, code);
  const narrow = el(
    "button",
    { type: "button", class: "narrow", "aria-pressed": String(chosen), "data-code": code },
    title,
  );
  narrow.addEventListener("click", () => actions.narrow(name, chosen ? null : code));
  return el(
    "tr",
    { "data-facet": name, "data-code": code, ...(chosen ? { class: "chosen" } : {}) },
    el("th", { scope: "row" }, narrow),
    el("td", { class: "bar-cell" }, bar(count, largest)),
    el("td", { class: "figure" }, figure(counted, title, actions.openNumber)),
  );
}

function table(content: CountsContent, actions: CountsActions, name: FacetName): HTMLElement {
  const counts = tableOf(content, name);
  const largest = Math.max(0, ...counts.map(({ count }) => count));
  const rows = counts.map((each) => tableRow(content, actions, name, each, largest));
  return el(
    "section",
    { class: "counts-section" },
    el("h3", { id: `counts-${name}` }, t(TITLES[name])),
    name === "district" ? districtColours(content, actions) : null,
    el("table", { class: "counts-table", "aria-labelledby": `counts-${name}` }, el("tbody", {}, ...rows)),
  );
}

function districtColours(content: CountsContent, { colourDistricts }: CountsActions): HTMLElement {
  const box = el("input", { type: "checkbox", id: "colour-districts" });
  box.checked = content.districtsColoured;
  box.addEventListener("change", () => colourDistricts(box.checked));
  return el("label", { class: "check" }, box, t("colourDistricts"));
}

/** What the colours of the districts mean; nothing where they are not coloured. */
export function districtLegend(content: CountsContent): HTMLElement | null {
  if (!content.districtsColoured || content.facetted === null) return null;
  const counts = tableOf(content, "district").filter(({ code }) => code !== UNKNOWN);
  const classes = colourClasses(Math.max(0, ...counts.map(({ count }) => count)), content.theme);
  const lines = classes.map(({ least, most, color }) => {
    const sample = el("span", { class: "ramp", "aria-hidden": "true" });
    sample.style.backgroundColor = color;
    const range = least >= most ? number(most) : t("range", { from: number(least), to: number(most) });
    return el("li", {}, sample, el("span", {}, range));
  });
  return el(
    "div",
    { class: "district-legend" },
    el("h3", {}, t("districtLegend")),
    el("ul", {}, ...lines),
    el("p", { class: "note" }, t("districtMarks")),
  );
}

const TOTALS: readonly (readonly [string, TextKey])[] = [
  ["active", "totalActive"],
  ["major", "major"],
  ["overdue", "overdue"],
  ["done", "totalDone"],
];

/** The totals of the filter, each with its records. */
function totals({ totals: found }: Summary, { openNumber }: CountsActions): HTMLElement {
  const made = TOTALS.flatMap(([name, key]) => {
    const tally = found.get(name);
    if (tally === undefined) return [];
    return [el("div", { class: `total total-${name}`, "data-total": name }, el("dt", {}, t(key)), el("dd", {}, figure(tally, t(key), openNumber)))];
  });
  return el("dl", { class: "totals" }, ...made);
}

const CURRENT: readonly (readonly [string, TextKey])[] = [
  ["warnings", "currentWarnings"],
  ["control-centres", "currentCentres"],
  ["requests", "currentRequests"],
  ["feeds", "currentFeeds"],
];

function currentRecord(collection: string, record: Readonly<Record<string, unknown>>, layer: LayerInfo | undefined): HTMLElement {
  const id = String(record["id"] ?? "");
  const at = readInstant(String(record["since"] ?? record["issued_at"] ?? record["asked_at"] ?? record["observed_at"] ?? ""));
  const words = [
    codeTitle(layer, "state", record["state"]),
    collection === "requests" ? t("fromTo", { from: codeTitle(layer, "from_department", record["from_department"]), to: codeTitle(layer, "to_department", record["to_department"]) }) : "",
    at === null ? "" : t("since", { time: dateTime(at) }),
  ];
  return el("li", { class: "entry" }, wordsElement("strong", recordTitle(record, id)), el("span", { class: "item-words" }, words.filter((part) => part !== "").join(t("listSeparator"))));
}

/** What stands beside the counts, whatever the filter: each number opens its records below it. */
function current({ current: found }: Summary, layers: CountsContent["layers"]): HTMLElement {
  const made = CURRENT.flatMap(([collection, key]) => {
    const one = found.get(collection);
    if (one === undefined) return [];
    const records = one.records.map((record) => currentRecord(collection, record, layers?.get(collection)));
    const all = one.count > records.length ? el("p", { class: "note" }, t("firstOf", { n: number(records.length), all: number(one.count) })) : null;
    return [
      el(
        "details",
        { class: "current", "data-current": collection },
        el("summary", {}, el("span", {}, t(key)), el("span", { class: "figure" }, number(one.count))),
        one.count === 0 ? el("p", { class: "note" }, t("noneListed")) : el("ul", { class: "entries" }, ...records),
        all,
        el("p", { class: "note" }, el("a", { href: addressOf(one) }, t("recordsPage"))),
      ),
    ];
  });
  return el("section", { class: "counts-section" }, el("h3", {}, t("beside")), ...made);
}

/** Write the tables. The keyboard stays where it was. */
export function writeCounts(place: HTMLElement, content: CountsContent, actions: CountsActions): void {
  const held = document.activeElement;
  const row = held instanceof HTMLElement && place.contains(held) ? held.closest("tr") : null;
  const wasOn = row === null ? null : `tr[data-facet="${row.dataset["facet"]}"][data-code="${CSS.escape(row.dataset["code"] ?? "")}"] button`;
  const heldId = held instanceof HTMLElement && place.contains(held) ? held.id : "";
  const { summary, facetted } = content;
  if (summary === null || facetted === null) {
    place.replaceChildren(el("p", { class: "note pad" }, t(content.troubled ? "countUnknown" : "loading")));
    return;
  }
  const open = new Set([...place.querySelectorAll<HTMLElement>("details[open]")].map(({ dataset }) => dataset["current"]));
  const note = el("p", { class: "note pad", id: "counts-complete" }, t("countsComplete", { n: number(summary.count) }));
  const names: FacetName[] = ["district", "category", "department", "status"];
  place.replaceChildren(totals(summary, actions), note, current(summary, content.layers), ...names.map((name) => table(content, actions, name)));
  for (const part of place.querySelectorAll("details")) part.open = open.has(part.dataset["current"]);
  const again = wasOn === null ? (heldId === "" ? null : document.getElementById(heldId)) : place.querySelector<HTMLElement>(wasOn);
  again?.focus({ preventScroll: true });
}
