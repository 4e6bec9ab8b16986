/** What may be the same incident: candidates with reasons, for a person to decide, and the way back. */

import { itemsPath, readFeature, recordAddress, type Feature, type Reading } from "./api";
import type { LayerInfo } from "./catalogue";
import { codeTitle, eitherLanguage, wordsElement } from "./details";
import { el, say } from "./dom";
import { whyNot } from "./form";
import { pick, t, type Bilingual } from "./i18n";
import { fetchAnswer, bilingual, isObject, objects } from "./http";
import type { Values } from "./send";
import { owns, session } from "./session";

const INCIDENTS = "incidents";
const DECIDERS = ["administrator", "emsc"];

/** Save what was decided; the record is then shown as the server keeps it. */
export type Decide = (properties: Values) => Promise<void>;

interface Candidate {
  readonly feature: Feature;
  readonly reasons: readonly Bilingual[];
}

async function fetchSimilar({ mode }: Reading, id: string): Promise<readonly Candidate[]> {
  const { body } = await fetchAnswer(`${itemsPath(INCIDENTS)}/${encodeURIComponent(id)}/similar`, { mode });
  return objects(body["features"]).map((found) => {
    const told = isObject(found["similarity"]) ? objects(found["similarity"]["reasons"]) : [];
    return { feature: readFeature(found), reasons: told.map((reason) => bilingual(reason)) };
  });
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function decision(name: string, words: string, trouble: HTMLElement, decide: () => Promise<void>): HTMLElement {
  const button = el("button", { type: "button", "data-deed": name }, words);
  button.addEventListener("click", () => {
    say(trouble, "");
    button.disabled = true;
    decide().catch((error: unknown) => {
      button.disabled = false;
      say(trouble, whyNot(error));
    });
  });
  return button;
}

function wayTo(id: string, { mode }: Reading): HTMLElement {
  return el("a", { href: recordAddress(INCIDENTS, id, mode), "data-incident": id }, id);
}

function candidateItem(
  { feature, reasons }: Candidate,
  read: Feature,
  reading: Reading,
  layer: LayerInfo | undefined,
  decide: Decide | null,
  trouble: HTMLElement,
): HTMLElement {
  const mayJoin = decide !== null && DECIDERS.includes(session().role);
  const apart = [...texts(read.properties["not_duplicate_of"]), feature.id];
  return el(
    "li",
    { class: "entry", "data-id": feature.id },
    el("span", { class: "entry-head" }, wordsElement("strong", eitherLanguage(feature.properties, "title"))),
    el("span", { class: "item-words" }, wayTo(feature.id, reading), t("listSeparator"), codeTitle(layer, "status", feature.properties["status"])),
    el("span", { class: "item-words" }, reasons.map((reason) => pick(reason)).join(t("listSeparator"))),
    decide === null
      ? null
      : el(
          "div",
          { class: "deeds" },
          mayJoin ? decision("same", t("similarSame"), trouble, () => decide({ duplicate_of: feature.id })) : null,
          decision("other", t("similarOther"), trouble, () => decide({ not_duplicate_of: apart })),
        ),
  );
}

/** What was decided already, each with the way back. */
function decided({ properties }: Feature, reading: Reading, decide: Decide | null, trouble: HTMLElement): HTMLElement[] {
  const into = properties["duplicate_of"];
  const apart = texts(properties["not_duplicate_of"]);
  const line = (words: string, id: string, undo: Values, may: boolean): HTMLElement =>
    el(
      "p",
      { class: "item-words" },
      `${words}${t("colon")}`,
      wayTo(id, reading),
      " ",
      decide !== null && may ? decision("undo", t("similarUndo"), trouble, () => decide(undo)) : null,
    );
  return [
    ...(typeof into === "string" && into !== "" ? [line(t("similarRepeats"), into, { duplicate_of: null }, DECIDERS.includes(session().role))] : []),
    ...apart.map((id) => line(t("similarApart"), id, { not_duplicate_of: apart.filter((one) => one !== id) }, true)),
  ];
}

/** A list that is filled when the server has told the candidates; nothing where there is nothing to decide or undo. */
export function similarPart(reading: Reading, layer: LayerInfo | undefined, read: Feature, save: Decide): HTMLElement {
  const decide = owns(read.properties["department"], reading.mode) ? save : null;
  const trouble = el("p", { class: "fault", role: "alert", hidden: "" });
  const before = decided(read, reading, decide, trouble);
  const part = el("section", { class: "similar", hidden: "" }, ...before, trouble);
  part.hidden = before.length === 0;
  fetchSimilar(reading, read.id).then((found) => {
    if (found.length === 0) return;
    const items = found.map((candidate) => candidateItem(candidate, read, reading, layer, decide, trouble));
    part.prepend(el("h4", {}, t("similarTitle")), el("p", { class: "note" }, t("similarWhy")), el("ul", { class: "entries" }, ...items));
    part.hidden = false;
  }, console.warn);
  return part;
}
