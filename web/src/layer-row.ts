/** One layer of the tree: its switch, and what stands below it when it is drawn or asked about. */

import { fetchLegend, type LayerInfo, type LegendEntry } from "./catalogue";
import { el } from "./dom";
import { agePlace } from "./feeds";
import { age, fullDateTime, pick, t } from "./i18n";
import { hasHistory, isDrawable } from "./layers";
import { paintSample, swatch } from "./swatch";
import type { Theme } from "./view";

export interface RowState {
  readonly layer: LayerInfo;
  /** `null`: it is switched off. */
  readonly opacity: number | null;
  readonly isOpen: boolean;
  readonly theme: Theme;
  readonly zoom: number | null;
  /** The picture is of an earlier moment. */
  readonly isPast: boolean;
}

export interface RowActions {
  readonly switchLayer: (id: string, on: boolean) => void;
  readonly fade: (id: string, opacity: number) => void;
  readonly open: (id: string, on: boolean) => void;
}

const legends = new Map<string, Promise<readonly LegendEntry[]>>();

function legendOf(id: string, theme: Theme): Promise<readonly LegendEntry[]> {
  const key = `${theme}/${id}`;
  const known = legends.get(key) ?? fetchLegend(id, theme);
  legends.set(key, known);
  known.catch(() => legends.delete(key));
  return known;
}

function notes(layer: LayerInfo): HTMLElement | null {
  const made = [
    layer.provenance === "exercise" ? el("span", { class: "mark-exercise" }, t("exerciseMark")) : null,
    isDrawable(layer) ? null : el("span", {}, t("inBasemap")),
    layer.loaded === null && layer.provenance === null ? el("span", {}, t("notLoaded")) : null,
  ].filter((part) => part !== null);
  return made.length === 0 ? null : el("span", { class: "note" }, ...made);
}

function slider({ layer, opacity }: RowState, { fade }: RowActions): HTMLElement {
  const input = el("input", {
    type: "range",
    min: "10",
    max: "100",
    step: "5",
    "data-focus": `opacity ${layer.id}`,
    "aria-label": t("opacityOf", { name: pick(layer.title) }),
  });
  const words = el("output", {});
  const tell = (): void => {
    words.textContent = `${input.value}%`;
    input.setAttribute("aria-valuetext", words.textContent);
  };
  input.value = String(Math.round((opacity ?? 1) * 100));
  tell();
  input.addEventListener("input", () => {
    tell();
    fade(layer.id, Number(input.value) / 100);
  });
  return el("div", { class: "opacity" }, el("span", { class: "note" }, t("opacity")), input, words);
}

function legend({ layer, theme }: RowState): HTMLElement {
  const list = el("ul", { class: "legend classes", "data-legend": layer.id });
  const fill = (entries: readonly LegendEntry[]): void =>
    list.replaceChildren(
      ...entries.map((entry) => el("li", {}, swatch(entry, theme), el("span", {}, pick(entry.label)))),
    );
  legendOf(layer.id, theme).then(fill, () => fill([layer.sample]));
  return list;
}

/** Says that the map is too far out for the layer; `zoomed` hides it when it comes close enough. */
function zoomHint({ layer, zoom }: RowState): HTMLElement {
  const hint = el("p", { class: "zoom-hint", "data-from-zoom": String(layer.fromZoom) }, t("zoomToSee"));
  hint.hidden = zoom === null || zoom >= layer.fromZoom;
  return hint;
}

function fact(label: string, ...value: (Node | string)[]): HTMLElement {
  return el("div", {}, el("dt", {}, label), el("dd", {}, ...value));
}

function cadence(text: string): string {
  return { live: t("cadenceLive"), "on change": t("cadenceOnChange"), irregular: t("cadenceIrregular") }[text] ?? text;
}

