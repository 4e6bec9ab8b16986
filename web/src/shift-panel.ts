/** The panel of the handover: open items carried over, the note of this shift, accepting the last one, and a print. */

import { fetchRecord, type Feature } from "./api";
import type { LayerInfo } from "./catalogue";
import { figure } from "./counts-panel";
import { codeTitle, eitherLanguage, timeOf, wordsElement } from "./details";
import { byId, el, say } from "./dom";
import { fieldsOf, form, labelled, NotReady, readAll, whyNot, type Field } from "./form";
import { currentLanguage, dateTime, moment, number, otherLanguage, t } from "./i18n";
import { whyEmpty } from "./inbox";
import { chip, when } from "./requests";
import { change, create, newKey } from "./send";
import { mayWrite, owns, session } from "./session";
import { NOTES, type Shift } from "./shift";
import type { Tally } from "./summary";
import { asFieldValue, asInstant, fromFieldValue, pictureTime } from "./time";
import { historyPart } from "./versions";
import type { Mode } from "./view";

export interface ShiftContent {
  readonly shift: Shift | null;
  readonly troubled: boolean;
  readonly mode: Mode | null;
  /** Nothing is written of a past picture. */
  readonly past: boolean;
  readonly layers: ReadonlyMap<string, LayerInfo> | null;
}

export interface ShiftActions {
  readonly openIncidentById: (id: string) => void;
  readonly openNumber: (tally: Tally, title: string) => void;
  readonly beginShift: (at: Date | null) => void;
  readonly shiftDone: (words: string) => void;
}

function incidents(ids: unknown, { openIncidentById }: ShiftActions): HTMLElement | null {
  if (!Array.isArray(ids) || ids.length === 0) return null;
  const links = ids.map(String).flatMap((id, at) => {
    const link = el("button", { type: "button", class: "link", "data-incident": id }, id);
    link.addEventListener("click", () => openIncidentById(id));
    return at === 0 ? [link] : [t("listSeparator"), link];
  });
  return el("span", { class: "item-words" }, ...links);
}

function accepting(note: Feature, mode: Mode, actions: ShiftActions): HTMLElement {
  const trouble = el("p", { class: "fault", role: "alert", hidden: "" });
  const button = el("button", { type: "button", "data-deed": "accept-note" }, t("noteAccept"));
  const accept = async (): Promise<void> => {
    const now = await fetchRecord({ mode, asof: null }, NOTES, note.id);
    await change(NOTES, mode, now, { properties: { state: "accepted" } });
  };
  button.addEventListener("click", () => {
    button.disabled = true;
    accept().then(
      () => actions.shiftDone(t("noteAccepted")),
      (error: unknown) => {
        button.disabled = false;
        say(trouble, whyNot(error));
      },
    );
  });
  return el("div", { class: "deeds" }, button, trouble);
}

function noteEntry(note: Feature, { layers, mode, past }: ShiftContent, actions: ShiftActions): HTMLElement {
  const { properties } = note;
  const layer = layers?.get(NOTES);
  const open = properties["state"] === "open";
  const accepted = timeOf(properties, "accepted_at");
  const mine = mode !== null && !past && owns(properties["department"], mode);
  const written = [String(properties["department"] ?? ""), String(properties["author_role"] ?? "")].filter((part) => part !== "").join(t("listSeparator"));
  return el(
    "li",
    { class: "entry", "data-id": note.id },
    el("span", { class: "entry-head" }, wordsElement("strong", eitherLanguage(properties, "text")), chip(open ? "active" : "done", codeTitle(layer, "state", properties["state"]))),
    el("span", { class: "item-words" }, `${written} `, when(timeOf(properties, "at")) ?? ""),
    accepted === null ? null : el("span", { class: "item-words" }, t("noteAcceptedBy", { role: String(properties["accepted_by_role"] ?? "") }), " ", when(accepted) ?? ""),
    incidents(properties["incidents"], actions),
    open && mine && mode !== null ? accepting(note, mode, actions) : null,
    mode === null ? null : historyPart(mode, NOTES, note.id, layer),
  );
}

