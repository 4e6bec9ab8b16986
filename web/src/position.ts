/** Where it happened: a click on the map, this device's position, or a place found by words. */

import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import type { Reading } from "./api";
import type { LayerInfo } from "./catalogue";
import { byId, el, say } from "./dom";
import { labelled } from "./form";
import type { LonLat } from "./geometry";
import { number, pick, t } from "./i18n";
import { ring } from "./incidents";
import { findPlaces, SHORTEST, type Place } from "./places";
import { setAside } from "./sheet";
import { reason } from "./status";

const TYPING_MS = 300;
const GPS_MS = 15_000;
const CLOSE = 16;

/** A position, and how it was found. */
export interface Position {
  readonly at: LonLat;
  readonly method: string;
  readonly uncertainty: number | null;
  /** Words for the place, where it was found by words. */
  readonly name: { readonly en: string; readonly zh: string } | null;
}

export interface Ground {
  readonly map: MapLibre | null;
  readonly layers: ReadonlyMap<string, LayerInfo> | null;
  readonly reading: Reading;
}

/** Whether a click on the map now chooses a position, and opens nothing. */
let picking: ((at: LonLat | null) => void) | null = null;

/** Hand a click of the map to whoever waits for a position; answers whether anybody did. */
export function takeClick(event: MapMouseEvent): boolean {
  if (picking === null) return false;
  picking([event.lngLat.lng, event.lngLat.lat]);
  return true;
}

function pickOnMap(map: MapLibre): Promise<LonLat | null> {
  const bar = byId("picking", HTMLDivElement);
  return new Promise((resolve) => {
    const finish = (at: LonLat | null): void => {
      picking = null;
      bar.hidden = true;
      bar.onkeydown = null;
      map.getCanvas().onkeydown = null;
      setAside(false);
      resolve(at);
    };
    picking = finish;
    const centre = (): LonLat => map.getCenter().toArray() as LonLat;
    const here = el("button", { type: "button", id: "pick-centre" }, t("pickCentre"));
    here.addEventListener("click", () => finish(centre()));
    const cancel = el("button", { type: "button" }, t("cancel"));
    cancel.addEventListener("click", () => finish(null));
    bar.replaceChildren(el("span", {}, t("pickWords")), here, cancel);
    bar.hidden = false;
    // The keyboard moves the map by arrows; Enter takes its middle.
    map.getCanvas().onkeydown = ({ key }) => {
      if (key === "Enter") finish(centre());
      if (key === "Escape") finish(null);
    };
    bar.onkeydown = ({ key }) => {
      if (key === "Escape") finish(null);
    };
    setAside(true);
    map.getCanvas().focus();
  });
}

function fromDevice(): Promise<Position> {
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const uncertainty = Math.ceil(coords.accuracy);
        resolve({ at: [coords.longitude, coords.latitude], method: "reported", uncertainty, name: null });
      },
      reject,
      { enableHighAccuracy: true, timeout: GPS_MS, maximumAge: 0 },
    );
  });
}

/** The part of a form that asks for a position. `onChange` is told each one. */
export function positionPart(ground: Ground, onChange: (position: Position | null) => void): HTMLElement {
  const told = el("p", { class: "position-told", role: "status" }, t("noPosition"));
  const trouble = el("p", { class: "fault", role: "alert", hidden: "" });
  const results = el("ul", { class: "found", id: "places-found" });
  const choose = (position: Position | null): void => {
    const { map } = ground;
    say(trouble, "");
    const at = position === null ? "" : `${position.at[1].toFixed(5)}, ${position.at[0].toFixed(5)}`;
    const within = position?.uncertainty ?? null;
    const words = within === null ? at : t("within", { method: at, n: number(within) });
    say(told, position === null ? t("noPosition") : [position.name === null ? "" : pick(position.name), words].filter((part) => part !== "").join(t("listSeparator")));
    if (map !== null) {
      ring(map, position?.at ?? null);
      if (position !== null && !map.getBounds().contains(position.at)) map.jumpTo({ center: position.at, zoom: Math.max(map.getZoom(), CLOSE) });
    }
    onChange(position);
  };
  return el("fieldset", { class: "position" }, el("legend", {}, t("position")), told, ways(ground, choose, trouble), search(ground, choose, results, trouble), results, trouble);
}

type Choose = (position: Position | null) => void;

function ways({ map }: Ground, choose: Choose, trouble: HTMLElement): HTMLElement {
  const onMap = el("button", { type: "button", id: "by-map" }, t("byMap"));
  onMap.disabled = map === null;
  onMap.addEventListener("click", () => {
    if (map === null) return;
    void pickOnMap(map).then((at) => {
      if (at !== null) choose({ at, method: "reported", uncertainty: null, name: null });
    });
  });
  const gps = el("button", { type: "button", id: "by-gps" }, t("byGps"));
  gps.disabled = !("geolocation" in navigator);
  gps.addEventListener("click", () => {
    say(trouble, "");
    fromDevice().then(choose, () => say(trouble, t("gpsFailed")));
  });
  const none = el("button", { type: "button" }, t("withoutPosition"));
  none.addEventListener("click", () => choose(null));
  return el("div", { class: "ways" }, onMap, gps, none);
}

function search({ layers, reading }: Ground, choose: Choose, results: HTMLElement, trouble: HTMLElement): HTMLElement {
  const input = el("input", { type: "search", autocomplete: "off", "aria-controls": "places-found" });
  let typed: number | undefined;
  let asked = 0;
  const show = (places: readonly Place[]): void => {
    const items = places.map(({ name, kind, at, method }) => {
      const button = el("button", { type: "button", class: "found-place" }, el("strong", {}, pick(name)), el("span", {}, kind));
      button.addEventListener("click", () => {
        results.replaceChildren();
        choose({ at, method, uncertainty: null, name });
      });
      return el("li", {}, button);
    });
    results.replaceChildren(...(items.length > 0 ? items : [el("li", { class: "note" }, t("nothingFound"))]));
  };
  const find = async (): Promise<void> => {
    const words = input.value.trim();
    const mine = ++asked;
    if (words.length < SHORTEST || layers === null) {
      results.replaceChildren();
      return;
    }
    try {
      const places = await findPlaces(reading, layers, words);
      if (mine === asked) show(places);
    } catch (error) {
      if (mine === asked) say(trouble, t("searchFailed", { reason: reason(error) }));
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => void find(), TYPING_MS);
  });
  // Enter searches; it must not send the form.
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    clearTimeout(typed);
    void find();
  });
  return labelled(t("searchPlace"), input, "place");
}
