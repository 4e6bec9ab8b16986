/** The conformance classes that the API declares, by standard, each a link to its definition. */

import { element, read, say } from "./common.js";

const PART = /\/spec\/([^/]+)\/(.+)$/;

/** Classes by standard: `ogcapi-features-1` and so on, in alphabetical order. */
function byStandard(classes) {
  const groups = new Map();
  for (const address of [...classes].sort()) {
    const [, standard, name] = PART.exec(address) ?? [null, say("Other", "其他"), address];
    if (!groups.has(standard)) groups.set(standard, []);
    groups.get(standard).push({ address, name });
  }
  return groups;
}

function classLink({ address, name }) {
  const line = element("li");
  const link = element("a", "", name);
  link.href = address;
  link.rel = "noopener noreferrer";
  line.append(link);
  return line;
}

async function show() {
  const list = document.getElementById("classes");
  try {
    const { conformsTo } = await read("/conformance");
    list.replaceChildren();
    for (const [standard, classes] of byStandard(conformsTo)) {
      const lines = element("ul", "classes");
      lines.append(...classes.map(classLink));
      list.append(element("h2", "", standard), lines);
    }
  } catch {
    list.replaceChildren(element("p", "empty", say("The document could not be read.", "未能讀取文件。")));
  }
}

await show();
