/**
 * Changes as they come: one request that stays open. EventSource sends no header, so the answer of fetch is read as a
 * stream. What changed is asked for as always; the stream only says that it did.
 */

import { readInstant } from "./time";

const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30_000;
/** The server is never silent for longer than fifteen seconds; a connection that is has died without a word. */
const SILENCE_MS = 40_000;

/** What is followed: collections and mode; null where the picture is of the past. */
export type Followed = Readonly<Record<string, string>> | null;

export class ChangeStream {
  #followed = "";
  #last = "";
  #running: AbortController | null = null;
  #live = false;
  #since: Date | null = null;
  #news: Date | null = null;

  constructor(
    private readonly onChange: () => void,
    private readonly onState: () => void,
  ) {}

  /** Whether changes come by themselves. */
  get live(): boolean {
    return this.#live;
  }

  /** Since when they do not, where they did before. */
  get interruptedSince(): Date | null {
    return this.#since;
  }

  /** When the last change came. */
  get lastNews(): Date | null {
    return this.#news;
  }

  /** Follow these collections from a sequence number on; the same ones as before are followed already. */
  follow(followed: Followed, since: string | null): void {
    const wanted = followed === null ? "" : new URLSearchParams(followed).toString();
    if (wanted === this.#followed) return;
    this.#running?.abort();
    this.#running = null;
    this.#followed = wanted;
    this.#last = since ?? "";
    this.#say(false);
    this.#since = null;
    if (wanted === "") return;
    this.#running = new AbortController();
    void this.#run(wanted, this.#running.signal);
  }

  async #run(wanted: string, signal: AbortSignal): Promise<void> {
    let wait = RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#read(wanted, signal);
        wait = RETRY_MS;
      } catch {
        wait = Math.min(2 * wait, LONGEST_RETRY_MS);
      }
      if (signal.aborted) return;
      this.#say(false);
      await new Promise((go) => setTimeout(go, wait));
    }
  }

  async #read(wanted: string, signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.#last !== "") headers["Last-Event-ID"] = this.#last;
    const silence = new AbortController();
    const answer = await fetch(`/events?${wanted}`, {
      headers,
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!answer.ok || answer.body === null) {
      // A place that the server does not know (another reader's, or no longer kept): begin with the present.
      if (answer.status === 400 || answer.status === 410) this.#last = "";
      throw new Error(`events: ${answer.status}`);
    }
    this.#say(true);
    let rest = "";
    let clock = setTimeout(() => silence.abort(), SILENCE_MS);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(clock);
        clock = setTimeout(() => silence.abort(), SILENCE_MS);
        const frames = (rest + value).split("\n\n");
        rest = frames.pop() ?? "";
        this.#take(frames);
      }
    } finally {
      clearTimeout(clock);
    }
  }

  #take(frames: readonly string[]): void {
    let changed = false;
    let news = this.#news;
    for (const frame of frames) {
      const lines = frame.split("\n");
      const id = lines.find((line) => line.startsWith("id: "));
      if (id !== undefined) this.#last = id.slice(4);
      const data = lines.find((line) => line.startsWith("data: "));
      if (data === undefined) continue;
      if (lines.includes("event: stream")) this.#hear(data);
      else {
        changed = true;
        // When it changed, not when it came: the first answer may tell of what is long known.
        const at = readInstant(/"time":"([^"]+)"/.exec(data)?.[1] ?? null);
        if (at !== null && (news === null || at > news)) news = at;
      }
    }
    if (!changed) return;
    this.#news = news;
    this.onChange();
  }

  /** The server's word on the stream itself: while it does not hear its store, changes may come later. */
  #hear(data: string): void {
    if (/"type":"[^"]*interrupted"/.test(data)) this.#say(false);
    if (/"type":"[^"]*resumed"/.test(data)) this.#say(true);
  }

  #say(live: boolean): void {
    if (live === this.#live) return;
    this.#live = live;
    this.#since = live ? null : new Date();
    this.onState();
  }
}
