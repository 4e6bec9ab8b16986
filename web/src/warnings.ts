/** The warnings in force at the moment of the picture, as a strip at the top, in both languages. */

import type { LayerInfo } from "./catalogue";
import { timeOf } from "./details";
import { byId, el } from "./dom";
import type { Json } from "./http";
import { age, currentLanguage, dateTime, hourOf, languageTag, otherLanguage, t } from "./i18n";
import type { Current } from "./summary";

export const WARNINGS = "warnings";

/** Black or white, whichever reads better on a colour. */
function inkOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) || 0);
  return red * 0.299 + green * 0.587 + blue * 0.114 > 150 ? "#16120a" : "#ffffff";
}

/** The hour alone for what is younger than a day, with its age. */
function recent(at: Date): string {
  const passed = age(at);
  return passed === "" ? dateTime(at) : t("timeAndAge", { time: hourOf(at), age: passed });
}

function warning(properties: Json, layer: LayerInfo): HTMLElement {
  const name = (language: "en" | "zh"): string => String(properties[`name_${language}`] ?? "");
  const [chosen, other] = [currentLanguage(), otherLanguage()];
  const since = timeOf(properties, "issued_at");
  const color = layer.classes.find(({ values }) => values.includes(properties["code"]))?.color || layer.sample.color;
  const item = el(
    "li",
    { class: "warning", "data-code": String(properties["code"] ?? "") },
    el("strong", { lang: languageTag(name(chosen) === "" ? other : chosen) }, name(chosen) || name(other)),
    name(chosen) === "" || name(other) === ""
      ? null
      : el("span", { lang: languageTag(other), class: "other-name" }, name(other)),
    since === null
      ? null
      : el(
          "time",
          { datetime: since.toISOString() },
          t("since", { time: recent(since) }),
        ),
  );
  item.style.backgroundColor = color;
  item.style.color = inkOn(color);
  return item;
}

/** Write the strip. `null`: it could not be read, which is said; without the layer there is no strip. */
export function writeWarnings(inForce: Current | null, layer: LayerInfo | undefined): void {
  const strip = byId("warnings", HTMLElement);
  strip.hidden = layer === undefined;
  if (layer === undefined) return;
  const quiet = inForce === null ? t("warningsUnknown") : inForce.count === 0 ? t("noWarnings") : "";
  // The latest stands first; the later the issue, the heavier, as signals replace each other.
  const items = (inForce?.records ?? []).map((record) => warning(record, layer));
  strip.replaceChildren(
    el("h2", { class: "strip-title" }, t("warningsInForce")),
    quiet === "" ? el("ul", {}, ...items) : el("p", {}, quiet),
  );
}
