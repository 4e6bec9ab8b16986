/** The page: reads the view from its address, asks the server, and keeps map, lists and words in step. */

import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import "./tree.css";
import "./figures.css";
import "./form.css";
import { openAccount, writeAccount } from "./account";
import {
  countIncidents,
  fetchCensus,
  fetchDistricts,
  fetchIncidents,
  fetchLanding,
  fetchNewest,
  type Census,
  type Feature,
  type Reading,
  type RecordPage,
} from "./api";
import { isBasemap, makeMap, nameControls, showBasemap } from "./basemap";
import { writeBasemaps } from "./basemap-choice";
import { fetchBasemaps, fetchLayers, type BasemapInfo, type LayerInfo } from "./catalogue";
import { retryTiles, watchTiles } from "./completeness";
import { districtLegend, facetTitle, tableOf, writeCounts, type CountsContent } from "./counts-panel";
import { fetchDepartmentLists, writeDepartments, type DepartmentLists } from "./departments";
import { DistrictMap } from "./districts";
import { byId, isNarrow, say } from "./dom";
import { writeFilters } from "./filter-panel";
import { asCql2, NO_FACETS, olderActive, UNKNOWN, withoutPosition, type FacetName } from "./filters";
import { ServerTrouble } from "./http";
import { otherLanguage, pick, setLanguage, t, writeStaticTexts } from "./i18n";
import { putImages } from "./icons";
import {
  addIncidents,
  chooseIncidents,
  drawnIncidents,
  INCIDENTS,
  refreshIncidents,
  removeIncidents,
  showSingly,
} from "./incidents";
import { layerOfSource, LayerStack } from "./layers";
import { openAtClick, openFromList, type Surroundings } from "./opening";
import { takeClick } from "./position";
import { openReport } from "./report";
import { fetchSession, mayWrite, readerKey, session, type Session } from "./session";
import { closeSheet } from "./sheet";
import { writePanel } from "./panel";
import { closeOnEscape, closePopup } from "./popup";
import { writeBanner, writeFreshness, type Freshness } from "./status";
import { writeTabs } from "./tabs";
import { setPictureTime } from "./time";
import { ChangeStream } from "./stream";
import { TimeBar } from "./timebar";
import { LayerTree } from "./tree";
import { isMode, readView, writeView, type Mode, type Tab, type Theme, type View } from "./view";
import { fetchWarnings, WARNINGS, writeWarnings } from "./warnings";

const LISTED = 50;
const REFRESH_MS = 15_000;
/** While changes come by themselves, only what time alone changes is looked for. */
const REFRESH_LIVE_MS = 60_000;
const SETTLE_MS = 250;
/** What the panels are made of. */
const FOLLOWED = "incidents,warnings,requests,control-centres";

const view = readView();
let layers: ReadonlyMap<string, LayerInfo> | null = null;
let basemaps: readonly BasemapInfo[] = [];
let page: RecordPage | null = null;
let unplaced: number | null = null;
let older: number | null = null;
let census: Census | null = null;
let outlines: readonly Feature[] | null = null;
let warnings: readonly Feature[] | null = null;
let lists: DepartmentLists | null = null;
let freshness: Freshness = { at: null, sequence: null, trouble: null, live: false };
/** The newest moment that there is: the exercise's clock, or ours. */
let now: Date | null = null;
/** Until the clock is known, nothing is asked that counts from it. */
let clockIsKnown = false;
/** What the map's incidents were asked with. */
let drawnWith = "";
let map: MapLibre | null = null;
let stack: LayerStack | null = null;
let districts: DistrictMap | null = null;
let styleReady = false;
let unstyled: readonly string[] = [];
let torn: readonly string[] = [];
/** Whom the picture was read for. */
let readFor = readerKey(session());
let question = 0;
let timer: number | undefined;
let asking = false;
let changedMeanwhile = false;

function incidentLayer(): LayerInfo | undefined {
  return layers?.get(INCIDENTS);
}

