/** The choice of the basemap. */

import type { BasemapInfo } from "./catalogue";
import { el } from "./dom";
import { pick } from "./i18n";

/** Offer the server's basemaps; until they are known, the one that is drawn. */
export function writeBasemaps(choice: HTMLSelectElement, offered: readonly BasemapInfo[], chosen: string): void {
  const known = offered.some(({ id }) => id === chosen);
  const options = offered.map(({ id, title }) => el("option", { value: id }, pick(title)));
  choice.replaceChildren(...(known ? [] : [el("option", { value: chosen }, chosen)]), ...options);
  choice.value = chosen;
}
