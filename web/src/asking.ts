/** What the server says: asked for when something changed or the reader wants something else, and laid before the page. */

import { Alarm } from "./alarm";
import { countIncidents, fetchDistricts, fetchIncidents, fetchLanding, fetchNewest, type Feature, type Reading, type RecordPage } from "./api";
import { fetchBasemaps, fetchLayers } from "./catalogue";
import { retryTiles } from "./completeness";
import { fetchDepartmentLists } from "./departments";
import { tellDone } from "./done";
import { fetchFeeds } from "./feeds";
import { asCql2, narrowing, olderActive, withoutPosition } from "./filters";
import { ServerTrouble } from "./http";
import { t } from "./i18n";
import { fetchInbox, hasInbox } from "./inbox";
import { refreshIncidents, removeIncidents } from "./incidents";
import { closePopup } from "./popup";
import { REQUESTS } from "./requests";
import { writeFigures, writeList, writeReader, writeRegisters, writeTime, writeTools, writeTree } from "./screen";
import { fetchSession, readerKey, session, type Session } from "./session";
import { fetchShift, NOTES } from "./shift";
import { drawIncidents, drawLayers, noteDrawn } from "./stage";
import { actions, basemap, reading, state } from "./state";
import { writeBanner, writeFreshness, type Freshness } from "./status";
import { ChangeStream } from "./stream";
import { fetchFacetted, fetchSummary, pinned, type Facetted, type Summary } from "./summary";
import { setPictureTime } from "./time";
import { writeView } from "./view";

const LISTED = 50;
const REFRESH_MS = 15_000;
/** While changes come by themselves, only what time alone changes is looked for. */
const REFRESH_LIVE_MS = 60_000;
const SETTLE_MS = 250;
/** What the panels are made of. */
const FOLLOWED = ["incidents", "warnings", "requests", "control-centres", "feeds", "handover-notes"];

let question = 0;
let timer: number | undefined;
let asking = false;
let changedMeanwhile = false;
/** The stream is back, and the picture since then not read yet. */
let catchingUp = false;
export const alarm = new Alarm((id) => actions.openIncidentById(id));
const stream = new ChangeStream(changed, streamChanged);

/** Whether the answer is of another state than the one that the map was drawn from. */
function isNewState(answer: RecordPage): boolean {
  return state.page !== null && (answer.sequence === null || answer.sequence !== state.page.sequence);
}

function acceptList(answer: RecordPage): void {
  const redraw = isNewState(answer);
  const recovered = state.freshness.trouble !== null;
  state.page = answer;
  state.freshness = { ...state.freshness, at: answer.at, sequence: answer.sequence, ...linkNow(), trouble: null };
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
  // Whether a session counts is known when the mode is.
  writeReader();
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

function wantsFigures(): boolean {
  return state.view.tab === "counts" || state.view.districts;
}

interface Figures {
  readonly facetted: Facetted | null;
  readonly outlines: readonly Feature[] | null;
}

async function readFigures(of: Reading, whole: Summary): Promise<Figures> {
  if (!wantsFigures()) return { facetted: null, outlines: state.outlines };
  const [facetted, outlines] = await Promise.all([
    fetchFacetted(of, state.view, whole),
    state.view.districts ? (state.outlines ?? fetchDistricts()) : state.outlines,
  ]);
  return { facetted, outlines };
}

async function readRegisters(of: Reading): Promise<void> {
  if (state.layers === null) return;
  const { mode } = of;
  const present = of.asof === null && hasInbox(mode);
  // A list that could not be read stays as it was; the next answer brings it.
  const unread = (error: unknown): null => (console.warn(error), null);
  [state.feeds, state.lists, state.inbox, state.shift] = await Promise.all([
    fetchFeeds(of, state.layers).catch((error: unknown) => (console.warn(error), state.feeds)),
    state.view.tab === "departments" ? fetchDepartmentLists(of, state.layers) : state.lists,
    present && state.layers.has(REQUESTS) ? fetchInbox(of).catch(unread) : null,
    present && state.view.tab === "shift" && state.layers.has(NOTES) ? fetchShift(mode).catch(unread) : null,
  ]);
}

/** What changed since the reader last looked; the picture does not wait for it, nor break where it cannot be read. */
async function readNews(of: Reading, whole: Summary): Promise<void> {
  if (of.asof !== null || state.layers === null) return;
  const told = (): string => JSON.stringify([state.news.trouble, state.news.changes.map(({ collection, id, kind }) => [collection, id, kind])]);
  const before = told();
  await state.news.update(of.mode, whole.sequence, state.layers).catch(console.warn);
  // A list that stays as it is is not written anew: somebody may stand on it.
  if (told() !== before) writeList();
}

/** Look for new major cases, where somebody wants to hear of them; a hidden page does that too. */
export function soundAlarm(): void {
  if (state.view.mode !== null) void alarm.check(state.view.mode).catch(console.warn);
}

/** Something changed: the picture is asked for again, soon, or when the question at hand is answered. */
function changed(): void {
  if (document.hidden) {
    soundAlarm();
    return;
  }
  if (asking) changedMeanwhile = true;
  else askIn(SETTLE_MS);
}

function askIn(wait: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!document.hidden) void refresh();
    else if (alarm.on) {
      soundAlarm();
      askIn(REFRESH_MS);
    }
  }, wait);
}

