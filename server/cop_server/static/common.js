/** What the pages' scripts share: where the server is, the page's language, how documents are read and words chosen. */

/** The path under which the server is published, without a slash at its end. */
export const root = document.body.dataset.root;

/** `en` or `zh`. */
export const lang = document.body.dataset.lang;

/** One text of two, in the page's language. */
export function say(en, zh) {
  return lang === "zh" ? zh : en;
}

/** A bilingual text of the catalogue; the other language where the page's own is empty. */
export function pick(text) {
  return text[lang] || text.en || text.zh;
}

/** The mode that the address asks for; null leaves it to the server. */
export const mode = new URLSearchParams(location.search).get("mode");

/** The server did not give a document. */
class Unread extends Error {}

/** A JSON document of this server at a path below the root; throws Unread where there is none. */
export async function read(path, parameters = {}) {
  const question = new URLSearchParams({ f: "json", ...parameters });
  if (mode !== null && !question.has("mode")) question.set("mode", mode);
  const answer = await fetch(`${root}${path}?${question}`).catch((cause) => {
    throw new Unread(path, { cause });
  });
  if (!answer.ok) throw new Unread(`${path}: ${answer.status}`);
  return answer.json();
}

/** Add to the page what a task reads; where the server does not answer, the page stays as it came. */
export async function enrich(task) {
  try {
    await task();
  } catch (trouble) {
    if (!(trouble instanceof Unread)) throw trouble;
  }
}

/** An element with a class and a text; texts never become markup. */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

const HONG_KONG = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "Asia/Hong_Kong",
  dateStyle: "short",
  timeStyle: "short",
});

/** A time stamp in Hong Kong's time: `2025-09-24 03:10 HKT`; other texts stay as they are. */
export function hongKong(text) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : `${HONG_KONG.format(at)} HKT`;
}
