/**
 * The moment that the picture shows: ages, what is overdue and "the last 24 hours" are told from it.
 *
 * It is the chosen moment of an earlier state, else the clock of the exercise, else the clock of this machine.
 */

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const HONG_KONG_OFFSET = 8 * HOUR;

let shown: Date | null = null;

/** Choose the moment; `null` is the clock of this machine, which goes on. */
export function setPictureTime(at: Date | null): void {
  shown = at;
}

export function pictureTime(): Date {
  return shown ?? new Date();
}

/** The last full quarter of an hour: questions that begin there are asked alike by everyone, so answers can be kept. */
export function quarter(at: Date): Date {
  return new Date(Math.floor(at.getTime() / (15 * MINUTE)) * 15 * MINUTE);
}

/** RFC 3339 in UTC, to the second. */
export function asInstant(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

/** A time of the address or of a date field; `null` where it is none. */
export function readInstant(text: string | null): Date | null {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : new Date(at);
}

/** Hong Kong's date and time as a date field holds them: `2025-09-24T03:00`. */
export function asFieldValue(at: Date): string {
  return new Date(at.getTime() + HONG_KONG_OFFSET).toISOString().slice(0, 16);
}

/** What a date field holds, taken as Hong Kong's time, whatever zone the browser lives in. */
export function fromFieldValue(value: string): Date | null {
  return readInstant(value === "" ? null : `${value}+08:00`);
}
