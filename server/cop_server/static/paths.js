/** The API as a list to read, from the server's own OpenAPI document. */

import { element, read, root, say } from "./common.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** A part of the document; `$ref` is followed inside it. */
function resolved(whole, part) {
  if (!part.$ref) return part;
  return part.$ref.slice(2).split("/").reduce((found, name) => found[name.replaceAll("~1", "/")], whole);
}

/** A parameter's type in a few words: `integer 1–10000`, `one of json, html`. */
function typeOf(schema = {}) {
  if (schema.enum) return say(`one of ${schema.enum.join(", ")}`, `${schema.enum.join("、")} 之一`);
  const range = schema.minimum !== undefined ? ` ${schema.minimum}–${schema.maximum ?? ""}` : "";
  const initial = schema.default !== undefined ? say(`, else ${schema.default}`, `，預設 ${schema.default}`) : "";
  return `${schema.type ?? ""}${schema.format ? ` ${schema.format}` : ""}${range}${initial}`;
}

function row(cells, name) {
  const made = element("tr");
  made.append(...cells.map((text) => element(name, "", text)));
  return made;
}

function parameterTable(parameters) {
  const table = element("table");
  const head = element("thead");
  head.append(row([say("Parameter", "參數"), say("Type", "類型"), say("Meaning", "意義")], "th"));
  const body = element("tbody");
  for (const one of parameters) {
    body.append(row([one.name, typeOf(one.schema), one.description ?? ""], "td"));
  }
  table.append(head, body);
  return table;
}

function parametersOf(whole, item, operation) {
  const all = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
  return all.map((part) => resolved(whole, part));
}

/** The path as a link where it has no parts to fill in, else as text. */
function pathName(path) {
  if (path.includes("{")) return element("code", "", path);
  const link = element("a");
  link.href = `${root}${path}?f=json`;
  link.append(element("code", "", path));
  return link;
}

function operationOf(whole, path, item, method) {
  const operation = item[method];
  const made = element("div", "path");
  const line = element("p");
  line.append(element("span", "method", method.toUpperCase()), " ", pathName(path));
  made.append(line, element("p", "", operation.summary ?? ""));
  const parameters = parametersOf(whole, item, operation);
  if (parameters.length > 0) {
    const more = element("details");
    more.append(element("summary", "", say(`${parameters.length} parameters`, `${parameters.length} 個參數`)));
    more.append(parameterTable(parameters));
    made.append(more);
  }
  return made;
}

/** The operations by tag, in the document's order of tags. */
function byTag(whole) {
  const groups = new Map((whole.tags ?? []).map((tag) => [tag.name, { tag, operations: [] }]));
  for (const [path, item] of Object.entries(whole.paths)) {
    for (const method of METHODS.filter((name) => name in item)) {
      const name = item[method].tags?.[0] ?? "";
      if (!groups.has(name)) groups.set(name, { tag: { name }, operations: [] });
      groups.get(name).operations.push(operationOf(whole, path, item, method));
    }
  }
  return [...groups.values()].filter(({ operations }) => operations.length > 0);
}

function section({ tag, operations }, open) {
  const made = element("details");
  made.open = open;
  const summary = element("summary", "", tag.description ?? tag.name);
  summary.append(element("span", "muted", ` ${tag.name} · ${operations.length}`));
  made.append(summary, ...operations);
  return made;
}

async function show() {
  const list = document.getElementById("paths");
  try {
    const whole = await read("/openapi");
    list.replaceChildren(...byTag(whole).map((group, place) => section(group, place === 0)));
  } catch {
    list.replaceChildren(element("p", "empty", say("The document could not be read.", "未能讀取文件。")));
  }
}

await show();
