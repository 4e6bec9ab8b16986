/** The page: reads the view from its address, asks the server, and keeps map, list and words in step. */

import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import { fetchDefaultMode, fetchIncident, fetchIncidents, fetchLayers, ServerTrouble } from "./api";
import type { Feature, IncidentPage, LayerInfo } from "./api";
import { BASEMAP_LAYERS, isBasemap, makeMap, nameControls, showTheme } from "./basemap";
import { retryTiles, watchTiles } from "./completeness";
import { byId, el, isNarrow, say } from "./dom";
import { asCql2, withoutPosition } from "./filters";
import { anchorOf, boundsOf, type Bounds, type LonLat } from "./geometry";
import { otherLanguage, pick, setLanguage, t, writeStaticTexts } from "./i18n";
import { putImages } from "./icons";
import { incidentCard } from "./incident-card";
import {
  addIncidents,
  boxMeant,
  chooseIncidents,
  drawnIncidents,
  INCIDENTS,
  refreshIncidents,
} from "./incidents";
import { featuresAt, hideLayer, isDrawable, layerOfSource, showLayer } from "./layers";
import { writeLegend } from "./legend";
import { writePanel } from "./panel";
import { chooser, layerCards } from "./popup-content";
import { cardWith, closeOnEscape, closePopup, popupAt, roomForPopup } from "./popup";
import { reason, writeBanner, writeFreshness, type Freshness } from "./status";
import { isMode, readView, writeView, type Mode, type Theme } from "./view";

const LISTED = 50;
const CHOICES = 20;
const REFRESH_MS = 15_000;
const CLOSE_ENOUGH = 14;

const view = readView();
let layers: ReadonlyMap<string, LayerInfo> | null = null;
let page: IncidentPage | null = null;
let unplaced: number | null = null;
let freshness: Freshness = { at: null, sequence: null, trouble: null };
let map: MapLibre | null = null;
let styleReady = false;
let question = 0;
let timer: number | undefined;

function incidentLayer(): LayerInfo | undefined {
  return layers?.get(INCIDENTS);
}

// What stands on the page

function writeAttribution(): void {
  const drawn = [...BASEMAP_LAYERS, INCIDENTS, ...view.layers].map((id) => layers?.get(id)?.attribution);
  const names = [...new Set(drawn.filter((name) => name !== undefined).map(pick))].filter(
    (name) => name !== "",
  );
  const data = names.length === 0 ? [] : [t("attributionData", { names: names.join(t("listSeparator")) })];
  say(byId("attribution", HTMLParagraphElement), [...data, t("attributionMap")].join(t("wordsEnd")));
}

function writeList(): void {
  const { mode, theme } = view;
  const troubled = freshness.trouble !== null;
  writePanel({ page, unplaced, filter: view, mode, layer: incidentLayer(), theme, troubled }, pickFromList);
}

function writeLayers(): void {
  writeLegend(byId("layers-body", HTMLDivElement), layers, view.layers, view.theme, switchLayer);
  writeAttribution();
}

function writeTools(): void {
  byId("mode", HTMLSelectElement).value = view.mode ?? "";
  byId("only-major", HTMLButtonElement).setAttribute("aria-pressed", String(view.major));
  byId("only-active", HTMLButtonElement).setAttribute("aria-pressed", String(view.active));
  const language = byId("language", HTMLButtonElement);
  say(language, t("language"));
  language.lang = otherLanguage() === "en" ? "en" : "zh-Hant";
  language.title = t("switchLanguage");
  say(byId("theme", HTMLButtonElement), t(view.theme === "light" ? "darkMap" : "lightMap"));
  nameFold();
}

function nameFold(): void {
  const fold = byId("panel-fold", HTMLButtonElement);
  const name = t(fold.getAttribute("aria-expanded") === "true" ? "fold" : "unfold");
  fold.setAttribute("aria-label", name);
  fold.title = name;
}

function writeAll(): void {
  document.documentElement.dataset["theme"] = view.theme;
  setLanguage(view.language);
  writeStaticTexts();
  writeTools();
  writeBanner(view.mode);
  writeFreshness(freshness);
  writeList();
  writeLayers();
  if (map !== null) nameControls(map);
}

// What the server says

/** Whether the answer is of another state than the one that the map was drawn from. */
function isNewState(answer: IncidentPage): boolean {
  return page !== null && (answer.sequence === null || answer.sequence !== page.sequence);
}