function itemLine(feature: Feature, layer: LayerInfo | undefined, { openIncidentById }: ShiftActions): HTMLElement {
  const { properties, id } = feature;
  const open = el("button", { type: "button", class: "link", "data-incident": id }, id);
  open.addEventListener("click", () => openIncidentById(id));
  const due = timeOf(properties, "estimated_completion_at");
  const words = [codeTitle(layer, "status", properties["status"]), codeTitle(layer, "district", properties["district"]), due === null ? "" : t("estimated", { time: dateTime(due) })];
  return el("li", { class: "entry" }, wordsElement("strong", eitherLanguage(properties, "title")), el("span", { class: "item-words" }, open, t("listSeparator"), words.filter((part) => part !== "").join(t("listSeparator"))));
}

function section(name: string, title: string, tally: Tally | null, features: readonly Feature[], count: number, content: ShiftContent, actions: ShiftActions): HTMLElement {
  const layer = content.layers?.get("incidents");
  const shown = tally === null ? number(count) : figure(tally, title, actions.openNumber);
  return el(
    "section",
    { class: "counts-section", "data-shift": name },
    el("h3", {}, title, " ", el("span", { class: "figure" }, shown)),
    count > features.length ? el("p", { class: "note" }, t("firstOf", { n: number(features.length), all: number(count) })) : null,
    features.length === 0 ? el("p", { class: "note" }, t("noneListed")) : el("ul", { class: "entries" }, ...features.map((feature) => itemLine(feature, layer, actions))),
  );
}

/** The numbers now, and when the shift began. */
function numbers({ now, then, began }: Shift): HTMLElement {
  const names = [["active", t("totalActive")], ["major", t("major")], ["overdue", t("overdue")], ["done", t("totalDone")]] as const;
  const rows = names.map(([name, title]) => {
    const before = then?.totals.get(name)?.count;
    return el("tr", { "data-total": name }, el("th", { scope: "row" }, title), el("td", { class: "figure" }, before === undefined ? t("notKnown") : number(before)), el("td", { class: "figure" }, number(now.totals.get(name)?.count ?? 0)));
  });
  const head = el("tr", {}, el("td", {}), el("th", { scope: "col" }, dateTime(began)), el("th", { scope: "col" }, t("atNow")));
  return el("table", { class: "counts-table shift-numbers" }, el("thead", {}, head), el("tbody", {}, ...rows));
}

function changedPart(content: ShiftContent, shift: Shift, actions: ShiftActions): HTMLElement {
  const { changed } = shift;
  const title = t("shiftChanged");
  if (changed === null) return el("section", { class: "counts-section" }, el("h3", {}, title), el("p", { class: "caveat" }, t("shiftTooOld")));
  const part = section("changed", title, null, changed.features, changed.features.length, content, actions);
  if (changed.more) part.append(el("p", { class: "caveat" }, t("newsMany")));
  if (changed.gone.length > 0) part.append(el("p", { class: "note" }, t("shiftGone", { ids: changed.gone.join(t("listSeparator")) })));
  return part;
}

function requestsPart({ inbox }: Shift): HTMLElement {
  const open = inbox.toUs.features.filter(({ properties }) => timeOf(properties, "acknowledged_at") === null);
  const lines = open.map(({ properties, id }) => {
    const due = timeOf(properties, "due_at");
    const words = [id, t("fromTo", { from: String(properties["from_department"] ?? ""), to: String(properties["to_department"] ?? "") }), due === null ? "" : `${t("dueAt")} ${dateTime(due)}`];
    const late = due !== null && due < pictureTime();
    return el("li", { class: "entry" }, el("span", { class: "entry-head" }, wordsElement("strong", eitherLanguage(properties, "text")), late ? chip("overdue", t("overdue")) : null), el("span", { class: "item-words" }, words.filter((part) => part !== "").join(t("listSeparator"))));
  });
  return el("section", { class: "counts-section", "data-shift": "requests" }, el("h3", {}, t("currentRequests"), " ", el("span", { class: "figure" }, number(inbox.waiting))), lines.length === 0 ? el("p", { class: "note" }, t("noneListed")) : el("ul", { class: "entries" }, ...lines));
}

function beginField(shift: Shift, { beginShift }: ShiftActions): HTMLElement {
  const input = el("input", { type: "datetime-local", step: "60" });
  input.value = asFieldValue(shift.began);
  input.addEventListener("change", () => beginShift(fromFieldValue(input.value)));
  return labelled(`${t("shiftBegan")} (${t("hongKongZone")})`, input, "shift-began");
}

