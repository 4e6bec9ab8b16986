/** What the page shows, kept in its address: a copied link shows the same picture. The map's position is the hash. */

import { FACETS, isPeriod, type FacetName, type Facets, type Period } from "./filters";
import type { Language } from "./i18n";
import { asInstant, readInstant } from "./time";

export type Mode = "actual" | "exercise" | "test";
export type Theme = "light" | "dark";
export type Tab = "list" | "counts" | "departments" | "sources" | "inbox" | "shift";
export const TABS: readonly Tab[] = ["list", "counts", "departments", "sources", "inbox", "shift"];

/** A layer that is switched on, with its opacity from 0 to 1. */
export interface Shown {
  readonly id: string;
  readonly opacity: number;
}

export interface View {
  language: Language;
  theme: Theme;
  /** `null`: the one that goes with the theme. */
  basemap: string | null;
  /** `null` until the server has said its default. */
  mode: Mode | null;
  major: boolean;
  active: boolean;
  period: Period;
  facets: Facets;
  /** What was known at that moment; `null` is now. */
  asof: Date | null;
  /** The layers that are switched on, the first at the bottom. */
  layers: readonly Shown[];
  /** Groups of the layer tree that stand open. */
  groups: readonly string[];
  /** Districts are coloured by the number of incidents. */
  districts: boolean;
  tab: Tab;
}

export const DEFAULT_PERIOD: Period = "24h";

export function isMode(value: unknown): value is Mode {
  return value === "actual" || value === "exercise" || value === "test";
}

export function isTab(value: unknown): value is Tab {
  return TABS.some((tab) => tab === value);
}

function preferredLanguage(): Language {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function preferredTheme(): Theme {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function list(text: string | null): string[] {
  return (text ?? "").split(",").filter((part) => part !== "");
}

/** `hospitals:60` is the layer hospitals at 60 per cent. */
function readShown(text: string): Shown {
  const [id = "", percent] = text.split(":");
  const given = percent === undefined ? 100 : Number(percent);
  return { id, opacity: given >= 0 && given <= 100 ? given / 100 : 1 };
}

function writeShown({ id, opacity }: Shown): string {
  const percent = Math.round(opacity * 100);
  return encodeURIComponent(id) + (percent === 100 ? "" : `:${percent}`);
}

function readFacets(address: URLSearchParams): Facets {
  const one = (name: FacetName): string | null => address.get(name) || null;
  return {
    district: one("district"),
    category: one("category"),
    department: one("department"),
    status: one("status"),
  };
}

/** Read the view from the address; what it does not say follows the browser's settings. */
export function readView(): View {
  const address = new URLSearchParams(location.search);
  const language = address.get("lang");
  const theme = address.get("theme");
  const mode = address.get("mode");
  const period = address.get("period");
  const tab = address.get("tab");
  return {
    language: language === "en" || language === "zh" ? language : preferredLanguage(),
    theme: theme === "light" || theme === "dark" ? theme : preferredTheme(),
    basemap: address.get("basemap"),
    mode: isMode(mode) ? mode : null,
    major: address.get("major") === "true",
    active: address.get("active") === "true",
    period: isPeriod(period) ? period : DEFAULT_PERIOD,
    facets: readFacets(address),
    asof: readInstant(address.get("asof")),
    layers: list(address.get("layers")).map(readShown),
    groups: list(address.get("groups")),
    districts: address.get("districts") === "true",
    tab: isTab(tab) ? tab : "list",
  };
}

/** Write the view to the address without a step in the history. */
export function writeView(view: View): void {
  const address = new URLSearchParams({ lang: view.language, theme: view.theme });
  const put = (name: string, value: string | null | false): void => {
    if (value !== null && value !== false) address.set(name, value);
  };
  put("basemap", view.basemap);
  put("mode", view.mode);
  put("major", view.major && "true");
  put("active", view.active && "true");
  put("period", view.period !== DEFAULT_PERIOD && view.period);
  for (const name of FACETS) put(name, view.facets[name]);
  put("asof", view.asof === null ? null : asInstant(view.asof));
  put("districts", view.districts && "true");
  put("tab", view.tab !== "list" && view.tab);
  // Commas stay readable in these two.
  const lists = [
    ["layers", view.layers.map(writeShown)],
    ["groups", view.groups.map(encodeURIComponent)],
  ] as const;
  const listed = lists.map(([name, parts]) => (parts.length > 0 ? `&${name}=${parts.join(",")}` : "")).join("");
  history.replaceState(history.state, "", `${location.pathname}?${address}${listed}${location.hash}`);
}
