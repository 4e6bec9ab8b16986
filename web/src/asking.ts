/** What the server says: asked for when something changed or the reader wants something else, and laid before the page. */

import { countIncidents, fetchCensus, fetchDistricts, fetchIncidents, fetchLanding, fetchNewest, type Census, type Feature, type Reading, type RecordPage } from "./api";
import { fetchBasemaps, fetchLayers } from "./catalogue";
import { retryTiles } from "./completeness";
import { fetchDepartmentLists } from "./departments";
import { tellDone } from "./done";
import { asCql2, NO_FACETS, olderActive, withoutPosition } from "./filters";
import { ServerTrouble } from "./http";
import { t } from "./i18n";
import { refreshIncidents, removeIncidents } from "./incidents";
import { closePopup } from "./popup";
import { writeFigures, writeList, writeReader, writeRegisters, writeTime, writeTools, writeTree } from "./screen";
import { fetchSession, readerKey, session, type Session } from "./session";
import { drawIncidents, drawLayers, noteDrawn } from "./stage";
import { actions, basemap, reading, state } from "./state";
import { writeBanner, writeFreshness } from "./status";
import { ChangeStream } from "./stream";
import { setPictureTime } from "./time";
import { writeView } from "./view";
import { fetchWarnings, WARNINGS } from "./warnings";

const LISTED = 50;
const REFRESH_MS = 15_000;
/** While changes come by themselves, only what time alone changes is looked for. */
const REFRESH_LIVE_MS = 60_000;
const SETTLE_MS = 250;
/** What the panels are made of. */
const FOLLOWED = "incidents,warnings,requests,control-centres";

let question = 0;
let timer: number | undefined;
let asking = false;
let changedMeanwhile = false;
const stream = new ChangeStream(changed, streamChanged);

/** Whether the answer is of another state than the one that the map was drawn from. */
function isNewState(answer: RecordPage): boolean {
  return state.page !== null && (answer.sequence === null || answer.sequence !== state.page.sequence);
}

function acceptList(answer: RecordPage): void {
  const redraw = isNewState(answer);
  const recovered = state.freshness.trouble !== null;
  state.page = answer;
  state.freshness = { at: answer.at, sequence: answer.sequence, trouble: null, live: stream.live };
  if (state.map !== null && state.styleReady) {
    if (redraw || recovered) refreshIncidents(state.map);
    retryTiles(state.map);
  }
  writeFreshness(state.freshness);
}

function fail(error: unknown): void {
  const trouble = error instanceof ServerTrouble ? error : new ServerTrouble("unreadable");
  if (!(error instanceof ServerTrouble)) console.error(error);
  state.freshness = { ...state.freshness, trouble: { error: trouble, since: state.freshness.trouble?.since ?? new Date() } };
  writeFreshness(state.freshness);
  writeList();
  writeFigures();
}

/** Learn the exercise's clock and, at first, the default mode: what is overdue and recent is told from them. */
async function learnClock(): Promise<void> {
  const landing = await fetchLanding();
  state.view.mode ??= landing.mode;
  const exercise = state.view.mode === "actual" ? null : (landing.now ?? state.now ?? (await fetchNewest(state.view.mode)));
  state.now = exercise;
  state.clockIsKnown = true;
  setPictureTime(state.view.asof ?? state.now);
}

/** Ask who reads the page: a session may have ended, or begun in another tab. */
async function learnReader(): Promise<void> {
  const before = session();
  const now = await fetchSession();
  if (readerKey(now) !== state.readFor) forgetPicture(now);
  if (before.known && !now.known) tellDone(t("sessionEnded"));
  writeReader();
}

async function learnCatalogue(): Promise<void> {
  await learnReader();
  await learnClock();
  writeBanner(state.view.mode);
  writeTime();
  if (state.layers === null) {
    [state.layers, state.basemaps] = await Promise.all([fetchLayers(), fetchBasemaps().catch(() => [])]);
    if (state.basemaps.length > 0 && !state.basemaps.some(({ id }) => id === basemap())) actions.chooseBasemap(state.view.theme);
    writeTree();
    writeTools();
  }
  drawIncidents();
  drawLayers();
}

function wantsCensus(): boolean {
  return state.view.tab === "counts" || state.view.districts;
}

async function readFigures(of: Reading): Promise<{ census: Census | null; outlines: readonly Feature[] | null }> {
  if (!wantsCensus()) return { census: null, outlines: state.outlines };
  const [counted, shapes] = await Promise.all([
    fetchCensus(of, asCql2({ ...state.view, facets: NO_FACETS })),
    state.view.districts ? (state.outlines ?? fetchDistricts()) : state.outlines,
  ]);
  return { census: counted, outlines: shapes };
}

async function readRegisters(of: Reading): Promise<void> {
  if (state.layers === null) return;
  const [inForce, others] = await Promise.all([
    state.layers.has(WARNINGS) ? fetchWarnings(of).catch(() => null) : null,
    state.view.tab === "departments" ? fetchDepartmentLists(of, state.layers) : state.lists,
  ]);
  state.warnings = inForce;
  state.lists = others;
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
  state.freshness = { ...state.freshness, live: stream.live };
  writeFreshness(state.freshness);
  if (!asking) askIn(stream.live ? REFRESH_LIVE_MS : REFRESH_MS);
}

/** Ask the server for the picture, and again after a while. An answer to an older question is dropped. */
export async function refresh(): Promise<void> {
  const mine = ++question;
  clearTimeout(timer);
  asking = true;
  changedMeanwhile = false;
  try {
    await learnCatalogue();
    const of = reading();
    if (of === null || mine !== question) return;
    const cql2 = asCql2(state.view);
    const before = olderActive(state.view);
    const [answer, lost, left, figures] = await Promise.all([
      fetchIncidents(of, cql2, LISTED),
      countIncidents(of, withoutPosition(cql2)),
      before === null ? null : countIncidents(of, before),
      readFigures(of),
      readRegisters(of),
    ]);
    if (mine !== question) return;
    state.unplaced = lost;
    state.older = left;
    ({ census: state.census, outlines: state.outlines } = figures);
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
export function askAnew(keepCensus: boolean): void {
  state.page = null;
  if (!keepCensus) state.census = null;
  setPictureTime(state.view.asof ?? state.now);
  writeView(state.view);
  writeTools();
  writeList();
  writeFigures();
  drawIncidents();
  void refresh();
}

/** What was read for somebody else goes, from lists and from the map. */
export function forgetPicture(now: Session): void {
  state.readFor = readerKey(now);
  closePopup();
  state.layers = state.page = state.census = state.lists = state.warnings = null;
  state.unplaced = state.older = null;
  if (state.map !== null && state.styleReady) removeIncidents(state.map);
  state.stack?.forget();
  state.drawnWith = "";
  // The stream was opened by another reader; the next answer opens one of this reader's.
  stream.follow(null, null);
  delete document.body.dataset["ready"];
  writeReader();
  writeList();
  writeFigures();
  writeRegisters();
}
