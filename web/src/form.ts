/** Fields made from the catalogue's columns: titles, codes and units are the layer's own, so each layer has its form. */

import type { Column, LayerInfo } from "./catalogue";
import { el, type Child } from "./dom";
import { pick, t } from "./i18n";
import { reason } from "./status";
import { NotTaken, type Values } from "./send";
import { asFieldValue, asInstant, fromFieldValue, readInstant } from "./time";

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** One field: its place on the form, and what stands in it. */
export interface Field {
  readonly name: string;
  readonly element: HTMLElement;
  readonly input: Input;
  /** The value as the server takes it; `null` where it is empty. */
  read(): unknown;
}

const LONG = /^(description|text|answer)/;
let serial = 0;

function selectOf(column: Column, value: unknown): HTMLSelectElement {
  const select = el("select", {}, el("option", { value: "" }, t("notGiven")));
  for (const [code, title] of Object.entries(column.codes)) select.append(el("option", { value: code }, pick(title)));
  select.value = value === null || value === undefined ? "" : String(value);
  return select;
}

function inputOf(column: Column, value: unknown): Input {
  if (Object.keys(column.codes).length > 0) return selectOf(column, value);
  const words = value === null || value === undefined ? "" : String(value);
  if (column.type === "boolean") {
    const box = el("input", { type: "checkbox" });
    box.checked = value === true;
    return box;
  }
  if (column.type === "time") {
    const at = readInstant(words);
    const field = el("input", { type: "datetime-local", step: "60" });
    field.value = at === null ? "" : asFieldValue(at);
    return field;
  }
  if (column.type === "integer" || column.type === "number") {
    const field = el("input", { type: "number", inputmode: "numeric", step: column.type === "integer" ? "1" : "any", min: "0" });
    field.value = words;
    return field;
  }
  const field = LONG.test(column.name) ? el("textarea", { rows: "3" }) : el("input", { type: "text", autocomplete: "off" });
  field.value = words;
  return field;
}

function valueOf(column: Column, input: Input): unknown {
  if (column.type === "boolean") return input instanceof HTMLInputElement && input.checked;
  const words = input.value.trim();
  if (words === "") return null;
  if (column.type === "time") {
    const at = fromFieldValue(words);
    return at === null ? null : asInstant(at);
  }
  return column.type === "integer" || column.type === "number" ? Number(words) : words;
}

/** An input with its label; what is wrong with it is written below. */
export function labelled(label: string, input: Input, name: string): HTMLElement {
  input.id = `field-${name}-${(serial += 1)}`;
  input.dataset["column"] = name;
  const isBox = input instanceof HTMLInputElement && input.type === "checkbox";
  const words = el("label", { for: input.id }, label);
  return el("div", { class: isBox ? "field field-box" : "field" }, ...(isBox ? [input, words] : [words, input]));
}

/** The field of a column. */
export function fieldOf(column: Column, value: unknown, required = false): Field {
  const input = inputOf(column, value);
  if (required) input.required = true;
  const unit = column.unit === null ? "" : ` (${column.unit})`;
  const time = column.type === "time" ? ` (${t("hongKongZone")})` : "";
  const mark = required ? ` ${t("required")}` : "";
  const element = labelled(`${pick(column.title)}${unit}${time}${mark}`, input, column.name);
  return { name: column.name, element, input, read: () => valueOf(column, input) };
}

/** The fields of those named columns that the layer has. */
export function fieldsOf(layer: LayerInfo | undefined, names: readonly string[], values: Values, required: readonly string[] = []): Field[] {
  return names.flatMap((name) => {
    const column = layer?.columns.find((one) => one.name === name);
    return column === undefined ? [] : [fieldOf(column, values[name] ?? null, required.includes(name))];
  });
}

/** Whether two values mean the same; a field of time holds no seconds, and an empty box is as no value. */
export function same(a: unknown, b: unknown): boolean {
  const at = typeof a === "string" && typeof b === "string" ? [readInstant(a), readInstant(b)] : [];
  if (at[0] && at[1]) return asFieldValue(at[0]) === asFieldValue(at[1]);
  return (a ?? null) === (b ?? null) || (a === false && (b ?? null) === null);
}

/** What the fields say. */
export function readAll(fields: readonly Field[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, field.read()]).filter(([, value]) => value !== null && value !== false));
}

/** What the fields say that the record does not. */
export function readChanges(fields: readonly Field[], before: Values): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((field) => [field.name, field.read()] as const).filter(([name, value]) => !same(value, before[name])),
  );
}

/** A form is not ready to be sent: what is missing, in a sentence. */
export class NotReady extends Error {}

/** Why something was not taken, in a sentence. */
export function whyNot(error: unknown): string {
  if (error instanceof NotReady) return error.message;
  if (!(error instanceof NotTaken)) return reason(error);
  const known = { 401: t("signInFirst"), 403: t("notPermitted"), 404: t("reasonGone"), 410: t("reasonGone") }[error.status];
  return [known, error.detail].filter((words) => words !== undefined && words !== "").join(t("colon"));
}

/** A form: its fields, a place for troubles, and a button. While it is being sent the button rests. */
export function form(parts: readonly Child[], submit: string, onSubmit: () => Promise<void>): HTMLFormElement {
  const trouble = el("div", { class: "form-trouble", role: "alert", hidden: "" });
  const button = el("button", { type: "submit", class: "primary" }, submit);
  const made = el("form", { class: "form" }, ...parts, trouble, el("div", { class: "form-foot" }, button));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    clearFaults(made, trouble);
    onSubmit()
      .catch((error: unknown) => writeFaults(made, trouble, error))
      .finally(() => (button.disabled = false));
  });
  return made;
}

function clearFaults(of: HTMLFormElement, trouble: HTMLElement): void {
  trouble.hidden = true;
  for (const note of of.querySelectorAll(".fault")) note.remove();
  for (const input of of.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** Each fault at its field; what belongs to no field in the trouble line. */
function writeFaults(of: HTMLFormElement, trouble: HTMLElement, error: unknown): void {
  const faults = error instanceof NotTaken ? error.faults : [];
  const elsewhere = faults.filter(({ column, reason: why }) => {
    const input = of.querySelector<HTMLElement>(`[data-column="${CSS.escape(column)}"]`);
    if (input === null) return true;
    input.setAttribute("aria-invalid", "true");
    input.closest("details")?.setAttribute("open", "");
    input.closest(".field")?.append(el("p", { class: "fault" }, why));
    return false;
  });
  const lines = faults.length === 0 ? [whyNot(error)] : [t("notTaken"), ...elsewhere.map(({ column, reason: why }) => `${column}: ${why}`)];
  trouble.replaceChildren(...lines.map((line) => el("p", {}, line)));
  trouble.hidden = false;
  of.querySelector<HTMLElement>("[aria-invalid]")?.focus();
}