function reading(): Reading | null {
  return view.mode === null ? null : { mode: view.mode, asof: view.asof };
}

function surroundings(): Surroundings {
  return { map, stack, layers, reading: reading(), cql2: asCql2(view), theme: view.theme, onDone: recordChanged };
}

function basemap(): string {
  return view.basemap ?? view.theme;
}

// What stands on the page

function writeAttribution(): void {
  const shown = view.layers.map(({ id }) => id);
  const drawn = [INCIDENTS, ...shown].map((id) => layers?.get(id)?.attribution);
  const names = [...new Set(drawn.filter((name) => name !== undefined).map(pick))].filter(
    (name) => name !== "",
  );
  const data = names.length === 0 ? [] : [t("attributionData", { names: names.join(t("listSeparator")) })];
  const ground = basemaps.find(({ id }) => id === basemap());
  const under = ground === undefined ? [] : [t("attributionBasemap", { names: ground.attribution })];
  const exercise = ground?.isExercise === true ? [t("exerciseBasemap")] : [];
  const parts = [...data, ...under, ...exercise, t("attributionMap")];
  say(byId("attribution", HTMLParagraphElement), parts.join(t("wordsEnd")));
}

function countsContent(): CountsContent {
  const troubled = freshness.trouble !== null;
  const districtsColoured = view.districts;
  return { census, filter: view, reading: reading(), layer: incidentLayer(), theme: view.theme, districtsColoured, troubled };
}

function writeList(): void {
  const { mode, theme } = view;
  const troubled = freshness.trouble !== null;
  writePanel(
    { page, unplaced, older, filter: view, mode, layer: incidentLayer(), theme, troubled },
    pickFromList,
    () => change({ period: "all", active: true }),
  );
}

function writeFigures(): void {
  const content = countsContent();
  writeCounts(byId("panel-counts", HTMLDivElement), content, { narrow, colourDistricts });
  const legend = districtLegend(content);
  byId("district-legend", HTMLDivElement).replaceChildren(...(legend === null ? [] : [legend]));
  drawDistricts();
}

function writeTree(): void {
  tree.write({
    layers,
    shown: view.layers,
    openGroups: view.groups,
    theme: view.theme,
    zoom: map?.getZoom() ?? null,
    isPast: view.asof !== null,
  });
  writeAttribution();
}

function writeTime(): void {
  timeBar.write({ asof: view.asof, now: now ?? new Date(), mode: view.mode });
}

function writeTools(): void {
  byId("mode", HTMLSelectElement).value = view.mode ?? "";
  writeBasemaps(byId("basemap", HTMLSelectElement), basemaps, basemap());
  byId("only-major", HTMLButtonElement).setAttribute("aria-pressed", String(view.major));
  byId("only-active", HTMLButtonElement).setAttribute("aria-pressed", String(view.active));
  const language = byId("language", HTMLButtonElement);
  say(language, t("language"));
  language.lang = otherLanguage() === "en" ? "en" : "zh-Hant";
  language.title = t("switchLanguage");
  say(byId("theme", HTMLButtonElement), t(view.theme === "light" ? "darkMap" : "lightMap"));
  writeFilters(view, incidentLayer(), {
    period: (period) => change({ period }),
    facets: (facets) => change({ facets }),
  });
  writeTabs(view.tab);
  nameFold();
}

function nameFold(): void {
  const fold = byId("panel-fold", HTMLButtonElement);
  const name = t(fold.getAttribute("aria-expanded") === "true" ? "fold" : "unfold");
  fold.setAttribute("aria-label", name);
  fold.title = name;
}

function writeRegisters(): void {
  writeWarnings(warnings, layers?.get(WARNINGS));
  const replying = { mode: view.asof === null ? view.mode : null, onDone: () => void refresh() };
  writeDepartments(byId("panel-departments", HTMLDivElement), lists, layers, replying);
}

function writeReader(): void {
  writeAccount(view.mode);
  byId("report", HTMLButtonElement).hidden = !mayWrite(view.mode) || view.asof !== null;
}

