/** What changed since the reader last looked: in one line above the list, and one by one where it is opened. */

import type { Feature } from "./api";
import type { LayerInfo } from "./catalogue";
import { recordTitle, wordsElement } from "./details";
import { byId, el, say } from "./dom";
import { number, pick, t } from "./i18n";
import { INCIDENTS } from "./incidents";
import type { Change, Kind, News } from "./news";
import type { TextKey } from "./texts";

const MOST = 200;
const WORDS: Readonly<Record<Kind, TextKey>> = { new: "newsNew", changed: "newsChanged", gone: "newsGone" };
const NUMBERS: Readonly<Record<Kind, TextKey>> = { new: "newsNewN", changed: "newsChangedN", gone: "newsGoneN" };

export interface NewsActions {
  openNews(open: boolean): void;
  seeAll(): void;
  /** Open what changed, which makes it seen. */
  pickChange(change: Change): void;
}

export interface NewsContent {
  readonly news: News;
  readonly open: boolean;
  readonly layers: ReadonlyMap<string, LayerInfo> | null;
  /** Of a past picture nothing is new. */
  readonly past: boolean;
}

function titleOf({ feature, id }: Change): HTMLElement {
  const words = feature === null ? { text: id, lang: null } : recordTitle({ ...feature.properties, description_en: feature.properties["text_en"], description_zh: feature.properties["text_zh"] }, id);
  return wordsElement("strong", words);
}

function line(change: Change, layers: NewsContent["layers"], actions: NewsActions): HTMLElement {
  const layer = layers?.get(change.collection);
  const words = [layer === undefined ? change.collection : pick(layer.title), change.id, change.kind === "gone" ? t("newsGoneWhy") : ""];
  const button = el(
    "button",
    { type: "button", class: "item", "data-change": `${change.collection}/${change.id}` },
    el("span", { class: "item-text" }, el("span", { class: `chip chip-${change.kind === "gone" ? "done" : "news"}` }, t(WORDS[change.kind])), titleOf(change),
      el("span", { class: "item-words" }, words.filter((part) => part !== "").join(t("listSeparator")))),
  );
  button.addEventListener("click", () => actions.pickChange(change));
  return el("li", { class: "is-news" }, button);
}

function headline(changes: readonly Change[]): string {
  const parts = (["new", "changed", "gone"] as const).flatMap((kind) => {
    const n = changes.filter((change) => change.kind === kind).length;
    return n === 0 ? [] : [t(NUMBERS[kind], { n: number(n) })];
  });
  return t("newsSince", { what: parts.join(t("listSeparator")) });
}

function button(id: string, words: string, act: () => void, pressed?: boolean): HTMLElement {
  const made = el("button", { type: "button", class: "link", id, ...(pressed === undefined ? {} : { "aria-expanded": String(pressed) }) }, words);
  made.addEventListener("click", act);
  return made;
}

const TROUBLE = { gone: "newsTooOld", ahead: "newsAhead", many: "newsMany" } as const;

/** Write the line, and the list where it is open. Nothing at all where nothing changed. */
export function writeNews({ news, open, layers, past }: NewsContent, actions: NewsActions): void {
  const place = byId("news", HTMLElement);
  const { changes, trouble } = news;
  place.hidden = past || (changes.length === 0 && trouble === null);
  document.body.dataset["news"] = String(changes.length);
  if (place.hidden) return;
  const held = document.activeElement;
  const focused = held instanceof HTMLElement && place.contains(held) ? held.id || held.dataset["change"] : undefined;
  const words = [trouble === null ? "" : t(TROUBLE[trouble]), changes.length === 0 ? "" : headline(changes)].filter((part) => part !== "").join(" ");
  const newest = changes.toReversed();
  say(byId("news-words", HTMLParagraphElement), words);
  byId("news-rest", HTMLDivElement).replaceChildren(
    el("div", { class: "news-deeds" },
      changes.length === 0 ? null : button("news-open", t(open ? "newsHide" : "newsShow"), () => actions.openNews(!open), open),
      button("news-seen", t("newsSeen"), () => actions.seeAll())),
    ...(open && changes.length > 0 ? [el("ol", { class: "incident-list", id: "news-list" }, ...newest.slice(0, MOST).map((change) => line(change, layers, actions)))] : []),
    ...(open && changes.length > MOST ? [el("p", { class: "note" }, t("firstOf", { n: number(MOST), all: number(changes.length) }))] : []),
  );
  if (focused === undefined) return;
  (document.getElementById(focused) ?? place.querySelector<HTMLElement>(`[data-change="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
}

/** What of the news the map can mark. */
export function ringed(news: News): readonly Feature[] {
  return news.changes.flatMap(({ collection, feature }) => (collection === INCIDENTS && feature !== null ? [feature] : []));
}
