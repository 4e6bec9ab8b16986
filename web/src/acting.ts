/** What the reader does: another question, another look, a record opened or written. */

import type { MapMouseEvent } from "maplibre-gl";
import { fetchIncident, type Feature } from "./api";
import { showBasemap } from "./basemap";
import { alarm, askAnew, forgetPicture, refresh } from "./asking";
import { tellDone } from "./done";
import { byId, isNarrow } from "./dom";
import { asCql2, type FacetName } from "./filters";
import { t } from "./i18n";
import { putImages } from "./icons";
import { INCIDENTS, refreshIncidents } from "./incidents";
import type { Change } from "./news";
import { openAtClick, openFromList, type Surroundings } from "./opening";
import { closePopup } from "./popup";
import { takeClick } from "./position";
import { openReport } from "./report";
import { nameFold, writeAll, writeAttribution, writeFigures, writeList, writeReader, writeRegisters, writeTime, writeTree } from "./screen";
import { noteWritten } from "./send";
import type { Session } from "./session";
import { closeSheet } from "./sheet";
import { drawLayers } from "./stage";
import { basemap, reading, state, type Asked } from "./state";
import { chooseBegin } from "./shift";
import { reason, writeBanner } from "./status";
import { fetchBehind, type Tally } from "./summary";
import { writeTabs } from "./tabs";
import { writeView, type Mode, type Tab, type Theme } from "./view";

const MOST_BEHIND = 1000;

function surroundings(): Surroundings {
  const { map, stack, layers } = state;
  return { map, stack, layers, reading: reading(), cql2: asCql2(state.view), theme: state.view.theme, onDone: recordChanged };
}

export function pickFromList(feature: Feature): void {
  if (state.news.see(INCIDENTS, feature.id)) writeList();
  if (isNarrow()) foldPanel(true);
  openFromList(surroundings(), feature);
}

/** Open the records behind a number: the list shows them, the map rings them. */
export function openNumber(tally: Tally, title: string): void {
  state.behind = { tally, title, page: null };
  chooseTab("list");
  writeList();
  byId("behind", HTMLDivElement).focus({ preventScroll: true });
  const mine = state.behind;
  fetchBehind(tally, MOST_BEHIND).then((page) => {
    if (state.behind !== mine) return;
    state.behind = { tally, title, page };
    writeList();
  }, console.warn);
}

export function closeNumber(): void {
  state.behind = null;
  writeList();
  byId("incident-list", HTMLOListElement).focus({ preventScroll: true });
}

/** Say when the shift began; what changed is read from there. */
export function beginShift(at: Date | null): void {
  chooseBegin(at);
  void refresh();
}

/** A note was written or accepted. */
export function shiftDone(words: string): void {
  tellDone(words);
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  state.shift = null;
  chooseBegin(null);
  writeRegisters();
  void refresh();
}

/** Ask for a sound at each new major case, or for silence. */
export function switchSound(): void {
  alarm.toggle(state.view.mode).then(
    () => tellDone(t(alarm.on ? "soundOnDone" : "soundOffDone")),
    (error: unknown) => tellDone(reason(error)),
  );
}

export function showAllTimes(): void {
  change({ period: "all", active: true });
}

export function openNews(open: boolean): void {
  state.newsOpen = open;
  writeList();
}

/** All that changed was seen. */
export function seeAll(): void {
  const shown = state.summary?.sequence;
  if (shown === undefined) return;
  state.news.seeAll(shown);
  state.newsOpen = false;
  writeList();
  tellDone(t("newsSeenDone"));
}

export function pickChange({ collection, id, feature }: Change): void {
  state.news.see(collection, id);
  const incident = collection === INCIDENTS ? feature : null;
  if (incident !== null) pickFromList(incident);
  else if (typeof feature?.properties["incident"] === "string") openIncidentById(feature.properties["incident"]);
  writeList();
}

/** Open an incident of which only the id is at hand. */
export function openIncidentById(id: string): void {
  const of = reading();
  if (of === null) return;
  fetchIncident(of, id).then(({ feature }) => pickFromList(feature), () => tellDone(t("incidentNotSeen", { id })));
}

