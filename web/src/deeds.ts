/** What a reader may do with an incident: update progress, change its status, edit it, hand it over, answer for it. */

import { fetchRecord, fetchRegister, type Feature, type Found, type Reading } from "./api";
import type { LayerInfo } from "./catalogue";
import { openConflict } from "./conflict";
import { codeTitle } from "./details";
import { el, type Child } from "./dom";
import { fieldsOf, form, labelled, NotReady, readAll, readChanges } from "./form";
import { currentLanguage, otherLanguage, t } from "./i18n";
import { INCIDENTS, ring } from "./incidents";
import { positionPart, type Ground, type Position } from "./position";
import { incidentFields, positionValues } from "./report";
import { requestEntry } from "./requests";
import { change, create, newKey, NotTaken, type Values, type Versioned } from "./send";
import { mayHandOver, mayWrite, owns, session } from "./session";
import { similarPart } from "./similar";
import { closeSheet, openSheet } from "./sheet";
import { versionsPart } from "./versions";

const REQUESTS = "requests";
const PROGRESS = "progress-updates";

/** From each status to those that may follow; a cancelled one goes back to where it was. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  reported: ["confirmed", "responding", "cancelled"],
  confirmed: ["responding", "controlled", "completed", "cancelled"],
  responding: ["controlled", "completed", "cancelled"],
  controlled: ["responding", "completed"],
  completed: ["responding"],
};
const CANCELLED_FROM = ["reported", "confirmed", "responding"];
/** Leaving these needs a reason. */
const WITH_REASON: ReadonlySet<unknown> = new Set(["completed", "cancelled"]);

export interface Doing {
  readonly ground: Ground;
  /** Called with what the server keeps after a change. */
  readonly onDone: (feature: Feature) => void;
}

function layerOf({ ground }: Doing, id: string): LayerInfo | undefined {
  return ground.layers?.get(id);
}

function nextOf({ properties }: Feature): readonly string[] {
  return properties["status"] === "cancelled" ? CANCELLED_FROM : (STEPS[String(properties["status"])] ?? []);
}

function finished(doing: Doing, feature: Feature): void {
  closeSheet();
  doing.onDone(feature);
}

interface Wish {
  readonly properties: Values;
  readonly geometry?: Feature["geometry"];
}

/** Save a change of the version that was read; where somebody was faster, let the writer choose. */
async function save(doing: Doing, read: Versioned, wish: Wish, reason = ""): Promise<void> {
  const { mode } = doing.ground.reading;
  try {
    finished(doing, (await change(INCIDENTS, mode, read, wish, reason)).feature);
  } catch (error) {
    if (!(error instanceof NotTaken) || error.status !== 412) throw error;
    const now = await fetchRecord({ mode, asof: null }, INCIDENTS, read.feature.id);
    const conflict = { layer: layerOf(doing, INCIDENTS), base: read.feature.properties, mine: wish.properties, theirs: now.feature.properties };
    openConflict(conflict, async (properties) => {
      if (Object.keys(properties).length === 0 && wish.geometry === undefined) finished(doing, now.feature);
      else await save(doing, now, { ...wish, properties }, reason);
    });
  }
}

function openEdit(doing: Doing, read: Versioned): void {
  const { feature } = read;
  const { map } = doing.ground;
  const { fields, parts } = incidentFields(doing.ground.layers, { department: "", ...feature.properties });
  let position: Position | null = null;
  const movable = feature.geometry === null || feature.geometry.type === "Point";
  const where = movable ? positionPart(doing.ground, (chosen) => (position = chosen)) : null;
  const submit = async (): Promise<void> => {
    const placed = position === null ? {} : positionValues(position);
    const properties = { ...readChanges(fields, feature.properties), ...placed };
    if (Object.keys(properties).length === 0) throw new NotReady(t("nothingChanged"));
    const moved = position === null ? {} : { geometry: { type: "Point", coordinates: position.at } as const };
    await save(doing, read, { properties, ...moved });
  };
  openSheet(t("editTitle", { id: feature.id }), [form([...parts, where], t("save"), submit)], () => {
    if (map !== null) ring(map, null);
  });
}

function openStatus(doing: Doing, read: Versioned): void {
  const layer = layerOf(doing, INCIDENTS);
  const { properties, id } = read.feature;
  const radios = nextOf(read.feature).map((code) => el("label", { class: "choice" }, el("input", { type: "radio", name: "status", value: code }), el("span", {}, codeTitle(layer, "status", code))));
  const group = el("fieldset", { class: "choices" }, el("legend", {}, t("newStatus")), ...radios);
  const needsReason = WITH_REASON.has(properties["status"]);
  const why = el("textarea", { rows: "2", maxlength: "150" });
  why.required = needsReason;
  const submit = async (): Promise<void> => {
    const chosen = group.querySelector<HTMLInputElement>("input:checked")?.value;
    if (chosen === undefined) throw new NotReady(t("chooseStatus"));
    await save(doing, read, { properties: { status: chosen } }, why.value.trim());
  };
  const now = t("statusNow", { status: codeTitle(layer, "status", properties["status"]) });
  const field = labelled(`${t("reasonOf")}${needsReason ? ` ${t("required")}` : ""}`, why, "reason");
  openSheet(t("statusTitle", { id }), [form([el("p", { class: "note" }, now), group, field], t("save"), submit)]);
}

