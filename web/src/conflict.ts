/** Two people changed one record: what I want and what stands there now, side by side, to choose field by field. */

import type { Column, LayerInfo } from "./catalogue";
import { valueText } from "./details";
import { el } from "./dom";
import { form, NotReady, same } from "./form";
import { pick, t } from "./i18n";
import type { Values } from "./send";
import { openSheet } from "./sheet";

export interface Conflict {
  readonly layer: LayerInfo | undefined;
  /** What the record said when I read it, what I want it to say, and what it says now. */
  readonly base: Values;
  readonly mine: Values;
  readonly theirs: Values;
}

/** Columns that the store writes by itself say nothing about what somebody wanted. */
const OF_STORE = new Set(["updated_at"]);

function columnOf(layer: LayerInfo | undefined, name: string): Column {
  const found = layer?.columns.find((column) => column.name === name);
  return found ?? { name, type: "text", title: { en: name, zh: name }, unit: null, codes: {} };
}

function words(column: Column, value: unknown): string {
  return value === null || value === undefined || value === "" ? t("notGiven") : valueText(column, value);
}

/** The columns that both changed, each in another way. */
export function disputed({ base, mine, theirs }: Conflict): string[] {
  return Object.keys(mine).filter((name) => !same(theirs[name], base[name]) && !same(theirs[name], mine[name]));
}

/** What only they changed. */
function theirsAlone({ base, mine, theirs, layer }: Conflict): string[] {
  const names = layer?.columns.map(({ name }) => name) ?? Object.keys(theirs);
  return names.filter((name) => !OF_STORE.has(name) && !(name in mine) && !same(theirs[name], base[name]));
}

function choice(name: string, who: "mine" | "theirs", text: string): HTMLElement {
  const radio = el("input", { type: "radio", name: `choose-${name}`, value: who });
  return el("td", {}, el("label", { class: "choice" }, radio, el("span", {}, text)));
}

function rowOf(conflict: Conflict, name: string, isDisputed: boolean): HTMLElement {
  const column = columnOf(conflict.layer, name);
  const [mine, theirs] = [words(column, conflict.mine[name]), words(column, conflict.theirs[name])];
  const cells = isDisputed
    ? [choice(name, "mine", mine), choice(name, "theirs", theirs)]
    : [el("td", {}, mine), el("td", { class: "note" }, theirs)];
  return el("tr", { "data-column": name }, el("th", { scope: "row" }, pick(column.title)), ...cells);
}

function onlyTheirs(conflict: Conflict): HTMLElement | null {
  const names = theirsAlone(conflict);
  if (names.length === 0) return null;
  const lines = names.map((name) => {
    const column = columnOf(conflict.layer, name);
    return el("li", {}, `${pick(column.title)}${t("colon")}${words(column, conflict.theirs[name])}`);
  });
  return el("section", {}, el("h3", {}, t("theyAlsoChanged")), el("ul", { class: "plain" }, ...lines));
}

/** Ask which values stand. `onChosen` gets those of mine that do; it may meet the next conflict. */
export function openConflict(conflict: Conflict, onChosen: (mine: Record<string, unknown>) => Promise<void>): void {
  const open = disputed(conflict);
  const table = el(
    "table",
    { class: "conflict" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("fieldName")), el("th", { scope: "col" }, t("mine")), el("th", { scope: "col" }, t("theirs")))),
    el("tbody", {}, ...Object.keys(conflict.mine).map((name) => rowOf(conflict, name, open.includes(name)))),
  );
  const submit = async (): Promise<void> => {
    const chosen = open.map((name) => [name, table.querySelector<HTMLInputElement>(`[name="choose-${CSS.escape(name)}"]:checked`)?.value] as const);
    if (chosen.some(([, value]) => value === undefined)) throw new NotReady(t("chooseEach"));
    const left = new Set(chosen.filter(([, value]) => value === "theirs").map(([name]) => name));
    await onChosen(Object.fromEntries(Object.entries(conflict.mine).filter(([name]) => !left.has(name))));
  };
  const why = t(open.length > 0 ? "conflictWords" : "conflictApart");
  openSheet(t("conflictTitle"), [el("p", { class: "note" }, why), form([table, onlyTheirs(conflict)], t("saveChosen"), submit)]);
}