function facts(layer: LayerInfo): HTMLElement {
  const loaded = layer.loaded;
  const words =
    loaded === null
      ? t("notLoaded")
      : [fullDateTime(loaded), age(loaded, new Date())].filter((part) => part !== "").join(t("listSeparator"));
  const licence =
    layer.licenceAddress === "" ? layer.licence : el("a", { href: layer.licenceAddress, rel: "noreferrer" }, layer.licence);
  return el(
    "dl",
    { class: "facts" },
    fact(t("ownerDepartment"), pick(layer.departmentTitle)),
    fact(t("provenance"), t(layer.provenance === "exercise" ? "provenanceExercise" : "provenanceReal")),
    fact(t("attribution"), pick(layer.attribution)),
    fact(t("licence"), licence),
    fact(t("dataset"), layer.dataset),
    fact(t("cadence"), cadence(layer.cadence)),
    fact(t("loadedAt"), words),
  );
}

function links({ id, ...layer }: LayerInfo): HTMLElement {
  const base = `/collections/${encodeURIComponent(id)}`;
  const drawable = isDrawable({ id, ...layer });
  const all: readonly (readonly [string, string])[] = [
    [t("linkCollection"), `${base}?f=html`],
    ...(drawable
      ? ([
          [t("linkItems"), `${base}/items?f=html`],
          [t("linkTiles"), `${base}/tiles/WebMercatorQuad?f=tilejson`],
        ] as const)
      : ([[t("linkCoverage"), `${base}/coverage?f=GTiff`]] as const)),
    [t("linkQgis"), `/clients/qgis/${encodeURIComponent(id)}.qlr`],
  ];
  return el("p", { class: "layer-links" }, ...all.map(([title, href]) => el("a", { href }, title)));
}

function about(state: RowState): HTMLElement {
  const { layer } = state;
  return el(
    "div",
    { class: "about", id: `about-${layer.id}` },
    el("p", {}, pick(layer.description)),
    facts(layer),
    links(layer),
  );
}

function pastNote({ layer, isPast }: RowState): HTMLElement | null {
  return isPast && !hasHistory(layer) ? el("p", { class: "note" }, t("shownAsNow")) : null;
}

/** The layer's line and what stands below it. */
export function layerRow(state: RowState, actions: RowActions): HTMLElement {
  const { layer, opacity, isOpen } = state;
  const isOn = opacity !== null;
  const title = pick(layer.title);
  const box = el("input", { type: "checkbox", value: layer.id, "data-focus": `switch ${layer.id}` });
  box.checked = isOn || !isDrawable(layer);
  box.disabled = !isDrawable(layer);
  box.addEventListener("change", () => actions.switchLayer(layer.id, box.checked));
  const info = el("button", {
    type: "button",
    class: "info",
    "data-focus": `info ${layer.id}`,
    "aria-expanded": String(isOpen),
    "aria-controls": `about-${layer.id}`,
    "aria-label": t("aboutLayer", { name: title }),
    title: t("aboutLayer", { name: title }),
  });
  info.addEventListener("click", () => actions.open(layer.id, !isOpen));
  const age = agePlace(layer);
  if (age !== null) box.setAttribute("aria-describedby", age.id);
  const words = el("span", { class: "layer-title" }, title, notes(layer));
  return el(
    "li",
    { class: isOn ? "layer on" : "layer", "data-layer": layer.id },
    el("div", { class: "layer-line" }, el("label", {}, box, paintSample(layer.sample), words), info),
    age,
    isOn ? el("div", { class: "drawn" }, zoomHint(state), pastNote(state), slider(state, actions), legend(state)) : null,
    isOpen ? about(state) : null,
    isOpen && !isOn && isDrawable(layer) ? legend(state) : null,
  );
}

/** Hide or show the hints of all layers, as the map's zoom has changed. */
export function zoomed(place: HTMLElement, zoom: number): void {
  for (const hint of place.querySelectorAll<HTMLElement>("[data-from-zoom]")) {
    hint.hidden = zoom >= Number(hint.dataset["fromZoom"]);
  }
}
