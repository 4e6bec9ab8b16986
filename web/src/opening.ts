/** Opening records: from the list, from a click on a mark, from a click on another layer. */

import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { fetchIncident, fetchIncidents, type Feature, type Reading } from "./api";
import type { LayerInfo } from "./catalogue";
import { deedsPart } from "./deeds";
import { el } from "./dom";
import { anchorOf, boundsOf, type Bounds, type LonLat } from "./geometry";
import { t } from "./i18n";
import { incidentCard } from "./incident-card";
import { boxMeant, drawnIncidents, INCIDENTS } from "./incidents";
import type { LayerStack } from "./layers";
import { cardWith, closePopup, popupAt, roomForPopup } from "./popup";
import { chooser, layerCards } from "./popup-content";
import { reason } from "./status";
import type { Theme } from "./view";

const CHOICES = 20;
const CLOSE_ENOUGH = 14;

/** What opening needs to know at the moment that the reader acts. */
export interface Surroundings {
  readonly map: MapLibre | null;
  readonly stack: LayerStack | null;
  readonly layers: ReadonlyMap<string, LayerInfo> | null;
  /** `null` while the mode is not known. */
  readonly reading: Reading | null;
  readonly cql2: string;
  readonly theme: Theme;
  /** Called when a record was changed from its card. */
  readonly onDone: (feature: Feature) => void;
}

function showRecord(map: MapLibre | null, content: HTMLElement, at: LonLat | null): void {
  if (map === null || at === null) cardWith(content);
  else popupAt(map, at, content, true);
}

function failure(error: unknown): HTMLElement {
  return el("p", { class: "record" }, t("detailsFailed", { reason: reason(error) }));
}

async function openIncident({ map, reading, layers, theme, onDone }: Surroundings, id: string, at: LonLat | null): Promise<void> {
  if (reading === null) return;
  try {
    const found = await fetchIncident(reading, id);
    const doing = deedsPart({ ground: { map, layers, reading }, onDone }, found);
    showRecord(map, incidentCard(found, layers?.get(INCIDENTS), reading.mode, theme, doing), at);
  } catch (error) {
    showRecord(map, failure(error), at);
  }
}

/** Open the incident in a box of the map or, where there are several, let the reader choose. */
async function openIncidentsIn(around: Surroundings, box: Bounds, clicked: LonLat): Promise<void> {
  const { map, reading, cql2, layers, theme } = around;
  if (map === null || reading === null) return;
  const open = ({ id, geometry }: Feature): void => void openIncident(around, id, anchorOf(geometry) ?? clicked);
  try {
    const { features, matched } = await fetchIncidents(reading, cql2, CHOICES, box);
    const [first] = features;
    if (first !== undefined && features.length === 1) {
      open(first);
      return;
    }
    const choices = chooser(features, matched ?? features.length, layers?.get(INCIDENTS), theme, open);
    popupAt(map, clicked, choices, false);
  } catch (error) {
    popupAt(map, clicked, failure(error), false);
  }
}

/** Fly to a record, so that it lies low enough for the pop-up above it. */
function flyToBounds(on: MapLibre, bounds: Bounds): void {
  const camera = on.cameraForBounds(bounds, { maxZoom: Math.max(on.getZoom(), CLOSE_ENOUGH), padding: 60 });
  if (camera !== undefined) on.flyTo({ ...camera, offset: [0, roomForPopup(on)], maxDuration: 2500 });
}

/** Open an incident of the list, and bring its place into view. */
export function openFromList(around: Surroundings, feature: Feature): void {
  const bounds = feature.geometry === null ? null : boundsOf(feature.geometry);
  if (around.map !== null && bounds !== null) flyToBounds(around.map, bounds);
  void openIncident(around, feature.id, anchorOf(feature.geometry));
}

/** Open what a click on the map met; answers whether it met anything. */
export function openAtClick(around: Surroundings, event: MapMouseEvent): boolean {
  const { map, stack, layers, reading } = around;
  if (map === null || reading === null) return false;
  const clicked: LonLat = [event.lngLat.lng, event.lngLat.lat];
  const [top] = drawnIncidents(map, event.point);
  if (top !== undefined) {
    void openIncidentsIn(around, boxMeant(map, event.point, top), clicked);
    return true;
  }
  const found = stack?.featuresAt(event.point) ?? [];
  if (found.length === 0) closePopup();
  else popupAt(map, clicked, layerCards(found, layers, reading.mode), false);
  return found.length > 0;
}
