/** The tree of layers: groups that open, a search in both languages, and a row for each layer. */

import type { LayerInfo } from "./catalogue";
import { el } from "./dom";
import { number, pick, t } from "./i18n";
import { incidentLegend } from "./incident-legend";
import { INCIDENTS } from "./incidents";
import { layerRow, zoomed, type RowActions } from "./layer-row";
import type { Shown, Theme } from "./view";

export interface TreeContent {
  /** `null` while, or because, the catalogue could not be read. */
  readonly layers: ReadonlyMap<string, LayerInfo> | null;
  readonly shown: readonly Shown[];
  readonly openGroups: readonly string[];
  readonly theme: Theme;
  readonly zoom: number | null;
  readonly isPast: boolean;
}

export interface TreeActions {
  readonly switchLayer: (id: string, on: boolean) => void;
  readonly fade: (id: string, opacity: number) => void;
  readonly openGroup: (group: string, on: boolean) => void;
  readonly hideAll: () => void;
}

/** Everything that the search looks through, in one text. */
export function searchText({ id, title, description, department, departmentTitle, groupTitle }: LayerInfo): string {
  const parts = [title, description, departmentTitle, groupTitle];
  return [id, department, ...parts.flatMap(({ en, zh }) => [en, zh])].join("\n").toLowerCase();
}

/** Whether a layer has every word that was typed, anywhere and in either language. */
export function isFound(layer: LayerInfo, typed: string): boolean {
  const words = typed.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const text = searchText(layer);
  return words.every((word) => text.includes(word));
}

function byGroup(layers: Iterable<LayerInfo>): [string, LayerInfo[]][] {
  const groups = new Map<string, LayerInfo[]>();
  // Incidents are always on, so they have no switch.
  for (const layer of [...layers].toSorted((a, b) => a.groupRank - b.groupRank)) {
    if (layer.id !== INCIDENTS) groups.set(layer.group, [...(groups.get(layer.group) ?? []), layer]);
  }
  return [...groups];
}

/** The tree in its place on the page; the search stands beside it and stays as it is. */
export class LayerTree {
  readonly #place: HTMLElement;
  readonly #search: HTMLInputElement;
  readonly #actions: TreeActions;
  readonly #asked = new Set<string>();
  #content: TreeContent | null = null;

  constructor(place: HTMLElement, search: HTMLInputElement, actions: TreeActions) {
    this.#place = place;
    this.#search = search;
    this.#actions = actions;
    search.addEventListener("input", () => this.#draw());
  }

  write(content: TreeContent): void {
    this.#content = content;
    this.#search.placeholder = t("searchLayers");
    this.#draw();
  }

  zoomed(zoom: number): void {
    zoomed(this.#place, zoom);
  }

  /** Draw everything again; the keyboard stays on the control that it was on. */
  #draw(): void {
    const content = this.#content;
    if (content === null) return;
    const held = document.activeElement;
    const key = held instanceof HTMLElement && this.#place.contains(held) ? held.dataset["focus"] : undefined;
    const legendOpen = this.#place.querySelector<HTMLDetailsElement>("#incident-legend")?.open ?? false;
    const legend = incidentLegend(content.layers?.get(INCIDENTS), content.theme);
    legend.setAttribute("class", "incident-legend");
    if (legendOpen) legend.setAttribute("open", "");
    this.#place.replaceChildren(this.#headLine(content), ...this.#groups(content), legend);
    if (key !== undefined) this.#place.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }

  #headLine({ layers, shown }: TreeContent): HTMLElement {
    const all = Math.max(0, (layers?.size ?? 0) - Number(layers?.has(INCIDENTS) ?? false));
    const line = el("p", { class: "tree-head", role: "status" }, t("shownOf", { n: number(shown.length), all: number(all) }));
    if (shown.length === 0) return line;
    const hide = el("button", { type: "button", class: "link", "data-focus": "hide-all" }, t("hideAll"));
    hide.addEventListener("click", () => this.#actions.hideAll());
    line.append(" ", hide);
    return line;
  }

  #groups(content: TreeContent): HTMLElement[] {
    if (content.layers === null) return [el("p", { class: "note pad" }, t("layersUnknown"))];
    const typed = this.#search.value.trim();
    const found = [...content.layers.values()].filter((layer) => typed === "" || isFound(layer, typed));
    const groups = byGroup(found);
    if (groups.length === 0) return [el("p", { class: "note pad", role: "status" }, t("noLayerFound", { text: typed }))];
    return groups.map(([group, members]) => this.#group(content, group, members, typed !== ""));
  }

  #group(content: TreeContent, group: string, members: readonly LayerInfo[], searching: boolean): HTMLElement {
    const [first] = members;
    const isOpen = searching || content.openGroups.includes(group);
    const on = members.filter(({ id }) => content.shown.some((one) => one.id === id)).length;
    const count = on === 0 ? number(members.length) : t("onOf", { n: number(on), all: number(members.length) });
    const listId = `group-${group.replaceAll(" ", "-")}`;
    const head = el(
      "button",
      {
        type: "button",
        class: "group-head",
        "aria-expanded": String(isOpen),
        "aria-controls": listId,
        "data-focus": `group ${group}`,
      },
      el("span", {}, first === undefined ? group : pick(first.groupTitle)),
      el("span", { class: on === 0 ? "group-count" : "group-count some" }, count),
    );
    head.addEventListener("click", () => this.#actions.openGroup(group, !isOpen));
    const rows = isOpen ? members.map((layer) => this.#row(content, layer)) : [];
    const list = el("ul", { class: "switches", id: listId }, ...rows);
    list.hidden = !isOpen;
    return el("section", { class: "group", "data-group": group }, el("h3", {}, head), list);
  }

  #row({ shown, theme, zoom, isPast }: TreeContent, layer: LayerInfo): HTMLElement {
    const opacity = shown.find(({ id }) => id === layer.id)?.opacity ?? null;
    const actions: RowActions = {
      switchLayer: this.#actions.switchLayer,
      fade: this.#actions.fade,
      open: (id, on) => {
        if (on) this.#asked.add(id);
        else this.#asked.delete(id);
        this.#draw();
      },
    };
    return layerRow({ layer, opacity, isOpen: this.#asked.has(layer.id), theme, zoom, isPast }, actions);
  }
}
