/** What the page knows at a moment, in one place; the other rooms read it, and what the reader may do is called from here. */

import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import type { Feature, Reading, RecordPage } from "./api";
import type { BasemapInfo, LayerInfo } from "./catalogue";
import type { CountsActions, CountsContent } from "./counts-panel";
import type { DepartmentLists } from "./departments";
import type { DistrictMap } from "./districts";
import type { Inbox } from "./inbox";
import { INCIDENTS } from "./incidents";
import type { LayerStack } from "./layers";
import { News } from "./news";
import type { NewsActions } from "./news-bar";
import type { PanelActions } from "./panel";
import { readerKey, session } from "./session";
import type { Shift } from "./shift";
import type { ShiftActions } from "./shift-panel";
import type { Freshness } from "./status";
import type { Facetted, Summary, Tally } from "./summary";
import type { TreeActions } from "./tree";
import { readView, type View } from "./view";

/** What may be asked for anew. */
export type Asked = Partial<Pick<View, "major" | "active" | "period" | "facets" | "asof">>;

/** What the reader does. main.ts says who does it, so that rooms that show need not know rooms that act. */
export interface Actions extends CountsActions, NewsActions, PanelActions, ShiftActions, TreeActions {
  change(by: Asked): void;
  pickDistrict(code: string): void;
  clickMap(event: MapMouseEvent): void;
  chooseBasemap(name: string): void;
  refresh(): void;
  openIncidentById(id: string): void;
}

/** The records behind a number, as they were counted. */
export interface Behind {
  readonly tally: Tally;
  readonly title: string;
  /** `null` while they are being read. */
  readonly page: RecordPage | null;
}

interface State {
  readonly view: View;
  layers: ReadonlyMap<string, LayerInfo> | null;
  basemaps: readonly BasemapInfo[];
  page: RecordPage | null;
  /** What changed since the reader last looked. */
  readonly news: News;
  /** The list shows what changed. */
  newsOpen: boolean;
  unplaced: number | null;
  older: number | null;
  /** The numbers of the view's filter. */
  summary: Summary | null;
  /** The same by each facet, where somebody looks at them. */
  facetted: Facetted | null;
  /** The records behind a number that the reader opened. */
  behind: Behind | null;
  outlines: readonly Feature[] | null;
  lists: DepartmentLists | null;
  /** The real-time sources, as they are. */
  feeds: RecordPage | null;
  /** `null` while it is not known, and of who has none. */
  inbox: Inbox | null;
  shift: Shift | null;
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
  news: new News(),
  newsOpen: false,
  unplaced: null,
  older: null,
  summary: null,
  facetted: null,
  behind: null,
  outlines: null,
  lists: null,
  feeds: null,
  inbox: null,
  shift: null,
  freshness: { at: null, sequence: null, link: "connecting", since: null, news: null, everySeconds: 15, trouble: null },
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
  const { summary, facetted, layers, view } = state;
  const troubled = state.freshness.trouble !== null;
  return { summary, facetted, filter: view, layer: incidentLayer(), layers, theme: view.theme, districtsColoured: view.districts, troubled };
}