function writeAll(): void {
  document.documentElement.dataset["theme"] = view.theme;
  setLanguage(view.language);
  writeStaticTexts();
  writeTools();
  writeBanner(view.mode);
  writeReader();
  writeFreshness(freshness);
  writeList();
  writeFigures();
  writeTree();
  writeTime();
  writeRegisters();
  sayIncomplete();
  if (map !== null) nameControls(map);
}

// What the server says

/** Whether the answer is of another state than the one that the map was drawn from. */
function isNewState(answer: RecordPage): boolean {
  return page !== null && (answer.sequence === null || answer.sequence !== page.sequence);
}

function acceptList(answer: RecordPage): void {
  const redraw = isNewState(answer);
  const recovered = freshness.trouble !== null;
  page = answer;
  freshness = { at: answer.at, sequence: answer.sequence, trouble: null, live: stream.live };
  if (map !== null && styleReady) {
    if (redraw || recovered) refreshIncidents(map);
    retryTiles(map);
  }
  writeFreshness(freshness);
}

function fail(error: unknown): void {
  const trouble = error instanceof ServerTrouble ? error : new ServerTrouble("unreadable");
  if (!(error instanceof ServerTrouble)) console.error(error);
  freshness = { ...freshness, trouble: { error: trouble, since: freshness.trouble?.since ?? new Date() } };
  writeFreshness(freshness);
  writeList();
  writeFigures();
}

/** Learn the exercise's clock and, at first, the default mode: what is overdue and recent is told from them. */
async function learnClock(): Promise<void> {
  const landing = await fetchLanding();
  view.mode ??= landing.mode;
  const exercise = view.mode === "actual" ? null : (landing.now ?? now ?? (await fetchNewest(view.mode)));
  now = exercise;
  clockIsKnown = true;
  setPictureTime(view.asof ?? now);
}

/** Ask who reads the page: a session may have ended, or begun in another tab. */
async function learnReader(): Promise<void> {
  const before = session();
  const now = await fetchSession();
  if (readerKey(now) !== readFor) forgetPicture(now);
  if (before.known && !now.known) tellDone(t("sessionEnded"));
  writeReader();
}

async function learnCatalogue(): Promise<void> {
  await learnReader();
  await learnClock();
  writeBanner(view.mode);
  writeTime();
  if (layers === null) {
    [layers, basemaps] = await Promise.all([fetchLayers(), fetchBasemaps().catch(() => [])]);
    if (basemaps.length > 0 && !basemaps.some(({ id }) => id === basemap())) chooseBasemap(view.theme);
    writeTree();
    writeTools();
  }
  drawIncidents();
  drawLayers();
}

function wantsCensus(): boolean {
  return view.tab === "counts" || view.districts;
}

async function readFigures(of: Reading): Promise<{ census: Census | null; outlines: readonly Feature[] | null }> {
  if (!wantsCensus()) return { census: null, outlines };
  const [counted, shapes] = await Promise.all([
    fetchCensus(of, asCql2({ ...view, facets: NO_FACETS })),
    view.districts ? (outlines ?? fetchDistricts()) : outlines,
  ]);
  return { census: counted, outlines: shapes };
}

async function readRegisters(of: Reading): Promise<void> {
  if (layers === null) return;
  const [inForce, others] = await Promise.all([
    layers.has(WARNINGS) ? fetchWarnings(of).catch(() => null) : null,
    view.tab === "departments" ? fetchDepartmentLists(of, layers) : lists,
  ]);
  warnings = inForce;
  lists = others;
}

/** Something changed: the picture is asked for again, soon, or when the question at hand is answered. */
function changed(): void {
  if (document.hidden) return;
  if (asking) changedMeanwhile = true;
  else askIn(SETTLE_MS);
}

function askIn(wait: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void (document.hidden || refresh()), wait);
}

function streamChanged(): void {
  freshness = { ...freshness, live: stream.live };
  writeFreshness(freshness);
  if (!asking) askIn(stream.live ? REFRESH_LIVE_MS : REFRESH_MS);
}