/** A district of the map opens the list of its incidents; the chosen one gives all districts back. */
export function pickDistrict(code: string): void {
  state.view.tab = "list";
  narrow("district", state.view.facets.district === code ? null : code);
}

export function narrow(name: FacetName, code: string | null): void {
  change({ facets: { ...state.view.facets, [name]: code } });
}

/** Change what is asked for. */
export function change(by: Asked): void {
  Object.assign(state.view, by);
  closePopup();
  if ("asof" in by) {
    writeReader();
    writeTime();
    drawLayers();
    writeTree();
  }
  askAnew();
}

/** Somebody signed in or out: everything is read anew as that reader may see it. */
export function readerChanged(now: Session): void {
  forgetPicture(now);
  chooseBegin(null);
  tellDone(t(now.known ? "signedInDone" : "signedOutDone"));
  void refresh();
}

/** A record was written from here: the lists are read anew, and the record is shown as the server keeps it. */
export function recordChanged(feature: Feature): void {
  noteWritten(INCIDENTS, feature.id);
  tellDone(t("savedDone", { id: feature.id }));
  if (state.map !== null && state.styleReady) refreshIncidents(state.map);
  void refresh();
  openFromList(surroundings(), feature);
}

export function report(): void {
  const of = reading();
  if (of === null) return;
  closePopup();
  openReport({ ground: { map: state.map, layers: state.layers, reading: of }, onSent: recordChanged, onOpen: pickFromList });
}

export function chooseMode(mode: Mode): void {
  closeSheet();
  chooseBegin(null);
  Object.assign(state.view, { mode, asof: null });
  state.now = null;
  state.clockIsKnown = false;
  state.lists = state.inbox = state.shift = null;
  closePopup();
  writeBanner(mode);
  writeReader();
  drawLayers();
  askAnew();
}

export function chooseTheme(theme: Theme): void {
  state.view.theme = theme;
  // A basemap that was chosen for itself stays.
  if (state.view.basemap === "light" || state.view.basemap === "dark") state.view.basemap = null;
  writeView(state.view);
  if (state.map !== null && state.styleReady) {
    showBasemap(state.map, basemap(), theme);
    putImages(state.map, theme);
    drawLayers();
  }
  writeAll();
}

export function chooseBasemap(name: string): void {
  state.view.basemap = name === state.view.theme ? null : name;
  writeView(state.view);
  if (state.map !== null && state.styleReady) showBasemap(state.map, basemap(), state.view.theme);
  writeAttribution();
}

export function chooseTab(tab: Tab): void {
  state.view.tab = tab;
  writeView(state.view);
  writeTabs(tab);
  writeFigures();
  writeRegisters();
  if (tab !== "list") void refresh();
}

export function colourDistricts(on: boolean): void {
  state.view.districts = on;
  writeView(state.view);
  closePopup();
  writeFigures();
  if (on) void refresh();
}

export function switchLayer(id: string, on: boolean): void {
  const others = state.view.layers.filter((other) => other.id !== id);
  state.view.layers = on ? [...others, { id, opacity: 1 }] : others;
  layersChanged();
}

export function layersChanged(): void {
  writeView(state.view);
  drawLayers();
  writeTree();
}

export function fade(id: string, opacity: number): void {
  state.view.layers = state.view.layers.map((shown) => (shown.id === id ? { id, opacity } : shown));
  writeView(state.view);
  state.stack?.fade(id, opacity);
}

export function openGroup(group: string, on: boolean): void {
  const others = state.view.groups.filter((other) => other !== group);
  state.view.groups = on ? [...others, group] : others;
  writeView(state.view);
  writeTree();
}

export function foldPanel(folded: boolean): void {
  document.body.classList.toggle("folded", folded);
  byId("panel-fold", HTMLButtonElement).setAttribute("aria-expanded", String(!folded));
  nameFold();
}

export function clickMap(event: MapMouseEvent): void {
  if (takeClick(event)) return;
  if (openAtClick(surroundings(), event)) return;
  const district = state.districts?.districtAt(event.point) ?? null;
  if (district !== null) pickDistrict(district);
}

export function hideAll(): void {
  state.view.layers = [];
  layersChanged();
}
