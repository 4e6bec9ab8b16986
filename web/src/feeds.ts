/**
 * The real-time sources: how each is, how old what it brought is, and whose it is. Whatever shows an age has the names of
 * its sources in `data-feeds`; it is filled here, and again as time goes on, without asking anybody.
 */

import { fetchRegister, type Reading, type RecordPage } from "./api";
import type { FeedInfo, LayerInfo } from "./catalogue";
import { codeTitle, eitherLanguage, timeOf, wordsElement } from "./details";
import { el } from "./dom";
import type { Json } from "./http";
import { duration, number, pick, t } from "./i18n";
import { chip, when } from "./requests";
import { pictureTime } from "./time";

export const FEEDS = "feeds";
const MOST = 200;
const TICK_MS = 10_000;
/** The worst first: of several sources it speaks for all. */
const ORDER = ["down", "stale", "late", "live", "quiet"];
/** Each state has a shape of its own beside its word, so that none is told by colour alone. */
const SHAPES: Readonly<Record<string, readonly [string, string]>> = {
  live: ["●", "on"],
  quiet: ["○", "done"],
  late: ["◔", "active"],
  stale: ["▲", "overdue"],
  down: ["✕", "major"],
};

/** A source as its record in the collection of feeds tells it. */
interface Known {
  readonly id: string;
  readonly state: string;
  readonly properties: Json;
}

type Layers = ReadonlyMap<string, LayerInfo>;

/** What was read last; `null` while nothing is known. */
let known: ReadonlyMap<string, Known> | null = null;
let layers: Layers | null = null;
/** A moment of the picture and the browser's own time of it. */
interface Moment {
  readonly picture: number;
  readonly here: number;
}

const SPEED_SPAN_MS = 5_000;
/** When it was read, and an earlier reading: between readings, time goes on as the picture's did. */
let readAt: Moment = { picture: 0, here: 0 };
let basis: Moment | null = null;
let speed = 0;

/** The records of the sources; `null` where there is no such collection. */
export async function fetchFeeds(reading: Reading, of: Layers): Promise<RecordPage | null> {
  return of.has(FEEDS) ? fetchRegister(reading, FEEDS, { limit: MOST }) : null;
}

/** Take what was read. `runs`: the picture is of now, so that ages grow while nothing is read. */
export function takeFeeds(page: RecordPage | null, of: Layers | null, mode: string | null, runs: boolean): void {
  layers = of;
  known = page === null ? null : new Map(page.features.map(({ id, properties }) => {
    const name = mode === null || mode === "actual" ? id : id.replace(new RegExp(`\\.${mode}$`), "");
    return [name, { id: name, state: String(properties["state"] ?? ""), properties }];
  }));
  readAt = { picture: pictureTime().getTime(), here: performance.now() };
  learnSpeed(mode, runs);
  tellAges();
}

/** How fast the picture's time goes: ours is one for one; an exercise's stands still, or goes as its simulator does. */
function learnSpeed(mode: string | null, runs: boolean): void {
  if (!runs || mode === "actual") {
    speed = runs ? 1 : 0;
    basis = null;
  } else if (basis === null) basis = readAt;
  else if (readAt.here - basis.here > SPEED_SPAN_MS) {
    const gone = (readAt.picture - basis.picture) / (readAt.here - basis.here);
    // A clock that was set tells no speed.
    speed = gone >= 0 && gone <= 600 ? gone : 0;
    basis = readAt;
  }
}

function now(): number {
  return readAt.picture + (performance.now() - readAt.here) * speed;
}

/** The age of what a source brought last, in seconds; `null` where it has nothing that could be old. */
function ageOf({ state, properties }: Known): number | null {
  if (state === "quiet") return null;
  const from = timeOf(properties, "fresh_at");
  if (from !== null) return Math.max(0, (now() - from.getTime()) / 1000);
  const told = properties["age_s"];
  return typeof told === "number" ? told : null;
}

function ageWords(one: Known): string {
  const age = ageOf(one);
  if (age !== null) return t("feedAge", { age: duration(age) });
  return t(one.state === "quiet" ? "feedQuiet" : "feedNoAge");
}

function byWorst(a: Known, b: Known): number {
  const rank = ({ state }: Known): number => (ORDER.indexOf(state) + ORDER.length + 1) % (ORDER.length + 1);
  return rank(a) - rank(b) || (ageOf(b) ?? 0) - (ageOf(a) ?? 0);
}

function stateChip({ state }: Known): HTMLElement {
  const [shape, kind] = SHAPES[state] ?? ["?", "overdue"];
  const mark = chip(kind, codeTitle(layers?.get(FEEDS), "state", state) || t("notKnown"));
  mark.prepend(el("span", { class: "shape", "aria-hidden": "true" }, shape));
  return mark;
}