/** Ask the server for the picture, and again after a while. An answer to an older question is dropped. */
async function refresh(): Promise<void> {
  const mine = ++question;
  clearTimeout(timer);
  asking = true;
  changedMeanwhile = false;
  try {
    await learnCatalogue();
    const of = reading();
    if (of === null || mine !== question) return;
    const cql2 = asCql2(view);
    const before = olderActive(view);
    const [answer, lost, left, figures] = await Promise.all([
      fetchIncidents(of, cql2, LISTED),
      countIncidents(of, withoutPosition(cql2)),
      before === null ? null : countIncidents(of, before),
      readFigures(of),
      readRegisters(of),
    ]);
    if (mine !== question) return;
    unplaced = lost;
    older = left;
    ({ census, outlines } = figures);
    acceptList(answer);
    stream.follow(of.asof === null ? { collections: FOLLOWED, mode: of.mode } : null, answer.sequence);
    writeList();
    writeFigures();
    writeRegisters();
    noteDrawn();
  } catch (error) {
    if (mine === question) fail(error);
  } finally {
    if (mine === question) {
      asking = false;
      askIn(changedMeanwhile ? SETTLE_MS : stream.live ? REFRESH_LIVE_MS : REFRESH_MS);
    }
  }
}

/** Another question: what is listed belongs to the old one and goes; the census holds all facets and stays. */
function askAnew(keepCensus: boolean): void {
  page = null;
  if (!keepCensus) census = null;
  setPictureTime(view.asof ?? now);
  writeView(view);
  writeTools();
  writeList();
  writeFigures();
  drawIncidents();
  void refresh();
}

// What the map shows

function drawIncidents(): void {
  const of = reading();
  if (map === null || !styleReady || of === null || !clockIsKnown) return;
  const cql2 = asCql2(view);
  const key = JSON.stringify([of, cql2]);
  if (map.getSource(INCIDENTS) === undefined) {
    addIncidents(map, of, view.theme, cql2);
    showSingly(map, !view.districts);
  } else if (key !== drawnWith) {
    chooseIncidents(map, of, cql2);
  }
  drawnWith = key;
}

function drawLayers(): void {
  const of = reading();
  if (stack === null || !styleReady || of === null || layers === null) return;
  stack.show(view.layers, layers, of, view.theme).then((failed) => {
    if (failed === null) return;
    unstyled = failed;
    sayIncomplete();
  }, console.error);
}

function drawDistricts(): void {
  if (map === null || districts === null || !styleReady) return;
  if (!view.districts || census === null || outlines === null) {
    if (!view.districts) districts.hide();
  } else {
    const counts = tableOf(countsContent(), "district").filter(({ code }) => code !== UNKNOWN);
    const named = counts.map(({ code, count }) => ({ code, count, name: facetTitle(incidentLayer(), "district", code) }));
    districts.show(outlines, named, view.facets.district, view.theme);
  }
  showSingly(map, !view.districts);
}

/** Tell whoever watches the page (tests do) that the incidents stand on the map, and how many. */
function noteDrawn(): void {
  if (map === null || page === null || !map.areTilesLoaded()) return;
  const drawn = drawnIncidents(map).length;
  document.body.dataset["incidents"] = String(drawn);
  const nothingToDraw = page.matched !== null && page.matched === unplaced;
  const colouredInstead = districts?.isShown === true;
  if (drawn > 0 || nothingToDraw || colouredInstead) document.body.dataset["ready"] = "true";
}

/** Say what of the map is missing; the whole of it where the browser cannot draw. */
function sayIncomplete(): void {
  if (map === null) {
    say(byId("map-notice", HTMLDivElement), t("noWebgl"));
    return;
  }
  const title = (id: string): string => {
    const layer = layers?.get(id);
    return layer === undefined ? id : pick(layer.title);
  };
  const name = (source: string): string => {
    if (isBasemap(source)) return t("basemap");
    if (source === INCIDENTS) return t("incidents");
    return title(layerOfSource(source) ?? source);
  };
  const names = [...new Set([...torn.map(name), ...unstyled.map(title)])].join(t("listSeparator"));
  say(byId("map-notice", HTMLDivElement), names === "" ? "" : t("tilesFailed", { names }));
}