/** How changes come at this moment. */
function linkNow(): Pick<Freshness, "link" | "since" | "news"> {
  const since = stream.interruptedSince;
  const broken = since === null ? "polling" : "interrupted";
  const link = state.view.asof !== null ? "past" : !stream.live ? broken : catchingUp ? "catching" : "live";
  return { link, since, news: stream.lastNews };
}

function streamChanged(): void {
  // What was missed comes from the place where the stream broke; the picture is asked for at once.
  if (stream.live && state.freshness.link === "interrupted") catchingUp = true;
  state.freshness = { ...state.freshness, ...linkNow() };
  writeFreshness(state.freshness);
  if (!asking) askIn(catchingUp ? SETTLE_MS : stream.live ? REFRESH_LIVE_MS : REFRESH_MS);
  else if (catchingUp) changedMeanwhile = true;
}

function follow(of: Reading, { sequence }: Summary): void {
  const collections = FOLLOWED.filter((name) => state.layers?.has(name) === true).join(",");
  stream.follow(of.asof === null ? { collections, mode: of.mode } : null, sequence);
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
    const summary = await fetchSummary(of, narrowing(state.view));
    // Lists and further numbers are of just the state that was counted.
    const same = pinned(of, summary);
    const [answer, lost, left, figures] = await Promise.all([
      fetchIncidents(same, cql2, LISTED),
      countIncidents(same, withoutPosition(cql2)),
      before === null ? null : fetchSummary(same, before).then(({ count }) => count),
      readFigures(of, summary),
      readRegisters(of),
    ]);
    if (mine !== question) return;
    catchingUp = catchingUp && changedMeanwhile;
    state.summary = summary;
    state.unplaced = lost;
    state.older = left;
    ({ facetted: state.facetted, outlines: state.outlines } = figures);
    acceptList({ ...answer, at: summary.at, sequence: summary.sequence });
    follow(of, summary);
    writeList();
    writeFigures();
    writeRegisters();
    noteDrawn();
    void readNews(of, summary);
    soundAlarm();
  } catch (error) {
    if (mine === question) fail(error);
  } finally {
    if (mine === question) {
      asking = false;
      askIn(changedMeanwhile ? SETTLE_MS : stream.live ? REFRESH_LIVE_MS : REFRESH_MS);
    }
  }
}

/** Another question: what is listed and counted belongs to the old one and goes. */
export function askAnew(): void {
  state.page = state.summary = state.facetted = state.behind = null;
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
  state.layers = state.page = state.summary = state.facetted = state.behind = state.lists = state.feeds = state.inbox = state.shift = null;
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
