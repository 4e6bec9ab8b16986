/** What the page shows, kept in its address: a copied link shows the same picture. The map's position is the hash. */

import type { Language } from "./i18n";

export type Mode = "actual" | "exercise" | "test";
export type Theme = "light" | "dark";

export interface View {
  language: Language;
  theme: Theme;
  /** `null` until the server has said its default. */
  mode: Mode | null;
  major: boolean;
  active: boolean;
  /** Ids of the layers that are switched on. */
  layers: string[];
}

export function isMode(value: unknown): value is Mode {
  return value === "actual" || value === "exercise" || value === "test";
}

function preferredLanguage(): Language {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function preferredTheme(): Theme {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Read the view from the address; what it does not say follows the browser's settings. */
export function readView(): View {
  const address = new URLSearchParams(location.search);
  const language = address.get("lang");
  const theme = address.get("theme");
  const mode = address.get("mode");
  return {
    language: language === "en" || language === "zh" ? language : preferredLanguage(),
    theme: theme === "light" || theme === "dark" ? theme : preferredTheme(),
    mode: isMode(mode) ? mode : null,
    major: address.get("major") === "true",
    active: address.get("active") === "true",
    layers: (address.get("layers") ?? "").split(",").filter((id) => id !== ""),
  };
}

/** Write the view to the address without a step in the history. */
export function writeView(view: View): void {
  const address = new URLSearchParams({ lang: view.language, theme: view.theme });
  if (view.mode !== null) address.set("mode", view.mode);
  if (view.major) address.set("major", "true");
  if (view.active) address.set("active", "true");
  const layers = view.layers.length > 0 ? `&layers=${view.layers.map(encodeURIComponent).join(",")}` : "";
  history.replaceState(history.state, "", `${location.pathname}?${address}${layers}${location.hash}`);
}
