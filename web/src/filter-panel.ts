/** The controls that narrow the incidents: period, and one choice each of category, department, district and status. */

import type { LayerInfo } from "./catalogue";
import { facetTitle } from "./counts-panel";
import { byId, el } from "./dom";
import { FACETS, isPeriod, NO_FACETS, PERIODS, UNKNOWN, type FacetName, type Facets, type IncidentFilter, type Period } from "./filters";
import { t } from "./i18n";
import type { TextKey } from "./texts";

export interface FilterActions {
  readonly period: (period: Period) => void;
  readonly facets: (facets: Facets) => void;
}

const NAMES: Readonly<Record<FacetName, TextKey>> = {
  district: "district",
  category: "category",
  department: "department",
  status: "status",
};
const PERIOD_TEXT: Readonly<Record<Period, TextKey>> = {
  "3h": "period3h",
  "24h": "period24h",
  "7d": "period7d",
  all: "periodAll",
};

function select(name: FacetName, layer: LayerInfo | undefined, facets: Facets, act: FilterActions): HTMLElement {
  const codes = Object.keys(layer?.columns.find((column) => column.name === name)?.codes ?? {});
  const chosen = facets[name];
  const known = codes.filter((code) => name !== "status" || code !== "cancelled");
  const options = [...known, UNKNOWN, ...(chosen === null || [...known, UNKNOWN].includes(chosen) ? [] : [chosen])];
  const made = el(
    "select",
    { id: `facet-${name}` },
    el("option", { value: "" }, t("allOfThem")),
    ...options.map((code) => el("option", { value: code }, facetTitle(layer, name, code))),
  );
  made.value = chosen ?? "";
  made.addEventListener("change", () => act.facets({ ...facets, [name]: made.value || null }));
  return el("label", { class: "facet" }, el("span", {}, t(NAMES[name])), made);
}

function chip(name: FacetName, code: string, layer: LayerInfo | undefined, facets: Facets, act: FilterActions): HTMLElement {
  const title = facetTitle(layer, name, code);
  const button = el(
    "button",
    { type: "button", class: "chosen-chip", "aria-label": t("removeFilter", { name: title }) },
    `${t(NAMES[name])}${t("colon")}${title}`,
    el("span", { "aria-hidden": "true" }, "×"),
  );
  button.addEventListener("click", () => act.facets({ ...facets, [name]: null }));
  return button;
}

/** Write the controls in the chosen language, with what is chosen. */
export function writeFilters(filter: IncidentFilter, layer: LayerInfo | undefined, act: FilterActions): void {
  const period = byId("period", HTMLSelectElement);
  period.replaceChildren(...PERIODS.map((each) => el("option", { value: each }, t(PERIOD_TEXT[each]))));
  period.value = filter.period;
  period.onchange = () => {
    if (isPeriod(period.value)) act.period(period.value);
  };
  const held = document.activeElement?.id ?? "";
  const { facets } = filter;
  const place = byId("facets", HTMLDivElement);
  place.replaceChildren(...FACETS.map((name) => select(name, layer, facets, act)));
  const chips = FACETS.flatMap((name) => {
    const code = facets[name];
    return code === null ? [] : [chip(name, code, layer, facets, act)];
  });
  if (chips.length > 1) {
    const all = el("button", { type: "button", class: "chosen-chip clear" }, t("clearFilters"));
    all.addEventListener("click", () => act.facets(NO_FACETS));
    chips.push(all);
  }
  const shown = byId("chosen", HTMLDivElement);
  shown.replaceChildren(...chips);
  shown.hidden = chips.length === 0;
  if (held.startsWith("facet-")) document.getElementById(held)?.focus({ preventScroll: true });
}
