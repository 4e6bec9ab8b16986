/**
 * A sound for each new major case, for whoever asked for it: off until the switch is clicked, which is also what lets the
 * browser play it. What was a major case before is known and silent; each case sounds once, and in a hidden tab too.
 */

import { fetchRegister, type Feature } from "./api";
import { eitherLanguage, wordsElement } from "./details";
import { byId, el } from "./dom";
import { ACTIVE } from "./filters";
import { t } from "./i18n";
import { INCIDENTS } from "./incidents";
import { readerKey, session } from "./session";
import type { Mode } from "./view";

const MAJOR = `major = TRUE AND duplicate_of IS NULL AND status IN (${ACTIVE.map((status) => `'${status}'`).join(",")})`;
const MOST = 1000;
const SHOWN = 3;
/** Three pulses of two tones: hertz, and seconds from the beginning. */
const TONES = [880, 660, 880, 660, 880, 660] as const;
const TONE_S = 0.18;

export class Alarm {
  #sound: AudioContext | null = null;
  /** The cases that are no news, of one mode as one reader sees it. */
  #known = new Set<string>();
  #knownOf = "";
  #rung = 0;
  /** What stands in the bar. */
  #announced: readonly Feature[] = [];
  #checking = false;
  #again = false;

  constructor(private readonly onOpen: (id: string) => void) {}

  get on(): boolean {
    return this.#sound !== null;
  }

  /** Switch on or off, at a click. Throws ServerTrouble where the cases that there are could not be read. */
  async toggle(mode: Mode | null): Promise<void> {
    if (this.#sound !== null) {
      await this.#sound.close();
      this.#sound = null;
      this.#knownOf = "";
    } else {
      this.#sound = new AudioContext();
      await this.#sound.resume();
      this.#play([660]);
      if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
      if (mode !== null) await this.check(mode);
    }
    this.write();
  }

  /** Look for new major cases; what there is at the first look is none. */
  async check(mode: Mode): Promise<void> {
    if (this.#sound === null) return;
    if (this.#checking) {
      this.#again = true;
      return;
    }
    this.#checking = true;
    try {
      await this.#look(mode);
    } finally {
      this.#checking = false;
    }
    if (!this.#again) return;
    this.#again = false;
    await this.check(mode);
  }

  async #look(mode: Mode): Promise<void> {
    const of = `${mode} ${readerKey(session())}`;
    const { features } = await fetchRegister({ mode, asof: null }, INCIDENTS, { limit: MOST, cql2: MAJOR, sortby: "-reported_at", properties: "title_en,title_zh" });
    const fresh = of === this.#knownOf ? features.filter(({ id }) => !this.#known.has(id)) : [];
    if (of !== this.#knownOf) this.#known = new Set();
    this.#knownOf = of;
    for (const { id } of features) this.#known.add(id);
    document.body.dataset["alarm"] = String(this.#known.size);
    if (fresh.length > 0) this.#ring(fresh);
  }

  #ring(fresh: readonly Feature[]): void {
    this.#play(TONES);
    this.#rung += fresh.length;
    document.body.dataset["rung"] = String(this.#rung);
    document.body.dataset["sound"] = this.#sound?.state ?? "none";
    this.#announce(fresh);
    if ("Notification" in window && Notification.permission === "granted" && document.hidden) {
      const [first] = fresh;
      if (first !== undefined) new Notification(t("alarmTitle"), { body: eitherLanguage(first.properties, "title").text || first.id, tag: first.id });
    }
  }

  #play(tones: readonly number[]): void {
    const sound = this.#sound;
    if (sound === null) return;
    const volume = sound.createGain();
    volume.gain.value = 0.25;
    volume.connect(sound.destination);
    tones.forEach((hertz, at) => {
      const tone = sound.createOscillator();
      tone.frequency.value = hertz;
      tone.connect(volume);
      tone.start(sound.currentTime + at * TONE_S);
      tone.stop(sound.currentTime + (at + 0.8) * TONE_S);
    });
  }

  /** What stands there until somebody closes it is also read out. */
  #announce(fresh: readonly Feature[]): void {
    this.#announced = fresh;
    const place = byId("alarm", HTMLDivElement);
    if (fresh.length === 0) {
      place.hidden = true;
      return;
    }
    const close = el("button", { type: "button", class: "close", "aria-label": t("close"), title: t("close") }, "×");
    const lines = fresh.slice(0, SHOWN).map((feature) => {
      const title = eitherLanguage(feature.properties, "title");
      const open = el("button", { type: "button", class: "link", "data-id": feature.id }, wordsElement("span", title.text === "" ? { text: feature.id, lang: null } : title));
      open.addEventListener("click", () => this.onOpen(feature.id));
      return el("li", {}, open);
    });
    const more = fresh.length > SHOWN ? el("li", {}, t("alarmMore", { n: String(fresh.length - SHOWN) })) : null;
    place.replaceChildren(close, el("strong", {}, t("alarmTitle")), el("ul", {}, ...lines, more));
    close.addEventListener("click", () => this.#announce([]));
    place.hidden = false;
  }

  /** Write the switch, and the bar in the chosen language. */
  write(): void {
    this.#announce(this.#announced);
    const button = byId("sound", HTMLButtonElement);
    button.setAttribute("aria-pressed", String(this.on));
    button.textContent = t(this.on ? "soundOn" : "soundOff");
    button.title = t("soundWhy");
  }
}