function startMap(): void {
  try {
    map = makeMap(byId("map", HTMLDivElement), basemap(), view.theme);
  } catch (error) {
    console.warn(error);
    document.body.dataset["map"] = "none";
    return;
  }
  const made = map;
  stack = new LayerStack(made);
  districts = new DistrictMap(made, pickDistrict);
  made.on("style.load", () => {
    styleReady = true;
    drawIncidents();
    drawLayers();
    drawDistricts();
  });
  made.on("idle", noteDrawn);
  made.on("render", () => (document.body.dataset["idle"] = "false"));
  made.on("idle", () => (document.body.dataset["idle"] = "true"));
  made.on("movestart", () => (document.body.dataset["moving"] = "true"));
  made.on("moveend", () => {
    document.body.dataset["moving"] = "false";
    tree.zoomed(made.getZoom());
  });
  made.on("click", clickMap);
  made.on("mousemove", ({ point }) => {
    const hit = drawnIncidents(made, point).length > 0 || (stack?.featuresAt(point).length ?? 0) > 0;
    made.getCanvas().style.cursor = hit || districts?.districtAt(point) ? "pointer" : "";
  });
  watchTiles(made, (sources) => {
    torn = sources;
    sayIncomplete();
  });
}

// What the reader does

function pickFromList(feature: Feature): void {
  if (isNarrow()) foldPanel(true);
  openFromList(surroundings(), feature);
}

function clickMap(event: MapMouseEvent): void {
  if (takeClick(event)) return;
  if (openAtClick(surroundings(), event)) return;
  const district = districts?.districtAt(event.point) ?? null;
  if (district !== null) pickDistrict(district);
}

/** A district of the map opens the list of its incidents; the chosen one gives all districts back. */
function pickDistrict(code: string): void {
  view.tab = "list";
  narrow("district", view.facets.district === code ? null : code);
}

function narrow(name: FacetName, code: string | null): void {
  change({ facets: { ...view.facets, [name]: code } });
}

/** Change what is asked for. */
function change(by: Partial<Pick<View, "major" | "active" | "period" | "facets" | "asof">>): void {
  Object.assign(view, by);
  closePopup();
  if ("asof" in by) {
    writeReader();
    writeTime();
    drawLayers();
    writeTree();
  }
  askAnew(Object.keys(by).every((name) => name === "facets"));
}

/** What was read for somebody else goes, from lists and from the map. */
function forgetPicture(now: Session): void {
  readFor = readerKey(now);
  closePopup();
  layers = page = census = lists = warnings = null;
  unplaced = older = null;
  if (map !== null && styleReady) removeIncidents(map);
  stack?.forget();
  drawnWith = "";
  // The stream was opened by another reader; the next answer opens one of this reader's.
  stream.follow(null, null);
  delete document.body.dataset["ready"];
  writeReader();
  writeList();
  writeFigures();
  writeRegisters();
}

/** Somebody signed in or out: everything is read anew as that reader may see it. */
function readerChanged(now: Session): void {
  forgetPicture(now);
  tellDone(t(now.known ? "signedInDone" : "signedOutDone"));
  void refresh();
}

let told: number | undefined;

/** Say for a while what was done. */
function tellDone(words: string): void {
  const place = byId("done", HTMLDivElement);
  say(place, words);
  clearTimeout(told);
  told = setTimeout(() => say(place, ""), 6000);
}

/** A record was written from here: the lists are read anew, and the record is shown as the server keeps it. */
function recordChanged(feature: Feature): void {
  tellDone(t("savedDone", { id: feature.id }));
  if (map !== null && styleReady) refreshIncidents(map);
  void refresh();
  openFromList(surroundings(), feature);
}

