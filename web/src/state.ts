/** What the page knows at a moment, in one place; the other rooms read it, and what the reader may do is called from here. */

import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import type { Census, Feature, Reading, RecordPage } from "./api";
import type { BasemapInfo, LayerInfo } from "./catalogue";
import type { CountsActions, CountsContent } from "./counts-panel";
import type { DepartmentLists } from "./departments";
import type { DistrictMap } from "./districts";
import { INCIDENTS } from "./incidents";
import type { LayerStack } from "./layers";
import { readerKey, session } from "./session";
import type { Freshness } from "./status";
import type { TreeActions } from "./tree";
import { readView, type View } from "./view";

/** What may be asked for anew. */
export type Asked = Partial<Pick<View, "major" | "active" | "period" | "facets" | "asof">>;

/** What the reader does. main.ts says who does it, so that rooms that show need not know rooms that act. */
export interface Actions extends CountsActions, TreeActions {
  change(by: Asked): void;
  pickFromList(feature: Feature): void;
  pickDistrict(code: string): void;
  clickMap(event: MapMouseEvent): void;
  chooseBasemap(name: string): void;
  refresh(): void;
}

interface State {
  readonly view: View;
  layers: ReadonlyMap<string, LayerInfo> | null;
  basemaps: readonly BasemapInfo[];
  page: RecordPage | null;
  unplaced: number | null;
  older: number | null;
  census: Census | null;
  outlines: readonly Feature[] | null;
  warnings: readonly Feature[] | null;
  lists: DepartmentLists | null;
  freshness: Freshness;
  /** The newest moment that there is: the exercise's clock, or ours. */
  now: Date | null;
  /** Until the clock is known, nothing is asked that counts from it. */
  clockIsKnown: boolean;
  /** What the map's incidents were asked with. */
  drawnWith: string;
  map: MapLibre | null;
  stack: LayerStack | null;
  districts: DistrictMap | null;
  styleReady: boolean;
  unstyled: readonly string[];
  torn: readonly string[];
  /** Whom the picture was read for. */
  readFor: string;
}

export const state: State = {
  view: readView(),
  layers: null,
  basemaps: [],
  page: null,
  unplaced: null,
  older: null,
  census: null,
  outlines: null,
  warnings: null,
  lists: null,
  freshness: { at: null, sequence: null, trouble: null, live: false },
  now: null,
  clockIsKnown: false,
  drawnWith: "",
  map: null,
  stack: null,
  districts: null,
  styleReady: false,
  unstyled: [],
  torn: [],
  readFor: readerKey(session()),
};

export const actions = {} as Actions;

export function incidentLayer(): LayerInfo | undefined {
  return state.layers?.get(INCIDENTS);
}

export function reading(): Reading | null {
  return state.view.mode === null ? null : { mode: state.view.mode, asof: state.view.asof };
}

export function basemap(): string {
  return state.view.basemap ?? state.view.theme;
}

export function countsContent(): CountsContent {
  const troubled = state.freshness.trouble !== null;
  const districtsColoured = state.view.districts;
  return { census: state.census, filter: state.view, reading: reading(), layer: incidentLayer(), theme: state.view.theme, districtsColoured, troubled };
}
