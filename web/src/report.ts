/** Reporting an incident: what, where, and whether somebody has reported it already. */

import type { Feature } from "./api";
import { codeTitle, eitherLanguage, timeOf, wordsElement } from "./details";
import { el, say, type Child } from "./dom";
import { fieldsOf, form, labelled, NotReady, readAll, type Field } from "./form";
import { age, currentLanguage, number, otherLanguage, t } from "./i18n";
import { INCIDENTS, ring } from "./incidents";
import { fetchNearby, LATELY_H, NEAR_M, type Near } from "./nearby";
import { positionPart, type Ground, type Position } from "./position";
import { create, newKey } from "./send";
import { session } from "./session";
import { closeSheet, openSheet } from "./sheet";
import { reason } from "./status";
import { asInstant, pictureTime } from "./time";

/** What is asked first, and what only some reports need. */
function asked(): { first: string[]; more: string[] } {
  const [mine, other] = [currentLanguage(), otherLanguage()];
  const inLanguage = (language: string): string[] => [`title_${language}`, `location_${language}`, `description_${language}`];
  return {
    first: ["category", ...inLanguage(mine), "severity", "major"],
    more: [
      ...inLanguage(other), "verification", "release", "occurred_at",
      "road_name_en", "road_name_zh", "lanes_closed", "road_closed", "dead", "injured", "missing", "trapped", "evacuated",
    ],
  }; // prettier-ignore
}

/** The fields of an incident, the rarer ones folded away. */
export function incidentFields(layer: Ground["layers"], values: Readonly<Record<string, unknown>>): { fields: Field[]; parts: Child[] } {
  const incidents = layer?.get(INCIDENTS);
  const { first, more } = asked();
  // Who answers for all departments says whose incident it is.
  const owner = session().role === "emsc" && values["department"] === undefined ? ["department"] : [];
  const shown = fieldsOf(incidents, [...owner, ...first], values, ["category", ...owner]);
  const folded = fieldsOf(incidents, more, values);
  const elements = (fields: readonly Field[]): HTMLElement[] => fields.map(({ element }) => element);
  return {
    fields: [...shown, ...folded],
    parts: [...elements(shown), el("details", { class: "more-fields" }, el("summary", {}, t("moreFields")), ...elements(folded))],
  };
}

/** What a position says of itself in an incident's columns. */
export function positionValues({ method, uncertainty }: Position): Record<string, unknown> {
  return { position_method: method, ...(uncertainty === null ? {} : { position_uncertainty_m: uncertainty }) };
}

export interface Reporting {
  readonly ground: Ground;
  readonly onSent: (feature: Feature) => void;
  readonly onOpen: (feature: Feature) => void;
}

/** The list of what was reported nearby, and the reporter's word that it is none of these. */
class NearbyPart {
  readonly element = el("section", { class: "nearby", hidden: "", "aria-live": "polite" });
  readonly #confirmed = el("input", { type: "checkbox" });
  #near: readonly Near[] = [];
  #asked = 0;

  constructor(readonly reporting: Reporting) {}

  async look(position: Position | null): Promise<void> {
    const mine = ++this.#asked;
    this.#near = [];
    this.#confirmed.checked = false;
    this.element.hidden = position === null;
    if (position === null) return;
    this.element.replaceChildren(el("p", { class: "note" }, t("lookingNearby")));
    try {
      const near = await fetchNearby(this.reporting.ground.reading, position.at);
      if (mine !== this.#asked) return;
      this.#near = near;
      this.#write();
    } catch (error) {
      if (mine === this.#asked) say(this.element, t("nearbyFailed", { reason: reason(error) }));
    }
  }

  check(): void {
    if (this.#near.length > 0 && !this.#confirmed.checked) throw new NotReady(t("confirmNearby"));
  }

  #write(): void {
    const within = { metres: number(NEAR_M), hours: number(LATELY_H) };
    if (this.#near.length === 0) {
      this.element.replaceChildren(el("p", { class: "note" }, t("noneNearby", within)));
      return;
    }
    this.element.replaceChildren(
      el("h3", {}, t("alreadyNearby")),
      el("p", { class: "note" }, t("nearbyWords", within)),
      el("ul", {}, ...this.#near.map((near) => el("li", {}, this.#item(near)))),
      labelled(t("noneOfThese"), this.#confirmed, "confirmed"),
    );
  }

  #item({ feature, metres }: Near): HTMLElement {
    const { properties } = feature;
    const layer = this.reporting.ground.layers?.get(INCIDENTS);
    const reported = timeOf(properties, "reported_at");
    const title = eitherLanguage(properties, "title");
    const words = [
      t("metresAway", { n: number(Math.round(metres)) }),
      codeTitle(layer, "category", properties["category"]),
      codeTitle(layer, "status", properties["status"]),
      reported === null ? "" : age(reported),
    ].filter((part) => part !== "");
    const button = el("button", { type: "button", class: "found-place" },
      wordsElement("strong", title.text === "" ? { text: feature.id, lang: null } : title), el("span", {}, words.join(t("listSeparator"))));
    button.addEventListener("click", () => {
      closeSheet();
      this.reporting.onOpen(feature);
    });
    return button;
  }
}

/** Open the form. */
export function openReport(reporting: Reporting): void {
  const { map, layers, reading } = reporting.ground;
  const { fields, parts } = incidentFields(layers, {});
  const nearby = new NearbyPart(reporting);
  const key = newKey();
  let position: Position | null = null;
  const where = positionPart(reporting.ground, (chosen) => {
    position = chosen;
    for (const language of ["en", "zh"] as const) {
      const field = fields.find(({ name }) => name === `location_${language}`);
      if (field !== undefined && field.input.value === "" && chosen?.name) field.input.value = chosen.name[language];
    }
    void nearby.look(chosen);
  });
  const submit = async (): Promise<void> => {
    nearby.check();
    const placed = position === null ? { position_method: "none" } : positionValues(position);
    const properties = { ...readAll(fields), ...placed, reported_at: asInstant(pictureTime()) };
    const geometry = position === null ? null : ({ type: "Point", coordinates: position.at } as const);
    const { feature } = await create(INCIDENTS, reading.mode, { properties, geometry }, key);
    closeSheet();
    reporting.onSent(feature);
  };
  openSheet(t("reportIncident"), [form([where, nearby.element, ...parts], t("sendReport"), submit)], () => {
    if (map !== null) ring(map, null);
  });
}