function report(): void {
  const of = reading();
  if (of === null) return;
  closePopup();
  openReport({ ground: { map, layers, reading: of }, onSent: recordChanged, onOpen: pickFromList });
}

function chooseMode(mode: Mode): void {
  closeSheet();
  Object.assign(view, { mode, asof: null });
  now = null;
  clockIsKnown = false;
  warnings = lists = null;
  closePopup();
  writeBanner(mode);
  writeReader();
  drawLayers();
  askAnew(false);
}

function chooseTheme(theme: Theme): void {
  view.theme = theme;
  // A basemap that was chosen for itself stays.
  if (view.basemap === "light" || view.basemap === "dark") view.basemap = null;
  writeView(view);
  if (map !== null && styleReady) {
    showBasemap(map, basemap(), theme);
    putImages(map, theme);
    drawLayers();
  }
  writeAll();
}

function chooseBasemap(name: string): void {
  view.basemap = name === view.theme ? null : name;
  writeView(view);
  if (map !== null && styleReady) showBasemap(map, basemap(), view.theme);
  writeAttribution();
}

function chooseTab(tab: Tab): void {
  view.tab = tab;
  writeView(view);
  writeTabs(tab);
  writeFigures();
  if (tab !== "list") void refresh();
}

function colourDistricts(on: boolean): void {
  view.districts = on;
  writeView(view);
  closePopup();
  writeFigures();
  if (on) void refresh();
}

function switchLayer(id: string, on: boolean): void {
  const others = view.layers.filter((other) => other.id !== id);
  view.layers = on ? [...others, { id, opacity: 1 }] : others;
  layersChanged();
}

function layersChanged(): void {
  writeView(view);
  drawLayers();
  writeTree();
}

function fade(id: string, opacity: number): void {
  view.layers = view.layers.map((shown) => (shown.id === id ? { id, opacity } : shown));
  writeView(view);
  stack?.fade(id, opacity);
}

function openGroup(group: string, on: boolean): void {
  const others = view.groups.filter((other) => other !== group);
  view.groups = on ? [...others, group] : others;
  writeView(view);
  writeTree();
}

function foldPanel(folded: boolean): void {
  document.body.classList.toggle("folded", folded);
  byId("panel-fold", HTMLButtonElement).setAttribute("aria-expanded", String(!folded));
  nameFold();
}

function listen(): void {
  const onClick = (id: string, act: () => void): void =>
    byId(id, HTMLButtonElement).addEventListener("click", act);
  onClick("only-major", () => change({ major: !view.major }));
  onClick("only-active", () => change({ active: !view.active }));
  onClick("theme", () => chooseTheme(view.theme === "light" ? "dark" : "light"));
  onClick("account", () => openAccount(readerChanged));
  onClick("report", report);
  onClick("panel-fold", () => foldPanel(!document.body.classList.contains("folded")));
  onClick("language", () => {
    view.language = otherLanguage();
    closePopup();
    closeSheet();
    writeView(view);
    writeAll();
  });
  for (const tab of ["list", "counts", "departments"] as const) onClick(`tab-${tab}`, () => chooseTab(tab));
  const mode = byId("mode", HTMLSelectElement);
  mode.addEventListener("change", () => {
    if (isMode(mode.value)) chooseMode(mode.value);
  });
  const choice = byId("basemap", HTMLSelectElement);
  choice.addEventListener("change", () => chooseBasemap(choice.value));
  document.addEventListener("visibilitychange", () => void (document.hidden || refresh()));
  closeOnEscape();
}

const tree = new LayerTree(byId("layers-body", HTMLDivElement), byId("layer-search", HTMLInputElement), {
  switchLayer,
  fade,
  openGroup,
  hideAll: () => {
    view.layers = [];
    layersChanged();
  },
});
const stream = new ChangeStream(changed, streamChanged);
const timeBar = new TimeBar((asof) => change({ asof }));

setPictureTime(view.asof);
startMap();
writeAll();
listen();
void refresh();
