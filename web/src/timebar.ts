/** The moment that the picture is of: now, or what was known at an earlier time of the kept history. */

import { byId, el } from "./dom";
import { moment, t } from "./i18n";
import { asFieldValue, fromFieldValue, HOUR, quarter } from "./time";
import type { Mode } from "./view";

const STEP = HOUR / 4;
const STEPS = 96;
const SETTLE_MS = 220;

export interface TimeContent {
  /** `null` is now. */
  readonly asof: Date | null;
  /** The newest moment that there is. */
  readonly now: Date;
  readonly mode: Mode | null;
}

function stepOf({ asof, now }: TimeContent): number {
  if (asof === null) return 0;
  return Math.min(STEPS, Math.max(0, Math.ceil((quarter(now).getTime() - asof.getTime()) / STEP) + (isQuarter(now) ? 0 : 1)));
}

function isQuarter(at: Date): boolean {
  return quarter(at).getTime() === at.getTime();
}

/** The moment of a step back from now; the first step back from 03:07 is 03:00. */
function momentOf(steps: number, now: Date): Date | null {
  if (steps <= 0) return null;
  const back = isQuarter(now) ? steps : steps - 1;
  return new Date(quarter(now).getTime() - back * STEP);
}

function words({ asof, now, mode }: TimeContent): string {
  if (asof !== null) return t("asKnownAt", { time: moment(asof) });
  return t(mode === "exercise" ? "nowExercise" : "nowLive", { time: moment(now) });
}

/** The bar below the map. */
export class TimeBar {
  readonly #onChoose: (asof: Date | null) => void;
  #content: TimeContent = { asof: null, now: new Date(), mode: null };
  #timer: number | undefined;

  constructor(onChoose: (asof: Date | null) => void) {
    this.#onChoose = onChoose;
    const slider = byId("time-slider", HTMLInputElement);
    slider.max = String(STEPS);
    slider.addEventListener("input", () => {
      const asof = momentOf(STEPS - Number(slider.value), this.#content.now);
      this.#say({ ...this.#content, asof });
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#onChoose(asof), SETTLE_MS);
    });
    const field = byId("time-field", HTMLInputElement);
    field.addEventListener("change", () => this.#choose(fromFieldValue(field.value)));
    const onClick = (id: string, act: () => void): void =>
      byId(id, HTMLButtonElement).addEventListener("click", act);
    onClick("time-now", () => this.#choose(null));
    onClick("time-back", () => this.#move(-HOUR));
    onClick("time-on", () => this.#move(HOUR));
  }

  #move(by: number): void {
    const { asof, now } = this.#content;
    const from = asof ?? now;
    this.#choose(new Date(from.getTime() + by));
  }

  /** What lies ahead is not known yet: that is now. */
  #choose(at: Date | null): void {
    clearTimeout(this.#timer);
    this.#onChoose(at === null || at.getTime() >= this.#content.now.getTime() ? null : at);
  }

  write(content: TimeContent): void {
    this.#content = content;
    const slider = byId("time-slider", HTMLInputElement);
    slider.value = String(STEPS - stepOf(content));
    const field = byId("time-field", HTMLInputElement);
    if (document.activeElement !== field) field.value = asFieldValue(content.asof ?? content.now);
    field.max = asFieldValue(content.now);
    this.#say(content);
  }

  #say(content: TimeContent): void {
    const said = words(content);
    byId("time-words", HTMLOutputElement).replaceChildren(el("strong", {}, said));
    byId("time-slider", HTMLInputElement).setAttribute("aria-valuetext", said);
    byId("time-now", HTMLButtonElement).disabled = content.asof === null;
    byId("time-on", HTMLButtonElement).disabled = content.asof === null;
    document.body.dataset["asof"] = content.asof === null ? "now" : "past";
  }
}