/** The open items' ids, as a note should name them. */
function carried({ majorCases, overdue }: Shift): string {
  return [...new Set([...majorCases.features, ...overdue.features].map(({ id }) => id))].join(", ");
}

function noteForm(shift: Shift, mode: Mode, layer: LayerInfo | undefined, actions: ShiftActions): HTMLElement {
  const key = newKey();
  const fields: Field[] = fieldsOf(layer, [`text_${currentLanguage()}`, `text_${otherLanguage()}`], {});
  const about = el("textarea", { rows: "2", spellcheck: "false" });
  about.value = carried(shift);
  const submit = async (): Promise<void> => {
    const words = readAll(fields);
    if (Object.keys(words).length === 0) throw new NotReady(t("noteEmpty"));
    const named = about.value.split(/[\s,、，]+/).filter((id) => id !== "");
    const properties = { ...words, incidents: named, shift_start: asInstant(shift.began), shift_end: asInstant(pictureTime()) };
    await create(NOTES, mode, { properties, geometry: null }, key);
    written = "";
    actions.shiftDone(t("noteWritten"));
  };
  const made = form([...fields.map(({ element }) => element), labelled(t("noteIncidents"), about, "incidents")], t("handOverShift"), submit);
  made.id = "note-form";
  return el("section", { class: "counts-section no-print" }, el("h3", {}, t("noteTitle")), el("p", { class: "note" }, t("noteWhy")), made);
}

/** For whom, in which language and mode the form on the page was made: what is being written stays. */
let written = "";

function formFor(content: ShiftContent, shift: Shift, place: HTMLElement, actions: ShiftActions): void {
  const { mode, past, layers } = content;
  const offered = mode !== null && !past && mayWrite(mode);
  const wanted = offered ? JSON.stringify([mode, session().department, currentLanguage()]) : "none";
  const typing = [...place.querySelectorAll("textarea")].some((area) => area.value !== area.defaultValue && area.dataset["column"] !== "incidents");
  if (wanted === written && (typing || place.contains(document.activeElement))) return;
  written = wanted;
  place.replaceChildren(...(offered && mode !== null ? [noteForm(shift, mode, layers?.get(NOTES), actions)] : []));
}

/** Write the panel; what is being read or typed in it is not written over. */
export function writeShift(content: ShiftContent, actions: ShiftActions): void {
  const place = byId("panel-shift", HTMLDivElement);
  const { shift } = content;
  if (shift === null) {
    written = "";
    place.replaceChildren(el("p", { class: "note pad" }, t(content.troubled ? "listUnknown" : whyEmpty(content.past))));
    return;
  }
  if (document.getElementById("shift-read") === null) place.replaceChildren(el("div", { id: "shift-read" }), el("div", { id: "shift-rest" }), el("div", { id: "shift-note" }));
  const read = byId("shift-read", HTMLDivElement);
  if (read.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return;
  if (read.querySelector("details[open]") === null) {
    const print = el("button", { type: "button", class: "tool-plain no-print", id: "print-shift" }, t("print"));
    print.addEventListener("click", () => window.print());
    const { department } = session();
    const title = el("h2", { class: "shift-title" }, t("shiftOf", { name: department === "" ? t("roleEmsc") : department, time: moment(pictureTime()) }));
    const notes = shift.notes.features.map((note) => noteEntry(note, content, actions));
    read.replaceChildren(
      el("div", { class: "shift-head" }, title, print),
      el("section", { class: "counts-section", "data-shift": "notes" }, el("h3", {}, t("lastNotes")), notes.length === 0 ? el("p", { class: "note" }, t("noNotes")) : el("ul", { class: "entries" }, ...notes)),
    );
  }
  formFor(content, shift, byId("shift-note", HTMLDivElement), actions);
  const rest = byId("shift-rest", HTMLDivElement);
  if (rest.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return;
  const late = shift.now.totals.get("overdue") ?? null;
  rest.replaceChildren(
    el("section", { class: "counts-section" }, el("h3", {}, t("thisShift")), beginField(shift, actions), numbers(shift)),
    section("major", t("activeMajor"), shift.activeMajor, shift.majorCases.features, shift.activeMajor.count, content, actions),
    section("overdue", t("overdue"), late, shift.overdue.features, late?.count ?? 0, content, actions),
    requestsPart(shift),
    changedPart(content, shift, actions),
  );
}