function accept(answer: IncidentPage, lost: number | null): void {
  const redraw = isNewState(answer);
  const recovered = freshness.trouble !== null;
  page = answer;
  unplaced = lost;
  freshness = { at: answer.at, sequence: answer.sequence, trouble: null };
  if (map !== null && styleReady) {
    if (redraw || recovered) refreshIncidents(map);
    retryTiles(map);
  }
  writeFreshness(freshness);
  writeList();
  noteDrawn();
}

function fail(error: unknown): void {
  const trouble = error instanceof ServerTrouble ? error : new ServerTrouble("unreadable");
  if (!(error instanceof ServerTrouble)) console.error(error);
  freshness = { ...freshness, trouble: { error: trouble, since: freshness.trouble?.since ?? new Date() } };
  writeFreshness(freshness);
  writeList();
}

async function learnCatalogue(): Promise<void> {
  if (view.mode === null) {
    view.mode = await fetchDefaultMode();
    writeBanner(view.mode);
    writeTools();
  }
  if (layers === null) {
    layers = await fetchLayers();
    writeLayers();
  }
  drawIncidents();
  drawLayers();
}

/** Ask the server for the incidents, and again after a while. An answer to an older question is dropped. */
async function refresh(): Promise<void> {
  const mine = ++question;
  clearTimeout(timer);
  try {
    await learnCatalogue();
    if (view.mode === null || mine !== question) return;
    const cql2 = asCql2(view);
    const [answer, lost] = await Promise.all([
      fetchIncidents(view.mode, cql2, LISTED),
      fetchIncidents(view.mode, withoutPosition(cql2), 1),
    ]);
    if (mine === question) accept(answer, lost.matched);
  } catch (error) {
    if (mine === question) fail(error);
  } finally {
    if (mine === question) timer = setTimeout(() => void (document.hidden || refresh()), REFRESH_MS);
  }
}

/** Another question: what is listed belongs to the old one and goes. */
function askAnew(): void {
  page = null;
  writeView(view);
  writeTools();
  writeList();
  if (map !== null && view.mode !== null) chooseIncidents(map, view.mode, asCql2(view));
  void refresh();
}

// What the map shows

function drawIncidents(): void {
  if (map === null || !styleReady || view.mode === null || map.getSource(INCIDENTS) !== undefined) return;
  addIncidents(map, view.mode, view.theme, asCql2(view));
}

function drawLayers(): void {
  if (map === null || !styleReady || view.mode === null || layers === null) return;
  for (const id of view.layers) {
    const layer = layers.get(id);
    if (layer !== undefined && isDrawable(layer)) showLayer(map, layer, view.mode);
  }
}

/** Tell whoever watches the page (tests do) that the incidents stand on the map, and how many. */
function noteDrawn(): void {
  if (map === null || page === null || !map.areTilesLoaded()) return;
  const drawn = drawnIncidents(map).length;
  document.body.dataset["incidents"] = String(drawn);
  const nothingToDraw = page.matched !== null && page.matched === unplaced;
  if (drawn > 0 || nothingToDraw) document.body.dataset["ready"] = "true";
}

function sayIncomplete(sources: readonly string[]): void {
  const name = (source: string): string => {
    if (isBasemap(source)) return t("basemap");
    if (source === INCIDENTS) return t("incidents");
    const layer = layers?.get(layerOfSource(source) ?? "");
    return layer === undefined ? source : pick(layer.title);
  };
  const names = [...new Set(sources.map(name))].join(t("listSeparator"));
  say(byId("map-notice", HTMLDivElement), names === "" ? "" : t("tilesFailed", { names }));
}

function startMap(): void {
  try {
    map = makeMap(byId("map", HTMLDivElement), view.theme);
  } catch (error) {
    console.warn(error);
    say(byId("map-notice", HTMLDivElement), t("noWebgl"));
    document.body.dataset["map"] = "none";
    return;
  }
  const made = map;
  made.on("style.load", () => {
    styleReady = true;
    drawIncidents();
    drawLayers();
  });
  made.on("idle", noteDrawn);
  made.on("movestart", () => (document.body.dataset["moving"] = "true"));
  made.on("moveend", () => (document.body.dataset["moving"] = "false"));
  made.on("click", clickMap);
  made.on("mousemove", (event) => {
    const hit = drawnIncidents(made, event.point).length > 0 || featuresAt(made, event.point).length > 0;
    made.getCanvas().style.cursor = hit ? "pointer" : "";
  });
  watchTiles(made, sayIncomplete);
}

// What the reader does

