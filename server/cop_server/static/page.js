/** What every page does: it says the mode, keeps the address's question in its links, and offers addresses to copy. */

import { element, mode, read, root, say } from "./common.js";

const BANNERS = {
  exercise: "EXERCISE 演習",
  test: "TEST 測試",
  unknown: say("MODE UNKNOWN: the server does not answer", "模式不明：伺服器沒有回應"),
};

/** The banner of a mode; actual records need none. */
function writeBanner(shown) {
  const banner = document.getElementById("mode");
  banner.hidden = !(shown in BANNERS);
  banner.dataset.mode = shown;
  banner.textContent = BANNERS[shown] ?? "";
}

async function showMode() {
  try {
    writeBanner((await read("/")).cop.mode);
  } catch {
    writeBanner("unknown");
  }
}

/** Links marked `data-keep` ask the address's question again, with what they change; a walk starts anew. */
function keepQuestion() {
  for (const link of document.querySelectorAll("a[data-keep]")) {
    const question = new URLSearchParams(location.search);
    const changed = new URLSearchParams(link.getAttribute("href"));
    if (changed.has("limit")) question.delete("offset");
    for (const [name, value] of changed) question.set(name, value);
    link.setAttribute("href", `?${question}`);
  }
}

/** A mode, once asked for, stays while one walks from page to page. */
function keepMode() {
  if (mode === null) return;
  for (const link of document.querySelectorAll("a[href]")) {
    const to = new URL(link.href);
    const page = to.searchParams.get("f") === "html" || to.pathname === `${root}/map` || "mode" in link.dataset;
    if (to.origin !== location.origin || !page || to.searchParams.has("mode")) continue;
    to.searchParams.set("mode", mode);
    link.href = to.pathname + to.search + to.hash;
  }
}

/** The form shows what the address asks, and keeps the parameters that it has no field for. */
function fillQuestion() {
  const form = document.querySelector("form[data-question]");
  if (form === null) return;
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name === "offset" || name === "f" || name === "lang") continue;
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = value;
    else form.append(hidden(name, value));
  }
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

function hidden(name, value) {
  const field = element("input");
  Object.assign(field, { type: "hidden", name, value });
  return field;
}

function markLimit() {
  const limit = new URLSearchParams(location.search).get("limit") ?? "10";
  for (const link of document.querySelectorAll(`[data-limit="${CSS.escape(limit)}"]`)) {
    link.setAttribute("aria-current", "true");
  }
}

/** Copy a text; where the browser forbids it (no https), mark the text so that one key press does. */
async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = say("Copied", "已複製");
    setTimeout(() => (button.textContent = say("Copy", "複製")), 2000);
  } catch {
    getSelection().selectAllChildren(code);
  }
}

/** Addresses get a button beside them; those that a script adds later ask for theirs by this event. */
function offerCopies() {
  for (const code of document.querySelectorAll(".address dd > code[data-copy]")) {
    const row = element("div", "copyable");
    const button = element("button", "", say("Copy", "複製"));
    button.type = "button";
    button.addEventListener("click", () => void copy(code, button));
    code.replaceWith(row);
    row.append(code, button);
  }
}

keepQuestion();
keepMode();
fillQuestion();
markLimit();
offerCopies();
document.addEventListener("addresses", offerCopies);
void showMode();
