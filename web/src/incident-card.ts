/** One incident in full: what, where, when, who, how it stands, where the news came from and how sure it is. */

import { recordAddress, type Feature } from "./api";
import type { Column, LayerInfo } from "./catalogue";
import { codeTitle, eitherLanguage, row, rows, timeOf, wordsElement } from "./details";
import { el } from "./dom";
import { ACTIVE, modeName } from "./filters";
import { age, clock, number, t } from "./i18n";
import { markElement } from "./icons";
import { INCIDENTS, stateOf } from "./incidents";
import { pictureTime } from "./time";
import { isMode, type Mode, type Theme } from "./view";

type Properties = Feature["properties"];

/** Columns in the order of a duty officer's questions; what is not named follows. */
// prettier-ignore
const ORDER = [
  "description_en", "district", "reported_at", "occurred_at", "updated_at", "completed_at",
  "department", "participants", "progress_percent", "estimated_completion_at", "eta_slips",
  "road_name_en", "road_closed", "lanes_closed", "dead", "injured", "missing", "trapped", "evacuated", "severity",
] as const;

/** Columns that the card says in another way. */
// prettier-ignore
const SAID = new Set([
  "title_en", "title_zh", "category", "status", "major", "message_status", "verification", "source", "source_ref",
  "position_method", "position_uncertainty_m", "location_en", "location_zh",
]);

function ordered(columns: readonly Column[]): Column[] {
  const rank = (column: Column): number => {
    const at = ORDER.findIndex((name) => name === column.name);
    return at === -1 ? ORDER.length : at;
  };
  return columns.filter(({ name }) => !SAID.has(name)).sort((a, b) => rank(a) - rank(b));
}

/** `participants` holds codes of departments, whose titles stand at the owner's column. */
function withTitles(properties: Properties, layer: LayerInfo | undefined): Properties {
  const participants = properties["participants"];
  if (!Array.isArray(participants)) return properties;
  return { ...properties, participants: participants.map((code) => codeTitle(layer, "department", code)) };
}

export function isOverdue(properties: Properties): boolean {
  const due = timeOf(properties, "estimated_completion_at");
  return due !== null && due < pictureTime() && ACTIVE.some((status) => status === properties["status"]);
}

function chips(properties: Properties, layer: LayerInfo | undefined): HTMLElement {
  const chip = (text: string, kind: string): HTMLElement | null =>
    text === "" ? null : el("span", { class: `chip chip-${kind}` }, text);
  const mode = properties["message_status"];
  return el(
    "p",
    { class: "chips" },
    isMode(mode) && mode !== "actual" ? chip(modeName(mode), mode) : null,
    properties["major"] === true ? chip(t("major"), "major") : null,
    chip(
      codeTitle(layer, "status", properties["status"]),
      stateOf(properties) === "done" ? "done" : "active",
    ),
    isOverdue(properties) ? chip(t("overdue"), "overdue") : null,
    chip(codeTitle(layer, "category", properties["category"]), "plain"),
  );
}

function positionWords(feature: Feature, layer: LayerInfo | undefined): string {
  if (feature.geometry === null) return t("notOnMapWhy");
  const method = codeTitle(layer, "position_method", feature.properties["position_method"]) || t("notKnown");
  const within = feature.properties["position_uncertainty_m"];
  return typeof within === "number" ? t("within", { method, n: number(within) }) : method;
}

/** The rows that are there even when they are empty: an officer must see that nobody said. */
function alwaysSaid(
  feature: Feature,
  layer: LayerInfo | undefined,
): { before: HTMLElement[]; after: HTMLElement[] } {
  const { properties } = feature;
  const place = eitherLanguage(properties, "location");
  const source = [properties["source"], properties["source_ref"]].filter(
    (part) => typeof part === "string" && part !== "",
  );
  const verification = codeTitle(layer, "verification", properties["verification"]) || t("notGiven");
  return {
    before: [
      row(t("place"), place.text === "" ? t("notKnown") : wordsElement("span", place)),
      row(t("position"), positionWords(feature, layer)),
    ],
    after: [
      row(t("source"), source.length === 0 ? t("notGiven") : source.join(t("listSeparator"))),
      row(t("verification"), verification, properties["verification"] === "verified" ? "" : "doubt"),
    ],
  };
}

/** The card of an incident as the server sent it at a time. `layer` is the catalogue's entry, without which codes and names stay as they are; `doing` is what the reader may do with it. */
export function incidentCard(
  { feature, at }: { feature: Feature; at: Date },
  layer: LayerInfo | undefined,
  mode: Mode,
  theme: Theme,
  doing: HTMLElement | null = null,
): HTMLElement {
  const properties = withTitles(feature.properties, layer);
  const title = eitherLanguage(properties, "title");
  const reported = timeOf(properties, "reported_at");
  const since = reported === null ? "" : age(reported);
  const { before, after } = alwaysSaid(feature, layer);
  return el(
    "article",
    { class: "record" },
    el(
      "header",
      {},
      markElement(String(properties["category"] ?? ""), stateOf(properties), theme),
      wordsElement("h3", title.text === "" ? { text: t("untitled"), lang: null } : title),
    ),
    chips(properties, layer),
    el(
      "p",
      { class: "record-id" },
      [feature.id, since].filter((part) => part !== "").join(t("listSeparator")),
    ),
    el("dl", {}, ...before, ...after, ...rows(ordered(layer?.columns ?? []), properties)),
    doing,
    el(
      "p",
      { class: "record-foot" },
      t("asOf", { time: clock(at) }),
      el("a", { href: recordAddress(INCIDENTS, feature.id, mode) }, t("fullRecord")),
    ),
  );
}
