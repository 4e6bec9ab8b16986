/** What a pop-up says where the click met several incidents, or features of other layers. */

import type { MapGeoJSONFeature } from "maplibre-gl";
import { recordAddress, type Feature } from "./api";
import type { LayerInfo } from "./catalogue";
import { codeTitle, eitherLanguage, recordTitle, rows, wordsElement } from "./details";
import { el } from "./dom";
import { number, pick, t } from "./i18n";
import { markElement } from "./icons";
import { stateOf } from "./incidents";
import type { Mode, Theme } from "./view";

const CARDS = 4;

/** Buttons for incidents that lie close together, and how many there are in all. */
export function chooser(
  features: readonly Feature[],
  matched: number,
  layer: LayerInfo | undefined,
  theme: Theme,
  onPick: (feature: Feature) => void,
): HTMLElement {
  const buttons = features.map((feature) => {
    const { properties } = feature;
    const title = eitherLanguage(properties, "title");
    const button = el(
      "button",
      { type: "button", class: "choice" },
      markElement(String(properties["category"] ?? ""), stateOf(properties), theme),
      el(
        "span",
        { class: "item-text" },
        wordsElement("strong", title.text === "" ? { text: t("untitled"), lang: null } : title),
        el("span", { class: "item-words" }, codeTitle(layer, "status", properties["status"])),
      ),
    );
    button.addEventListener("click", () => onPick(feature));
    return el("li", {}, button);
  });
  const more = matched - features.length;
  return el(
    "div",
    { class: "record" },
    el("h3", {}, t("severalHere", { n: number(matched) })),
    el("ul", { class: "choices" }, ...buttons),
    more > 0 ? el("p", { class: "note" }, t("moreHere", { n: number(more) })) : null,
  );
}

function layerCard(layer: LayerInfo, feature: MapGeoJSONFeature, mode: Mode): HTMLElement {
  const { properties } = feature;
  const id = String(properties["id"] ?? feature.id ?? "");
  const body = rows(layer.columns, properties);
  return el(
    "article",
    { class: "record" },
    el("p", { class: "record-layer" }, pick(layer.title)),
    wordsElement("h3", recordTitle(properties, pick(layer.title))),
    layer.provenance === "exercise" ? el("p", { class: "note" }, t("standIn")) : null,
    body.length > 0 ? el("dl", {}, ...body) : null,
    el(
      "p",
      { class: "record-foot" },
      pick(layer.attribution),
      id === "" ? null : el("a", { href: recordAddress(layer.id, id, mode) }, t("fullRecord")),
    ),
  );
}

/** One card for each layer that the click met, topmost first. */
export function layerCards(
  found: readonly [string, MapGeoJSONFeature][],
  layers: ReadonlyMap<string, LayerInfo> | null,
  mode: Mode,
): HTMLElement {
  const cards = found.slice(0, CARDS).map(([id, feature]) => {
    const layer = layers?.get(id);
    return layer === undefined ? null : layerCard(layer, feature, mode);
  });
  return el("div", {}, ...cards);
}
