/** How fresh the picture is, said in words: never blank, never silent about a server that does not answer. */

import { ServerTrouble } from "./http";
import { byId, say } from "./dom";
import { clock, moment, number, t } from "./i18n";
import { modeName } from "./filters";
import type { Mode } from "./view";

const DAY_MS = 86_400_000;

/** How changes come: by themselves; those missed are being read; not any more, so they are asked for; the past has none. */
export type Link = "connecting" | "live" | "catching" | "interrupted" | "polling" | "past";

/** The state of the connection as the page knows it. */
export interface Freshness {
  /** The server's clock at its last good answer. */
  readonly at: Date | null;
  readonly sequence: string | null;
  readonly link: Link;
  /** Since when the stream is interrupted. */
  readonly since: Date | null;
  /** When the last change was heard of. */
  readonly news: Date | null;
  /** How often is asked where nothing comes by itself, in seconds. */
  readonly everySeconds: number;
  /** What is wrong now, and since when. */
  readonly trouble: { readonly error: ServerTrouble; readonly since: Date } | null;
}

/** Why a request failed, in words that stand inside a sentence. */
export function reason(error: unknown): string {
  if (!(error instanceof ServerTrouble)) return t("reasonUnreadable");
  if (error.status === 404 || error.status === 410) return t("reasonGone");
  if (error.kind === "unreachable") return t("reasonUnreachable");
  return error.kind === "refused"
    ? t("reasonRefused", { status: String(error.status) })
    : t("reasonUnreadable");
}

function troubleText({ trouble, at }: Freshness): string {
  if (trouble === null) return "";
  const { earliest } = trouble.error;
  if (earliest !== null) return t("historyBegins", { time: moment(earliest) });
  const since = clock(trouble.since);
  const what = {
    unreachable: t("unreachable", { since }),
    refused: t("refused", { since, status: String(trouble.error.status) }),
    unreadable: t("unreadable", { since }),
  }[trouble.error.kind];
  return what + (at === null ? t("nothingLoaded") : t("showsStateOf", { time: clock(at) }));
}

function linkText({ at, link, since, everySeconds }: Freshness): string {
  if (at === null) return t("connecting");
  const n = number(everySeconds);
  return {
    connecting: t("connecting"),
    live: t("linkLive"),
    catching: t("linkCatching"),
    interrupted: t("linkInterrupted", { since: since === null ? t("notKnown") : clock(since), n }),
    polling: t("linkPolling", { n }),
    past: t("linkPast"),
  }[link];
}

function newsText({ at, sequence, news }: Freshness): string {
  if (at === null) return "";
  const words = [news === null ? t("updated", { time: clock(at) }) : t("lastNews", { time: new Date().getTime() - news.getTime() < DAY_MS ? clock(news) : moment(news) })];
  const count = Number(sequence ?? Number.NaN);
  if (!Number.isNaN(count)) words.push(t("sequence", { n: number(count) }));
  return words.join(t("listSeparator"));
}

/** Write how changes come, when the last one came and, where there is trouble, the trouble. */
export function writeFreshness(freshness: Freshness): void {
  say(byId("link-state", HTMLSpanElement), linkText(freshness));
  say(byId("link-news", HTMLSpanElement), newsText(freshness));
  say(byId("trouble", HTMLDivElement), troubleText(freshness));
  document.body.dataset["stream"] = freshness.link === "live" ? "live" : "polling";
  document.body.dataset["link"] = freshness.link;
  document.body.dataset["state"] = freshness.trouble === null ? "live" : "stale";
}

/** Say on every screen, in both languages, that the records are no real incidents. */
export function writeBanner(mode: Mode | null): void {
  const words = { exercise: "EXERCISE 演習", test: "TEST 測試", actual: "" }[mode ?? "actual"];
  say(byId("banner", HTMLDivElement), words);
  document.body.dataset["mode"] = mode ?? "";
  const marked = words === "" ? "" : `[${words}] `;
  document.title = `${marked}${t("title")}`;
  if (mode !== null) byId("mode", HTMLSelectElement).setAttribute("title", modeName(mode));
}