/** Text in the chosen language first; one of both is enough. */
function texts(): string[] {
  return [`text_${currentLanguage()}`, `text_${otherLanguage()}`];
}

function openProgress(doing: Doing, { feature }: Versioned): void {
  const { mode } = doing.ground.reading;
  const key = newKey();
  const mine = owns(feature.properties["department"], mode);
  const names = [...texts(), "percent", "estimated_completion_at", ...(mine ? ["status_after"] : [])];
  const before = { percent: feature.properties["progress_percent"], estimated_completion_at: feature.properties["estimated_completion_at"] };
  const fields = fieldsOf(layerOf(doing, PROGRESS), names, before);
  const status = fields.find(({ name }) => name === "status_after");
  // Only what may follow is offered; a step that needs a reason is made by itself.
  const allowed = WITH_REASON.has(feature.properties["status"]) ? [] : nextOf(feature);
  for (const option of status?.input.querySelectorAll("option") ?? []) {
    if (option.value !== "" && !allowed.includes(option.value)) option.remove();
  }
  const submit = async (): Promise<void> => {
    const properties = { incident: feature.id, ...readAll(fields) };
    await create(PROGRESS, mode, { properties, geometry: null }, key);
    finished(doing, feature);
  };
  openSheet(t("progressTitle", { id: feature.id }), [form(fields.map(({ element }) => element), t("send"), submit)]);
}

function openRequest(doing: Doing, { feature }: Versioned, kind: "hand_over" | "ask", to: unknown, title: string): void {
  const key = newKey();
  const names = ["to_department", ...(kind === "ask" ? ["kind"] : []), ...texts(), "due_at"];
  const fields = fieldsOf(layerOf(doing, REQUESTS), names, { to_department: to, kind }, ["to_department", "kind"]);
  // Handing over has a form of its own.
  fields.find(({ name }) => name === "kind")?.input.querySelector("option[value=hand_over]")?.remove();
  const submit = async (): Promise<void> => {
    const properties = { incident: feature.id, kind, ...readAll(fields) };
    await create(REQUESTS, doing.ground.reading.mode, { properties, geometry: null }, key);
    finished(doing, feature);
  };
  openSheet(title, [form(fields.map(({ element }) => element), t("send"), submit)]);
}

function button(name: string, words: string, act: () => void): HTMLElement {
  const made = el("button", { type: "button", "data-deed": name }, words);
  made.addEventListener("click", act);
  return made;
}

function buttons(doing: Doing, read: Versioned): HTMLElement[] {
  const { mode } = doing.ground.reading;
  const { department, status } = read.feature.properties;
  if (!mayWrite(mode)) return [];
  const mine = owns(department, mode);
  const id = read.feature.id;
  return [
    status === "cancelled" ? null : button("progress", t("deedProgress"), () => openProgress(doing, read)),
    mine ? button("status", t("deedStatus"), () => openStatus(doing, read)) : null,
    mine ? button("edit", t("deedEdit"), () => openEdit(doing, read)) : null,
    mayHandOver(department, mode) ? button("hand-over", t("deedHandOver"), () => openRequest(doing, read, "hand_over", null, t("handOverTitle", { id }))) : null,
    mine ? null : button("take-over", t("deedTakeOver"), () => openRequest(doing, read, "ask", department, t("takeOverTitle", { id }))),
    button("ask", t("deedAsk"), () => openRequest(doing, read, "ask", null, t("askTitle", { id }))),
  ].filter((made) => made !== null);
}

/** The requests to the reader's department about an incident that nobody has answered yet. */
async function openRequests(reading: Reading, id: string): Promise<readonly Feature[]> {
  const { role, department } = session();
  const mine = role === "emsc" ? "" : ` AND to_department='${department}'`;
  const cql2 = `incident='${id.replaceAll("'", "''")}' AND answered_at IS NULL${mine}`;
  return (await fetchRegister({ mode: reading.mode, asof: null }, REQUESTS, { limit: 20, cql2 })).features;
}

function requestsPart(doing: Doing, { feature }: Versioned): HTMLElement | null {
  const { reading, layers } = doing.ground;
  if (!mayWrite(reading.mode) || !layers?.has(REQUESTS)) return null;
  const list = el("ul", { class: "entries", hidden: "" });
  openRequests(reading, feature.id).then((found) => {
    list.replaceChildren(...found.map((request) => requestEntry(request, layerOf(doing, REQUESTS), reading.mode, () => doing.onDone(feature))));
    list.hidden = found.length === 0;
  }, console.warn);
  return list;
}

/** What may be the same incident, for those who write; where somebody was faster, they look again. */
function candidatesPart(doing: Doing, read: Versioned): HTMLElement | null {
  const { reading } = doing.ground;
  if (!mayWrite(reading.mode)) return null;
  return similarPart(reading, layerOf(doing, INCIDENTS), read.feature, (properties) => save(doing, read, { properties }));
}

/** What stands below an incident's details: deeds, open requests, versions. Of a past picture nothing is done. */
export function deedsPart(doing: Doing, read: Found): HTMLElement {
  const { reading, layers } = doing.ground;
  const made: readonly Child[] = reading.asof === null ? [requestsPart(doing, read), el("div", { class: "deeds" }, ...buttons(doing, read)), candidatesPart(doing, read)] : [];
  const versions = read.hasVersions ? versionsPart(reading.mode, INCIDENTS, read.feature.id, layers?.get(INCIDENTS)) : null;
  return el("section", { class: "doing" }, ...made, versions);
}
