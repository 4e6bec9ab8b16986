/** A record in words: rows of label and value, with codes, units and times read from the catalogue's columns. */

import type { Column, LayerInfo } from "./catalogue";
import { el } from "./dom";
import {
  currentLanguage,
  day,
  fullDateTime,
  languageTag,
  number,
  otherLanguage,
  pick,
  t,
  type Bilingual,
} from "./i18n";
import { readInstant } from "./time";

type Properties = Readonly<Record<string, unknown>>;

/** A value ready to be shown, with its language where that is not the chosen one. */
interface Words {
  readonly text: string;
  readonly lang: string | null;
}

const SUFFIX = /_(en|zh)$/;

function isEmpty(value: unknown): boolean {
  return (
    value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)
  );
}

/** The title of a code of a column, or the code itself where the catalogue has no title for it. */
export function codeTitle(layer: LayerInfo | undefined, column: string, code: unknown): string {
  if (isEmpty(code)) return "";
  const title = layer?.columns.find(({ name }) => name === column)?.codes[String(code)];
  return title === undefined ? String(code) : pick(title);
}

/** `x_en` or `x_zh` by the chosen language; the other one where the chosen is empty. */
export function eitherLanguage(properties: Properties, stem: string): Words {
  for (const language of [currentLanguage(), otherLanguage()]) {
    const value = properties[`${stem}_${language}`];
    if (!isEmpty(value)) {
      return { text: String(value), lang: language === currentLanguage() ? null : languageTag(language) };
    }
  }
  return { text: "", lang: null };
}

/** An element that holds words in their language. */
export function wordsElement<K extends "span" | "strong" | "h3">(
  tag: K,
  { text, lang }: Words,
): HTMLElementTagNameMap[K] {
  return el(tag, lang === null ? {} : { lang }, text);
}

function instant(value: unknown): Date | null {
  return typeof value === "string" ? readInstant(value) : null;
}

/** A time of a record, or `null` where there is none or it cannot be read. */
export function timeOf(properties: Properties, name: string): Date | null {
  return instant(properties[name]);
}

function inUnit(text: string, unit: string | null): string {
  return unit === null ? text : `${text} ${unit}`;
}

/** A value of a column in words. */
export function valueText(column: Column, value: unknown): string {
  const at = column.type === "time" || column.type === "date" ? instant(value) : null;
  if (at !== null) return column.type === "time" ? fullDateTime(at) : day(at);
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (typeof value === "number") return inUnit(number(value), column.unit);
  if (Array.isArray(value)) return value.map(String).join(t("listSeparator"));
  const title = column.codes[String(value)];
  return title === undefined ? inUnit(String(value), column.unit) : pick(title);
}

/** A title that serves both languages' columns: `Name (English)` is `Name`, 英文名稱 is 名稱. */
function commonTitle(title: Bilingual): string {
  return pick({ en: title.en.replace(/ \((English|Chinese)\)$/, ""), zh: title.zh.replace(/[中英]文/, "") });
}

/** One row of a description list. */
export function row(label: string, value: Node | string, kind = ""): HTMLElement {
  return el("div", kind === "" ? {} : { class: kind }, el("dt", {}, label), el("dd", {}, value));
}

/** The rows of the given columns that have a value, in the given order; language pairs make one row. */
export function rows(columns: readonly Column[], properties: Properties): HTMLElement[] {
  const done = new Set<string>();
  const made: HTMLElement[] = [];
  for (const column of columns) {
    const stem = SUFFIX.test(column.name) ? column.name.replace(SUFFIX, "") : null;
    if (done.has(stem ?? column.name)) continue;
    done.add(stem ?? column.name);
    if (stem !== null) {
      const words = eitherLanguage(properties, stem);
      if (words.text !== "") made.push(row(commonTitle(column.title), wordsElement("span", words)));
    } else if (!isEmpty(properties[column.name])) {
      made.push(row(pick(column.title), valueText(column, properties[column.name])));
    }
  }
  return made;
}

/** The title of a record: its own title or name in the chosen language, else its id. */
export function recordTitle(properties: Properties, id: string): Words {
  for (const stem of ["title", "name", "station", "description"]) {
    const words = eitherLanguage(properties, stem);
    if (words.text !== "") return words;
  }
  return { text: id, lang: null };
}
