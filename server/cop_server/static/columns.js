/** Fills in from a collection's JSON what the templates are not given: titles of columns, codes, times, its facts. */

import { element, enrich, hongKong, lang, pick, read, say } from "./common.js";

const PROVENANCE = {
  exercise: { en: "exercise stand-in", zh: "演習替代資料" },
  none: { en: "no data yet", zh: "暫無資料" },
};
const LOOKS = { exercise: "exercise", none: "missing" };

/** A column that every layer has beside those of its file. */
const PROVENANCE_COLUMN = {
  name: "provenance",
  type: "code",
  title: { en: "Record is", zh: "記錄屬" },
  unit: null,
  codes: { real: { en: "real", zh: "真實" }, exercise: { en: "exercise", zh: "演習" } },
};

const documents = new Map();

/** A collection's document; asked for once. */
function collection(id) {
  if (!documents.has(id)) documents.set(id, read(`/collections/${encodeURIComponent(id)}`, { lang }));
  return documents.get(id);
}

/** What is to be said of a collection's records; of a register the mode says it, in the banner. */
function stateOf(told) {
  if (told.loaded === null) return "none";
  return told.kind === "register" ? null : told.provenance;
}

/** A badge where records are not real, or are not there. */
function writeMarks(place, told) {
  const state = stateOf(told);
  if (state in PROVENANCE) place.append(element("span", `mark ${LOOKS[state]}`, pick(PROVENANCE[state])));
}

async function markAll() {
  const places = [...document.querySelectorAll("[data-marks]")];
  if (places.length > 1) {
    const all = await read("/collections", { lang });
    for (const told of all.collections) documents.set(told.id, told);
  }
  for (const place of places) writeMarks(place, (await collection(place.dataset.marks)).cop);
}

/** Say which of a collection's sources are late, stale or down, beneath the page's title: its counts lack what these bring. */
async function writeCaveat(place) {
  const { feeds } = (await collection(place.dataset.marks)).cop;
  if (feeds.length === 0) return;
  const asof = new URLSearchParams(location.search).get("asof");
  const question = { filter: "state IN ('late','stale','down')", limit: "200", ...(asof === null ? {} : { asof }) };
  const { features } = await read("/collections/feeds/items", question);
  const bad = features.filter(({ properties }) => feeds.some(({ id }) => id === properties.source_ref));
  if (bad.length === 0) return;
  const state = (await collection("feeds")).cop.columns.find(({ name }) => name === "state");
  const names = bad.map(({ properties: one }) => `${one[`title_${lang}`] || one.title_en} (${pick(state.codes[one.state])})`);
  const words = say("What it would have brought is not counted here.", "其應提供的資料並不計算在內。");
  const told = element("p", "caveat", `${say("Caveat: ", "注意：")}${names.join(say(", ", "、"))}${say(". ", "。")}${words}`);
  told.setAttribute("role", "note");
  place.closest("h1").after(told);
}

function titleHeading(heading, column) {
  const unit = column.unit ? ` (${column.unit})` : "";
  heading.prepend(element("span", "titled", pick(column.title) + unit));
}

function titleRow(row, column) {
  row.querySelector(".title").textContent = pick(column.title);
  const codes = row.querySelector(".codes");
  if (column.codes && codes.querySelector("ul") === null) codes.append(codeList(column.codes));
}

function codeList(codes) {
  const list = element("ul", "codes");
  for (const [code, title] of Object.entries(codes)) {
    const line = element("li");
    line.append(element("code", "", code), ` ${pick(title)}`);
    list.append(line);
  }
  return list;
}

/** Say a cell's value for people: a code by its title, a time in Hong Kong's; the stored value stays in the tip. */
function sayCell(cell, column) {
  const stored = cell.textContent.trim();
  if (column.codes?.[stored]) cell.textContent = pick(column.codes[stored]);
  else if (column.type === "time") cell.textContent = hongKong(stored);
  else if (column.type === "number" || column.type === "integer") cell.classList.add("number");
  if (cell.textContent !== stored) cell.title = stored;
}

async function fillColumns(part) {
  const { columns } = (await collection(part.dataset.columns)).cop;
  for (const column of [...columns, PROVENANCE_COLUMN]) {
    const name = CSS.escape(column.name);
    for (const place of part.querySelectorAll(`[data-column="${name}"]`)) {
      if (place.tagName === "TR") titleRow(place, column);
      else titleHeading(place, column);
    }
    for (const cell of part.querySelectorAll(`[data-of="${name}"]`)) sayCell(cell, column);
  }
}

function linked(link) {
  const made = element("a", "", link.title || link.href);
  made.href = link.href;
  made.rel = "noopener noreferrer";
  return made;
}

function provenanceOf(told) {
  const state = stateOf(told);
  if (state === "real") return say("real", "真實");
  return state === "exercise" ? pick(PROVENANCE.exercise) : null;
}

/** A collection's facts as pairs of a word and a text or element; facts that are not known are left out. */
function factsOf(told) {
  const { cop, extent } = told;
  const licence = told.links.find((link) => link.rel === "license");
  const [from, to] = extent.temporal?.interval[0] ?? [null, null];
  return [
    [say("Department", "部門"), cop.department],
    [say("Source", "來源"), told.attribution],
    [say("Data set", "數據集"), `${cop.source.dataset} (${cop.source.cadence})`],
    [say("Licence", "授權條款"), licence && linked(licence)],
    [say("Records are", "記錄屬"), provenanceOf(cop)],
    [say("Loaded", "載入時間"), cop.loaded ? hongKong(cop.loaded) : pick(PROVENANCE.none)],
    [say("Geometry", "幾何"), cop.geometry],
    [say("Area", "範圍"), extent.spatial.bbox[0].join(", ")],
    [say("Time", "時間"), from || to ? `${from ? hongKong(from) : "…"} – ${to ? hongKong(to) : "…"}` : null],
  ].filter(([, fact]) => fact);
}

async function fillFacts(list) {
  const told = await collection(list.dataset.facts);
  const there = new Set([...list.querySelectorAll("dt")].map((word) => word.textContent));
  for (const [word, fact] of factsOf(told)) {
    if (there.has(word)) continue;
    const said = element("dd");
    said.append(fact);
    list.append(element("dt", "", word), said);
  }
}

await enrich(markAll);
for (const place of document.querySelectorAll("h1 [data-marks]")) await enrich(() => writeCaveat(place));
for (const part of document.querySelectorAll("[data-columns]")) await enrich(() => fillColumns(part));
for (const list of document.querySelectorAll("[data-facts]")) await enrich(() => fillFacts(list));
