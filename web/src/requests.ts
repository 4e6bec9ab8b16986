/** A request between departments in a list, and the answer of the department that it went to. */

import { fetchRecord, type Feature } from "./api";
import type { LayerInfo } from "./catalogue";
import { codeTitle, eitherLanguage, timeOf, wordsElement } from "./details";
import { el, say } from "./dom";
import { whyNot } from "./form";
import { age, dateTime, t } from "./i18n";
import { change, NotTaken, type Values } from "./send";
import { owns } from "./session";
import { asInstant, pictureTime } from "./time";
import { historyPart } from "./versions";
import type { Mode } from "./view";

export const REQUESTS = "requests";
/** What is due this soon is marked. */
const SOON_MS = 30 * 60_000;

/** A time with its age. */
export function when(at: Date | null): HTMLElement | null {
  if (at === null) return null;
  const words = [dateTime(at), age(at)].filter((part) => part !== "").join(t("listSeparator"));
  return el("time", { datetime: at.toISOString() }, words);
}

export function chip(kind: string, text: string): HTMLElement {
  return el("span", { class: `chip chip-${kind}` }, text);
}

function requestState(properties: Feature["properties"]): HTMLElement {
  if (timeOf(properties, "answered_at") !== null) return chip("done", t("requestAnswered"));
  const due = timeOf(properties, "due_at");
  if (due !== null && due < pictureTime()) return chip("overdue", t("overdue"));
  if (due !== null && due.getTime() - pictureTime().getTime() < SOON_MS) return chip("active", t("dueSoon"));
  return timeOf(properties, "acknowledged_at") !== null
    ? chip("on", t("requestAcknowledged"))
    : chip("active", t("requestOpen"));
}

/**
 * Write an answer or acknowledgement over the request as it stands now. What is changed between the reading and the
 * writing, by the clock that finds it overdue say, is no reason to refuse it: then it is read and written once more.
 */
async function reply(id: string, mode: Mode, properties: Values, again = true): Promise<void> {
  const now = await fetchRecord({ mode, asof: null }, REQUESTS, id);
  try {
    await change(REQUESTS, mode, now, { properties });
  } catch (error) {
    if (!again || !(error instanceof NotTaken) || error.status !== 412) throw error;
    await reply(id, mode, properties, false);
  }
}

function replies(feature: Feature, mode: Mode, onDone: () => void): HTMLElement {
  const trouble = el("p", { class: "fault", role: "alert", hidden: "" });
  const act = (properties: Values): void => {
    say(trouble, "");
    const done = (): void => {
      // What was sent is no longer being written, so the list may be written anew.
      for (const input of trouble.parentElement?.querySelectorAll("input") ?? []) input.value = "";
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      onDone();
    };
    reply(feature.id, mode, properties).then(done, (error: unknown) => say(trouble, whyNot(error)));
  };
  const made = (name: string, words: string, properties: () => Values): HTMLElement => {
    const button = el("button", { type: "button", "data-deed": name }, words);
    button.addEventListener("click", () => act(properties()));
    return button;
  };
  const acknowledge = timeOf(feature.properties, "acknowledged_at") === null
    ? made("acknowledge", t("acknowledge"), () => ({ acknowledged_at: asInstant(pictureTime()) }))
    : null;
  if (feature.properties["kind"] === "hand_over") {
    const accept = made("accept", t("accept"), () => ({ answer: "accepted" }));
    return el("div", { class: "deeds" }, acknowledge, accept, made("decline", t("decline"), () => ({ answer: "declined" })), trouble);
  }
  const words = el("input", { type: "text", "aria-label": t("answerText"), placeholder: t("answerText"), autocomplete: "off" });
  const send = made("answer", t("answerSend"), () => ({ answer: words.value.trim() }));
  send.addEventListener("click", (event) => {
    if (words.value.trim() !== "") return;
    event.stopImmediatePropagation();
    say(trouble, t("answerEmpty"));
  }, { capture: true });
  return el("div", { class: "deeds" }, acknowledge, words, send, trouble);
}

/** What an entry shows besides: the way to its incident, and the steps that were kept of it. */
export interface EntryExtras {
  readonly openIncident?: (id: string) => void;
  readonly history?: boolean;
}

function incidentLink(id: string, open: EntryExtras["openIncident"]): HTMLElement | string {
  if (open === undefined || id === "") return id;
  const button = el("button", { type: "button", class: "link", "data-incident": id }, id);
  button.addEventListener("click", () => open(id));
  return button;
}

/** One request; who belongs to the department asked may acknowledge and answer it. */
export function requestEntry(feature: Feature, layer: LayerInfo | undefined, mode: Mode | null, onDone: () => void, extras: EntryExtras = {}): HTMLElement {
  const { properties } = feature;
  const department = (name: string): string => codeTitle(layer, name, properties[name]) || t("notKnown");
  const due = timeOf(properties, "due_at");
  const isOpen = timeOf(properties, "answered_at") === null;
  const answer = String(properties["answer"] ?? "");
  const incident = String(properties["incident"] ?? "");
  return el(
    "li",
    { class: "entry", "data-id": feature.id },
    el("span", { class: "entry-head" }, wordsElement("strong", eitherLanguage(properties, "text")), requestState(properties)),
    el(
      "span",
      { class: "item-words" },
      [codeTitle(layer, "kind", properties["kind"]), t("fromTo", { from: department("from_department"), to: department("to_department") })]
        .filter((part) => part !== "")
        .join(t("listSeparator")),
      incident === "" ? null : t("listSeparator"),
      incidentLink(incident, extras.openIncident),
    ),
    el("span", { class: "item-words" }, t("askedAt"), " ", when(timeOf(properties, "asked_at")) ?? t("notKnown"),
      due === null ? null : el("span", {}, t("wordsSeparator"), t("dueAt"), " ", dateTime(due))),
    answer === "" ? null : el("span", { class: "item-words" }, `${t("requestAnswered")}${t("colon")}${answer}`),
    mode !== null && isOpen && owns(properties["to_department"], mode) ? replies(feature, mode, onDone) : null,
    mode !== null && extras.history === true ? historyPart(mode, REQUESTS, feature.id, layer) : null,
  );
}
