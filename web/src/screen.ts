/** Everything on the page but the map, written from what is known. */

import { writeAccount } from "./account";
import { nameControls } from "./basemap";
import { writeBasemaps } from "./basemap-choice";
import { districtLegend, writeCounts } from "./counts-panel";
import { writeDepartments } from "./departments";
import { byId, say } from "./dom";
import { FEEDS, takeFeeds, writeSources } from "./feeds";
import { writeFilters } from "./filter-panel";
import { otherLanguage, pick, setLanguage, t, writeStaticTexts } from "./i18n";
import { writeInbox, writeWaiting } from "./inbox";
import { INCIDENTS } from "./incidents";
import type { Change } from "./news";
import { writeNews } from "./news-bar";
import { writePanel } from "./panel";
import { REQUESTS } from "./requests";
import { mayWrite } from "./session";
import { writeShift } from "./shift-panel";
import { drawDistricts, drawMarked, sayIncomplete } from "./stage";
import { actions, basemap, countsContent, incidentLayer, state } from "./state";
import { writeBanner, writeFreshness } from "./status";
import { writeTabs } from "./tabs";
import { TimeBar } from "./timebar";
import { LayerTree } from "./tree";
import { WARNINGS, writeWarnings } from "./warnings";

export const tree = new LayerTree(byId("layers-body", HTMLDivElement), byId("layer-search", HTMLInputElement), actions);
const timeBar = new TimeBar((asof) => actions.change({ asof }));

export function writeAttribution(): void {
  const shown = state.view.layers.map(({ id }) => id);
  const drawn = [INCIDENTS, ...shown].map((id) => state.layers?.get(id)?.attribution);
  // Several layers of one department name it once.
  const said = drawn.filter((name) => name !== undefined).flatMap((name) => pick(name).split(/[;；]\s*/));
  const names = [...new Set(said)].filter((name) => name !== "");
  const data = names.length === 0 ? [] : [t("attributionData", { names: names.join(t("listSeparator")) })];
  const ground = state.basemaps.find(({ id }) => id === basemap());
  const under = ground === undefined ? [] : [t("attributionBasemap", { names: ground.attribution })];
  const exercise = ground?.isExercise === true ? [t("exerciseBasemap")] : [];
  const parts = [...data, ...under, ...exercise, t("attributionMap")];
  say(byId("attribution", HTMLParagraphElement), parts.join(t("wordsEnd")));
}

export function writeList(): void {
  const { page, unplaced, older, summary, behind, news, newsOpen, layers } = state;
  const troubled = state.freshness.trouble !== null;
  const past = state.view.asof !== null;
  const changeOf = (id: string): Change | undefined => (past ? undefined : news.find(INCIDENTS, id));
  writePanel(
    { summary, page, behind, changeOf, unplaced, older, filter: state.view, layer: incidentLayer(), theme: state.view.theme, troubled },
    actions,
  );
  writeNews({ news, open: newsOpen, layers, past }, actions);
  drawMarked();
}

export function writeFigures(): void {
  const content = countsContent();
  writeCounts(byId("panel-counts", HTMLDivElement), content, actions);
  const legend = districtLegend(content);
  byId("district-legend", HTMLDivElement).replaceChildren(...(legend === null ? [] : [legend]));
  drawDistricts();
}

export function writeTree(): void {
  tree.write({
    layers: state.layers,
    shown: state.view.layers,
    openGroups: state.view.groups,
    theme: state.view.theme,
    zoom: state.map?.getZoom() ?? null,
    isPast: state.view.asof !== null,
  });
  writeAttribution();
}

export function writeTime(): void {
  timeBar.write({ asof: state.view.asof, now: state.now ?? new Date(), mode: state.view.mode });
}

export function writeTools(): void {
  byId("mode", HTMLSelectElement).value = state.view.mode ?? "";
  writeBasemaps(byId("basemap", HTMLSelectElement), state.basemaps, basemap());
  byId("only-major", HTMLButtonElement).setAttribute("aria-pressed", String(state.view.major));
  byId("only-active", HTMLButtonElement).setAttribute("aria-pressed", String(state.view.active));
  const language = byId("language", HTMLButtonElement);
  say(language, t("language"));
  language.lang = otherLanguage() === "en" ? "en" : "zh-Hant";
  language.title = t("switchLanguage");
  say(byId("theme", HTMLButtonElement), t(state.view.theme === "light" ? "darkMap" : "lightMap"));
  writeFilters(state.view, incidentLayer(), {
    period: (period) => actions.change({ period }),
    facets: (facets) => actions.change({ facets }),
  });
  writeTabs(state.view.tab);
  nameFold();
}

export function nameFold(): void {
  const fold = byId("panel-fold", HTMLButtonElement);
  const name = t(fold.getAttribute("aria-expanded") === "true" ? "fold" : "unfold");
  fold.setAttribute("aria-label", name);
  fold.title = name;
}

export function writeRegisters(): void {
  const { inbox, layers, lists, shift, summary, view } = state;
  const past = view.asof !== null;
  const openIncident = (id: string): void => actions.openIncidentById(id);
  const replying = { mode: past ? null : view.mode, onDone: () => actions.refresh(), openIncident, current: summary?.current };
  writeWarnings(summary?.current.get(WARNINGS) ?? null, layers?.get(WARNINGS));
  writeDepartments(byId("panel-departments", HTMLDivElement), lists, layers, replying);
  takeFeeds(state.feeds, layers, view.mode, !past);
  writeSources(byId("panel-sources", HTMLDivElement), summary?.current.get(FEEDS)?.count);
  sayIncomplete();
  writeInbox(inbox, layers?.get(REQUESTS), replying.mode, { onDone: replying.onDone, openIncidentById: openIncident });
  writeWaiting(inbox, view.mode);
  writeShift({ shift, layers, mode: view.mode, past, troubled: state.freshness.trouble !== null }, actions);
}

export function writeReader(): void {
  writeAccount(state.view.mode);
  byId("report", HTMLButtonElement).hidden = !mayWrite(state.view.mode) || state.view.asof !== null;
}

/** Writes the switch of the sound, which is another room's. */
let writeSound: () => void = () => undefined;

export function soundBy(write: () => void): void {
  writeSound = write;
}

export function writeAll(): void {
  document.documentElement.dataset["theme"] = state.view.theme;
  setLanguage(state.view.language);
  writeStaticTexts();
  writeTools();
  writeBanner(state.view.mode);
  writeReader();
  writeSound();
  writeFreshness(state.freshness);
  writeList();
  writeFigures();
  writeTree();
  writeTime();
  writeRegisters();
  sayIncomplete();
  if (state.map !== null) nameControls(state.map);
}