/** Fly to a record, so that it lies low enough for the pop-up above it. */
function flyToBounds(on: MapLibre, bounds: Bounds): void {
  const camera = on.cameraForBounds(bounds, { maxZoom: Math.max(on.getZoom(), CLOSE_ENOUGH), padding: 60 });
  if (camera !== undefined) on.flyTo({ ...camera, offset: [0, roomForPopup(on)], maxDuration: 2500 });
}

function showRecord(content: HTMLElement, at: LonLat | null): void {
  if (map === null || at === null) cardWith(content);
  else popupAt(map, at, content, true);
}

function failure(error: unknown): HTMLElement {
  return el("p", { class: "record" }, t("detailsFailed", { reason: reason(error) }));
}

async function openIncident(id: string, at: LonLat | null): Promise<void> {
  const { mode, theme } = view;
  if (mode === null) return;
  try {
    showRecord(incidentCard(await fetchIncident(mode, id), incidentLayer(), mode, theme), at);
  } catch (error) {
    showRecord(failure(error), at);
  }
}

/** Open the incident in a box of the map or, where there are several, let the reader choose. */
async function openIncidentsIn(box: Bounds, clicked: LonLat): Promise<void> {
  const { mode, theme } = view;
  if (map === null || mode === null) return;
  const open = ({ id, geometry }: Feature): void => void openIncident(id, anchorOf(geometry) ?? clicked);
  try {
    const { features, matched } = await fetchIncidents(mode, asCql2(view), CHOICES, box);
    const [first] = features;
    if (first !== undefined && features.length === 1) open(first);
    else
      popupAt(
        map,
        clicked,
        chooser(features, matched ?? features.length, incidentLayer(), theme, open),
        false,
      );
  } catch (error) {
    popupAt(map, clicked, failure(error), false);
  }
}

function pickFromList(feature: Feature): void {
  const at = anchorOf(feature.geometry);
  const bounds = feature.geometry === null ? null : boundsOf(feature.geometry);
  if (isNarrow()) foldPanel(true);
  if (map !== null && bounds !== null) flyToBounds(map, bounds);
  void openIncident(feature.id, at);
}

function clickMap(event: MapMouseEvent): void {
  if (map === null || view.mode === null) return;
  const clicked: LonLat = [event.lngLat.lng, event.lngLat.lat];
  const [top] = drawnIncidents(map, event.point);
  if (top !== undefined) {
    void openIncidentsIn(boxMeant(map, event.point, top), clicked);
    return;
  }
  const found = featuresAt(map, event.point);
  if (found.length === 0) closePopup();
  else popupAt(map, clicked, layerCards(found, layers, view.mode), false);
}

function switchLayer(id: string, on: boolean): void {
  view.layers = on ? [...view.layers, id] : view.layers.filter((other) => other !== id);
  writeView(view);
  if (map !== null && !on) hideLayer(map, id);
  drawLayers();
  writeAttribution();
}

function chooseMode(mode: Mode): void {
  view.mode = mode;
  closePopup();
  writeBanner(mode);
  if (map !== null && styleReady) {
    for (const id of view.layers) hideLayer(map, id);
  }
  askAnew();
}

function chooseTheme(theme: Theme): void {
  view.theme = theme;
  writeView(view);
  if (map !== null && styleReady) {
    showTheme(map, theme);
    putImages(map, theme);
  }
  writeAll();
}

function chooseFilter(change: { major?: boolean; active?: boolean }): void {
  Object.assign(view, change);
  closePopup();
  askAnew();
}

function foldPanel(folded: boolean): void {
  document.body.classList.toggle("folded", folded);
  byId("panel-fold", HTMLButtonElement).setAttribute("aria-expanded", String(!folded));
  nameFold();
}

function listen(): void {
  const onClick = (id: string, act: () => void): void =>
    byId(id, HTMLButtonElement).addEventListener("click", act);
  onClick("only-major", () => chooseFilter({ major: !view.major }));
  onClick("only-active", () => chooseFilter({ active: !view.active }));
  onClick("theme", () => chooseTheme(view.theme === "light" ? "dark" : "light"));
  onClick("panel-fold", () => foldPanel(!document.body.classList.contains("folded")));
  onClick("language", () => {
    view.language = otherLanguage();
    closePopup();
    writeView(view);
    writeAll();
  });
  const mode = byId("mode", HTMLSelectElement);
  mode.addEventListener("change", () => {
    if (isMode(mode.value)) chooseMode(mode.value);
  });
  document.addEventListener("visibilitychange", () => void (document.hidden || refresh()));
  closeOnEscape();
}

startMap();
writeAll();
listen();
void refresh();
