/** Tables of counts: a name narrows the picture to it, a number leads to the records that it counts. */

import { incidentsAddress, type Census, type Reading } from "./api";
import type { LayerInfo } from "./catalogue";
import { countsBy, isComplete, total, type Count } from "./counts";
import { codeTitle } from "./details";
import { colourClasses } from "./districts";
import { el } from "./dom";
import { asCql2, UNKNOWN, type FacetName, type IncidentFilter } from "./filters";
import { number, t } from "./i18n";
import type { TextKey } from "./texts";
import type { Theme } from "./view";

export interface CountsContent {
  /** `null` while it is not known. */
  readonly census: Census | null;
  readonly filter: IncidentFilter;
  readonly reading: Reading | null;
  readonly layer: LayerInfo | undefined;
  readonly theme: Theme;
  readonly districtsColoured: boolean;
  readonly troubled: boolean;
}

export interface CountsActions {
  readonly narrow: (name: FacetName, code: string | null) => void;
  readonly colourDistricts: (on: boolean) => void;
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
export function tableOf({ census, filter, layer }: CountsContent, name: FacetName): Count[] {
  if (census === null) return [];
  const all = countsBy(census, filter.facets, name, codesOf(layer, name));
  // Departments that have none would be most of the table; cancelled incidents are in no count.
  const shown = all.filter(
    ({ code, count }) => count > 0 || filter.facets[name] === code || name === "district" || name === "category",
  );
  if (name === "status") return shown;
  return shown.toSorted((a, b) => b.count - a.count || Number(a.code === UNKNOWN) - Number(b.code === UNKNOWN));
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
  { code, count }: Count,
  largest: number,
): HTMLElement {
  const { filter, reading, layer } = content;
  const chosen = filter.facets[name] === code;
  const title = facetTitle(layer, name, code);
  const narrow = el(
    "button",
    { type: "button", class: "narrow", "aria-pressed": String(chosen), "data-code": code },
    title,
  );
  narrow.addEventListener("click", () => actions.narrow(name, chosen ? null : code));
  const cql2 = asCql2({ ...filter, facets: { ...filter.facets, [name]: code } });
  const link =
    reading === null
      ? number(count)
      : el(
          "a",
          { href: incidentsAddress(reading, cql2), title: t("recordsOf", { name: title }) },
          number(count),
        );
  return el(
    "tr",
    { "data-facet": name, "data-code": code, ...(chosen ? { class: "chosen" } : {}) },
    el("th", { scope: "row" }, narrow),
    el("td", { class: "bar-cell" }, bar(count, largest)),
    el("td", { class: "figure" }, link),
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
  if (!content.districtsColoured || content.census === null) return null;
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

function completeness({ census, filter }: CountsContent): string {
  if (census === null) return "";
  const counted = number(total(census, filter.facets));
  if (isComplete(census)) return t("countsComplete", { n: counted });
  return t("countsIncomplete", {
    n: number(census.rows.length),
    all: census.matched === null ? t("notKnown") : number(census.matched),
  });
}

/** Write the tables. The keyboard stays where it was. */
export function writeCounts(place: HTMLElement, content: CountsContent, actions: CountsActions): void {
  const held = document.activeElement;
  const row = held instanceof HTMLElement && place.contains(held) ? held.closest("tr") : null;
  const wasOn = row === null ? null : `tr[data-facet="${row.dataset["facet"]}"][data-code="${CSS.escape(row.dataset["code"] ?? "")}"] button`;
  const heldId = held instanceof HTMLElement && place.contains(held) ? held.id : "";
  if (content.census === null) {
    place.replaceChildren(el("p", { class: "note pad" }, t(content.troubled ? "countUnknown" : "loading")));
    return;
  }
  const note = el(
    "p",
    { class: isComplete(content.census) ? "note pad" : "caveat", id: "counts-complete" },
    completeness(content),
  );
  const names: FacetName[] = ["district", "category", "department", "status"];
  place.replaceChildren(note, ...names.map((name) => table(content, actions, name)));
  const again = wasOn === null ? (heldId === "" ? null : document.getElementById(heldId)) : place.querySelector<HTMLElement>(wasOn);
  again?.focus({ preventScroll: true });
}