/** The place where a layer's age stands; empty for layers that no source feeds. */
export function agePlace({ id, feeds }: LayerInfo): HTMLElement | null {
  if (feeds.length === 0) return null;
  const place = el("p", { class: "fresh", id: `fresh-${id}`, "data-feeds": feeds.map((one) => one.id).join(" ") });
  fill(place);
  return place;
}

function fill(place: HTMLElement): void {
  const names = (place.dataset["feeds"] ?? "").split(" ");
  const found = names.map((name) => known?.get(name)).filter((one) => one !== undefined).toSorted(byWorst);
  const [worst] = found;
  place.dataset["state"] = worst?.state ?? "";
  if (worst === undefined) {
    place.replaceChildren(el("span", {}, t(known === null ? "feedsUnread" : "feedsUnknown")));
    return;
  }
  const bad = found.filter(({ state }) => state === worst.state).length;
  const several = found.length > 1 ? ` ${t("feedsAlike", { n: number(bad), all: number(found.length) })}` : "";
  place.replaceChildren(stateChip(worst), el("span", {}, ageWords(worst) + several));
}

/** Tell all ages as they are now. What reads the same is not written again. */
export function tellAges(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-feeds]")) fill(place);
  for (const place of document.querySelectorAll<HTMLElement>("[data-age-of]")) {
    const one = known?.get(place.dataset["ageOf"] ?? "");
    if (one !== undefined) place.textContent = ageWords(one);
  }
}

setInterval(() => document.hidden || tellAges(), TICK_MS);

/** Those of some layers whose sources are stale or down: what the map shows of them is no longer so. */
export function doubtful(shown: readonly LayerInfo[]): readonly LayerInfo[] {
  return shown.filter(({ feeds }) => feeds.some(({ id }) => ["stale", "down"].includes(known?.get(id)?.state ?? "")));
}

function info(name: string): { feed: FeedInfo | undefined; into: readonly LayerInfo[] } {
  const into = [...(layers?.values() ?? [])].filter(({ feeds }) => feeds.some(({ id }) => id === name));
  return { feed: into[0]?.feeds.find(({ id }) => id === name), into };
}

function licence(feed: FeedInfo): HTMLElement {
  const words = el("a", { href: feed.licenceAddress, rel: "noreferrer", "data-focus": `licence ${feed.id}` }, feed.licence);
  return el("span", { class: "item-words" }, pick(feed.attribution), t("wordsSeparator"), words);
}

function entry(one: Known): HTMLElement {
  const { properties } = one;
  const { feed, into } = info(one.id);
  const cause = String(properties["cause"] ?? "");
  const names = into.map(({ title }) => pick(title)).join(t("listSeparator"));
  return el(
    "li",
    { class: "entry", "data-feed": one.state, "data-feed-id": one.id },
    el("span", { class: "entry-head" }, wordsElement("strong", eitherLanguage(properties, "title")), stateChip(one)),
    el("span", { class: "item-words" }, el("span", { "data-age-of": one.id }, ageWords(one)), t("wordsSeparator"), t("lastGood"), " ",
      when(timeOf(properties, "last_good_at")) ?? t("notKnown")),
    cause === "" ? null : el("span", { class: "item-words" }, t("feedCause", { cause })),
    names === "" ? null : el("span", { class: "item-words" }, t("feedInto", { names })),
    feed === undefined ? null : licence(feed),
  );
}

/** Write the panel of the sources, the worst first; `counted` is how many the summary says are not well. */
export function writeSources(place: HTMLElement, counted: number | undefined): void {
  if (layers !== null && !layers.has(FEEDS)) {
    place.replaceChildren(el("p", { class: "note pad" }, t("noLists")));
    return;
  }
  if (known === null) {
    place.replaceChildren(el("p", { class: "note pad" }, t(layers === null ? "loading" : "listUnknown")));
    return;
  }
  const all = [...known.values()].toSorted(byWorst);
  const words = all.length === 0 ? t("noneListed") : t("feedsOf", { n: number(counted ?? 0), all: number(all.length) });
  const held = document.activeElement;
  const key = held instanceof HTMLElement && place.contains(held) ? held.dataset["focus"] : undefined;
  place.replaceChildren(
    el(
      "section",
      { class: "counts-section", "data-list": FEEDS },
      el("h3", {}, pick(layers?.get(FEEDS)?.title ?? { en: "", zh: "" })),
      el("p", { class: "note" }, words),
      el("p", { class: "note" }, t("feedsMeaning")),
      el("ul", { class: "entries" }, ...all.map(entry)),
    ),
  );
  // Who goes through the list by keyboard stays where he was.
  if (key !== undefined) place.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
