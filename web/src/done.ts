/** A short word on what was done. */

import { byId, say } from "./dom";

let told: number | undefined;

/** Say for a while what was done. */
export function tellDone(words: string): void {
  const place = byId("done", HTMLDivElement);
  say(place, words);
  clearTimeout(told);
  told = setTimeout(() => say(place, ""), 6000);
}
