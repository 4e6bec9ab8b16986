/** What became of a record: its versions, the newest first, with who changed what. */

import { fetchVersions, type Version } from "./api";
import type { LayerInfo } from "./catalogue";
import { valueText } from "./details";
import { el } from "./dom";
import { fullDateTime, number, pick, t } from "./i18n";
import type { Mode } from "./view";

/** What the store writes beside every change. */
const OF_STORE = new Set(["updated_at", "id"]);

function changes({ changed }: Version, layer: LayerInfo | undefined): HTMLElement {
  const lines = [...changed].flatMap(([name, [before, after]]) => {
    const column = layer?.columns.find((one) => one.name === name);
    if (column === undefined || OF_STORE.has(name)) return [];
    const words = (value: unknown): string => (value === null || value === undefined ? t("notGiven") : valueText(column, value));
    return [el("li", {}, `${pick(column.title)}${t("colon")}${t("beforeAfter", { before: words(before), after: words(after) })}`)];
  });
  return el("ul", { class: "plain" }, ...lines);
}

function item(version: Version, layer: LayerInfo | undefined): HTMLElement {
  const { at, actor, cause } = version;
  const who = [actor, cause].filter((part) => part !== "").join(t("listSeparator"));
  return el(
    "li",
    {},
    el("p", {}, el("strong", {}, at === null ? t("notKnown") : fullDateTime(at)), who === "" ? null : ` ${who}`),
    changes(version, layer),
  );
}

/** A list that is filled when the server has told the versions. */
export function versionsPart(mode: Mode, collection: string, id: string, layer: LayerInfo | undefined): HTMLElement {
  const part = el("details", { class: "versions", hidden: "" });
  fetchVersions(mode, collection, id).then((versions) => {
    if (versions.length === 0) return;
    part.replaceChildren(
      el("summary", {}, t("versions", { n: number(versions.length) })),
      el("ol", {}, ...versions.map((version) => item(version, layer))),
    );
    part.hidden = false;
  }, console.warn);
  return part;
}

/** The same, read when somebody opens it: for lists of records. */
export function historyPart(mode: Mode, collection: string, id: string, layer: LayerInfo | undefined): HTMLElement {
  const place = el("p", { class: "note" }, t("loading"));
  const part = el("details", { class: "versions" }, el("summary", {}, t("steps")), place);
  const fill = (): void => {
    fetchVersions(mode, collection, id).then(
      (versions) => place.replaceWith(el("ol", {}, ...versions.map((version) => item(version, layer)))),
      () => (place.textContent = t("listUnknown")),
    );
  };
  part.addEventListener("toggle", fill, { once: true });
  return part;
}
