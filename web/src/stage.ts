/** The map: incidents, layers and districts as the view wants them, and what of them is missing. */

import { isBasemap, makeMap } from "./basemap";
import { watchTiles } from "./completeness";
import { facetTitle, tableOf } from "./counts-panel";
import { DistrictMap } from "./districts";
import { byId, say } from "./dom";
import { doubtful } from "./feeds";
import { asCql2, UNKNOWN } from "./filters";
import { pick, t } from "./i18n";
import { addIncidents, chooseIncidents, drawnIncidents, INCIDENTS, showSingly } from "./incidents";
import { layerOfSource, LayerStack } from "./layers";
import { ringed } from "./news-bar";
import { drawRings } from "./rings";
import { actions, basemap, countsContent, incidentLayer, reading, state } from "./state";

export function drawIncidents(): void {
  const of = reading();
  if (state.map === null || !state.styleReady || of === null || !state.clockIsKnown) return;
  const cql2 = asCql2(state.view);
  const key = JSON.stringify([of, cql2]);
  if (state.map.getSource(INCIDENTS) === undefined) {
    addIncidents(state.map, of, state.view.theme, cql2);
    showSingly(state.map, !state.view.districts);
  } else if (key !== state.drawnWith) {
    chooseIncidents(state.map, of, cql2);
  }
  state.drawnWith = key;
}

export function drawLayers(): void {
  const of = reading();
  if (state.stack === null || !state.styleReady || of === null || state.layers === null) return;
  state.stack.show(state.view.layers, state.layers, of, state.view.theme).then((failed) => {
    if (failed === null) return;
    state.unstyled = failed;
    sayIncomplete();
  }, console.error);
}

export function drawDistricts(): void {
  if (state.map === null || state.districts === null || !state.styleReady) return;
  if (!state.view.districts || state.facetted === null || state.outlines === null) {
    if (!state.view.districts) state.districts.hide();
  } else {
    const counts = tableOf(countsContent(), "district").filter(({ code }) => code !== UNKNOWN);
    const named = counts.map(({ code, count }) => ({ code, count, name: facetTitle(incidentLayer(), "district", code) }));
    state.districts.show(state.outlines, named, state.view.facets.district, state.view.theme);
  }
  showSingly(state.map, !state.view.districts);
}

/** Ring the records behind an opened number, else what changed since the reader last looked. */
export function drawMarked(): void {
  if (state.map === null || !state.styleReady) return;
  const { behind, news, view } = state;
  drawRings(state.map, "behind", behind?.page?.features ?? []);
  drawRings(state.map, "news", behind === null && view.asof === null ? ringed(news) : []);
}

/** Tell whoever watches the page (tests do) that the incidents stand on the map, and how many. */
export function noteDrawn(): void {
  if (state.map === null || state.page === null || !state.map.areTilesLoaded()) return;
  const drawn = drawnIncidents(state.map).length;
  document.body.dataset["incidents"] = String(drawn);
  const nothingToDraw = state.page.matched !== null && state.page.matched === state.unplaced;
  const colouredInstead = state.districts?.isShown === true;
  if (drawn > 0 || nothingToDraw || colouredInstead) document.body.dataset["ready"] = "true";
}

/** Say what of the map is missing; the whole of it where the browser cannot draw. */
export function sayIncomplete(): void {
  if (state.map === null) {
    say(byId("map-notice", HTMLDivElement), t("noWebgl"));
    return;
  }
  const title = (id: string): string => {
    const layer = state.layers?.get(id);
    return layer === undefined ? id : pick(layer.title);
  };
  const name = (source: string): string => {
    if (isBasemap(source)) return t("basemap");
    if (source === INCIDENTS) return t("incidents");
    return title(layerOfSource(source) ?? source);
  };
  const names = [...new Set([...state.torn.map(name), ...state.unstyled.map(title)])].join(t("listSeparator"));
  const shown = state.view.layers.map(({ id }) => state.layers?.get(id)).filter((layer) => layer !== undefined);
  const old = doubtful(shown).map((layer) => pick(layer.title)).join(t("listSeparator"));
  const told = [names === "" ? "" : t("tilesFailed", { names }), old === "" ? "" : t("layersDoubtful", { names: old })];
  say(byId("map-notice", HTMLDivElement), told.filter((one) => one !== "").join(" "));
}

/** Make the map; `onZoom` is told each new zoom. */
export function startMap(onZoom: (zoom: number) => void): void {
  try {
    state.map = makeMap(byId("map", HTMLDivElement), basemap(), state.view.theme);
  } catch (error) {
    console.warn(error);
    document.body.dataset["map"] = "none";
    return;
  }
  const made = state.map;
  state.stack = new LayerStack(made);
  state.districts = new DistrictMap(made, (code) => actions.pickDistrict(code));
  made.on("style.load", () => {
    state.styleReady = true;
    drawIncidents();
    drawLayers();
    drawDistricts();
    drawMarked();
  });
  made.on("idle", noteDrawn);
  made.on("render", () => (document.body.dataset["idle"] = "false"));
  made.on("idle", () => (document.body.dataset["idle"] = "true"));
  made.on("movestart", () => (document.body.dataset["moving"] = "true"));
  made.on("moveend", () => {
    document.body.dataset["moving"] = "false";
    onZoom(made.getZoom());
  });
  made.on("click", (event) => actions.clickMap(event));
  made.on("mousemove", ({ point }) => {
    const hit = drawnIncidents(made, point).length > 0 || (state.stack?.featuresAt(point).length ?? 0) > 0;
    made.getCanvas().style.cursor = hit || state.districts?.districtAt(point) ? "pointer" : "";
  });
  watchTiles(made, (sources) => {
    state.torn = sources;
    sayIncomplete();
  });
}
