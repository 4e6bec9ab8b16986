/** Words, numbers and times in English and Traditional Chinese; times are Hong Kong's. */

import { TEXTS, type TextKey } from "./texts";
import { pictureTime } from "./time";

export type Language = "en" | "zh";

/** One text in both languages. */
export interface Bilingual {
  readonly en: string;
  readonly zh: string;
}

const HONG_KONG = "Asia/Hong_Kong";
const LOCALE = { en: "en-GB", zh: "zh-Hant-HK" } as const;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let language: Language = "en";

export function currentLanguage(): Language {
  return language;
}

export function otherLanguage(): Language {
  return language === "en" ? "zh" : "en";
}

/** Choose the language of everything that is written from now on. */
export function setLanguage(chosen: Language): void {
  language = chosen;
  document.documentElement.lang = languageTag(chosen);
}

/** The BCP 47 tag, for `lang` attributes. */
export function languageTag(of: Language): string {
  return of === "en" ? "en" : "zh-Hant";
}

/** A text of the page, with `{name}` replaced by the values. */
export function t(key: TextKey, values: Readonly<Record<string, string>> = {}): string {
  return TEXTS[key][language].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The chosen language of a bilingual text, or the other where the chosen one is empty. */
export function pick(text: Bilingual): string {
  return text[language] || text[otherLanguage()];
}

/** Write every `data-text` and `data-label` of index.html in the chosen language. */
export function writeStaticTexts(): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-text]")) {
    element.textContent = t(element.dataset["text"] as TextKey);
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset["label"] as TextKey));
  }
}

export function number(value: number): string {
  return new Intl.NumberFormat(LOCALE[language], { maximumFractionDigits: 2 }).format(value);
}

function format(at: Date, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(LOCALE[language], {
    timeZone: HONG_KONG,
    hourCycle: "h23",
    ...options,
  }).format(at);
}

/** Hour, minute and second in Hong Kong, with the zone said: `14:03:12 HKT`. */
export function clock(at: Date): string {
  return t("hongKongTime", { time: format(at, { hour: "2-digit", minute: "2-digit", second: "2-digit" }) });
}

/** Date and time in Hong Kong; the year only where it is not this year's. */
export function dateTime(at: Date): string {
  const sameYear = format(at, { year: "numeric" }) === format(pictureTime(), { year: "numeric" });
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
  return format(at, { ...day, ...(sameYear ? {} : { year: "numeric" }), hour: "2-digit", minute: "2-digit" });
}

/** Date, time and zone in full, for a record's details. */
export function fullDateTime(at: Date): string {
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
  return t("hongKongTime", { time: format(at, { ...day, hour: "2-digit", minute: "2-digit" }) });
}

/** Hour and minute in Hong Kong. */
export function hourOf(at: Date): string {
  return format(at, { hour: "2-digit", minute: "2-digit" });
}

/** A moment as an officer says it: `03:00 HKT, 24 Sep 2025`. */
export function moment(at: Date): string {
  return t("momentWords", { time: hourOf(at), day: day(at) });
}

export function day(at: Date): string {
  return format(at, { day: "numeric", month: "short", year: "numeric" });
}

/** A length of time in its largest unit. */
export function duration(seconds: number): string {
  if (seconds < 90) return t("lengthSeconds", { n: number(Math.max(0, Math.round(seconds))) });
  if (seconds < 90 * 60) return t("lengthMinutes", { n: number(Math.round(seconds / 60)) });
  if (seconds < 48 * 3600) return t("lengthHours", { n: number(Math.round(seconds / 3600)) });
  return t("lengthDays", { n: number(Math.round(seconds / 86_400)) });
}

/** How long ago, in words, for anything within a day; empty beyond that, and for the future. */
export function age(at: Date, now: Date = pictureTime()): string {
  const passed = now.getTime() - at.getTime();
  if (passed < 0 || passed >= 24 * HOUR) return "";
  if (passed < MINUTE) return t("justNow");
  if (passed < HOUR) return t("minutesAgo", { n: number(Math.floor(passed / MINUTE)) });
  return t("hoursAgo", { n: number(Math.floor(passed / HOUR)) });
}
