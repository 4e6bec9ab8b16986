/** The panel of layers: what the marks mean, and a switch with a swatch for every layer, by group. */

import { el } from "./dom";
import type { LayerInfo } from "./api";
import { pick, t } from "./i18n";
import { INCIDENTS } from "./incidents";
import { dotElement, markElement, STATES, type State } from "./icons";
import { isDrawable } from "./layers";
import { GROUPS, type TextKey } from "./texts";
import type { Theme } from "./view";

const SVG = "http://www.w3.org/2000/svg";
const STATE_TEXT: Readonly<Record<State, TextKey>> = {
  active: "legendActive",
  major: "legendMajor",
  done: "legendDone",
};

/** A layer's sample: a dot, a line or a patch in its style. */
function swatch(layer: LayerInfo): Element {
  const { style, geometry } = layer;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 16");
  picture.setAttribute("class", "swatch");
  picture.setAttribute("aria-hidden", "true");
  const put = (tag: string, attributes: Readonly<Record<string, string>>): void => {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    picture.append(shape);
  };
  const dash =
    style.dash === null ? {} : { "stroke-dasharray": style.dash.map((part) => part * style.width).join(" ") };
  const stroke = { stroke: style.color, "stroke-width": String(Math.max(style.width, 1.2)), ...dash };
  if (geometry?.endsWith("Point")) {
    put("circle", {
      cx: "12",
      cy: "8",
      r: String(Math.min(style.radius, 6)),
      fill: style.color,
      stroke: "#fff",
    });
  } else if (geometry?.endsWith("LineString")) {
    put("path", { d: "M2 12 9 5 14 10 22 4", fill: "none", ...stroke });
  } else {
    const opacity = style.dash === null ? style.opacity * 0.6 : 0.06;
    put("rect", {
      x: "2",
      y: "2",
      width: "20",
      height: "12",
      rx: "2",
      fill: style.color,
      "fill-opacity": String(opacity),
      ...stroke,
    });
  }
  return picture;
}

function note(layer: LayerInfo): HTMLElement | null {
  if (layer.provenance === "exercise") return el("span", { class: "note" }, t("standIn"));
  return isDrawable(layer) ? null : el("span", { class: "note" }, t("inBasemap"));
}

function layerSwitch(
  layer: LayerInfo,
  on: boolean,
  onSwitch: (id: string, on: boolean) => void,
): HTMLElement {
  const box = el("input", { type: "checkbox", value: layer.id });
  box.checked = on || !isDrawable(layer);
  box.disabled = !isDrawable(layer);
  box.addEventListener("change", () => onSwitch(layer.id, box.checked));
  const words = el("span", { class: "layer-title" }, pick(layer.title), note(layer));
  return el("li", {}, el("label", {}, box, swatch(layer), words));
}

function incidentLegend(incidents: LayerInfo | undefined, theme: Theme): HTMLElement {
  const states = STATES.map((state) =>
    el("li", {}, markElement("other", state, theme), el("span", {}, t(STATE_TEXT[state]))),
  );
  const dots = el(
    "li",
    { class: "legend-dots" },
    dotElement("active", theme),
    el("span", {}, t("legendDots")),
  );
  const codes = incidents?.columns.find((column) => column.name === "category")?.codes ?? {};
  const kinds = Object.entries(codes).map(([code, title]) =>
    el("li", {}, markElement(code, "active", theme), el("span", {}, pick(title))),
  );
  return el(
    "section",
    {},
    el("h3", {}, t("legendIncidents")),
    el("ul", { class: "legend" }, ...states, dots),
    el("ul", { class: "legend legend-kinds" }, ...kinds),
  );
}

function byGroup(layers: Iterable<LayerInfo>): Map<string, LayerInfo[]> {
  const groups = new Map<string, LayerInfo[]>(Object.keys(GROUPS).map((group) => [group, []]));
  for (const layer of layers) {
    // Incidents are always on, so they have no switch.
    if (layer.id !== INCIDENTS) groups.set(layer.group, [...(groups.get(layer.group) ?? []), layer]);
  }
  return groups;
}

/** Fill the panel. `layers` is `null` while, or because, the catalogue could not be read. */
export function writeLegend(
  panel: HTMLElement,
  layers: ReadonlyMap<string, LayerInfo> | null,
  on: readonly string[],
  theme: Theme,
  onSwitch: (id: string, on: boolean) => void,
): void {
  const sections = [incidentLegend(layers?.get(INCIDENTS), theme)];
  for (const [group, members] of byGroup(layers?.values() ?? [])) {
    if (members.length === 0) continue;
    const rows = members.map((layer) => layerSwitch(layer, on.includes(layer.id), onSwitch));
    const title = GROUPS[group];
    sections.push(
      el("section", {}, el("h3", {}, title ? pick(title) : group), el("ul", { class: "switches" }, ...rows)),
    );
  }
  if (layers === null) sections.push(el("section", {}, el("p", { class: "note" }, t("layersUnknown"))));
  panel.replaceChildren(...sections);
}
