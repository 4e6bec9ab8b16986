/** Draws features over a still picture of the basemap: enough to see where they are, and one click from the map. */

import { element, enrich, lang, mode, read, root, say } from "./common.js";

const WIDTH = 800;
const HEIGHT = 560;
const MARGIN = 0.94; // the part of the picture that the features may fill
const ZOOMS = [8, 17]; // of 256-pixel tiles; the basemap reaches no farther
const SMALLEST = 6; // pixels
const EARTH = 20037508.342789244; // half the width of the world in Web Mercator's metres
const SVG = "http://www.w3.org/2000/svg";
const SAMPLE = { Point: 500, MultiPoint: 500, LineString: 200, MultiLineString: 200, Geometry: 200 };
const SAMPLE_OF_AREAS = 20; // their outlines are long

/** Longitude and latitude as a place in the unit square of Web Mercator, x east and y south. */
function project([lon, lat]) {
  const sine = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

/** The geometry's parts as lists of projected places, each with its kind. */
function parts(geometry) {
  const line = (places) => places.map(project);
  switch (geometry?.type) {
    case "Point": return [{ kind: "point", rings: [[project(geometry.coordinates)]] }];
    case "MultiPoint": return geometry.coordinates.map((at) => ({ kind: "point", rings: [[project(at)]] }));
    case "LineString": return [{ kind: "line", rings: [line(geometry.coordinates)] }];
    case "MultiLineString": return [{ kind: "line", rings: geometry.coordinates.map(line) }];
    case "Polygon": return [{ kind: "area", rings: geometry.coordinates.map(line) }];
    case "MultiPolygon": return geometry.coordinates.map((rings) => ({ kind: "area", rings: rings.map(line) }));
    case "GeometryCollection": return geometry.geometries.flatMap(parts);
    default: return [];
  }
}

/** The box around places: [west, north, east, south] in the unit square; null where there are none. */
function boxOf(places) {
  let box = null;
  for (const [x, y] of places) {
    box ??= [x, y, x, y];
    box = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
  }
  return box;
}

/** A view that holds the box at a zoom that the basemap was drawn at, so that its labels stay sharp. */
function viewOf(box) {
  const fits = (span, pixels) => Math.log2((pixels * MARGIN) / (256 * Math.max(span, 1e-9)));
  const wanted = Math.floor(Math.min(fits(box[2] - box[0], WIDTH), fits(box[3] - box[1], HEIGHT)));
  const zoom = Math.max(ZOOMS[0], Math.min(ZOOMS[1], wanted));
  const size = 256 * 2 ** zoom;
  const centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const corner = [centre[0] * size - WIDTH / 2, centre[1] * size - HEIGHT / 2];
  return { zoom, size, centre, place: ([x, y]) => [x * size - corner[0], y * size - corner[1]] };
}

/** The basemap under a view, by WMS in EPSG:3857. */
function basemap(view) {
  const metre = (value) => ((value * 2 - 1) * EARTH).toFixed(3);
  const [x, y] = view.centre;
  const [halfX, halfY] = [WIDTH / 2 / view.size, HEIGHT / 2 / view.size];
  const box = [metre(x - halfX), metre(1 - y - halfY), metre(x + halfX), metre(1 - y + halfY)];
  const question = new URLSearchParams({
    SERVICE: "WMS", VERSION: "1.1.1", REQUEST: "GetMap", STYLES: "", SRS: "EPSG:3857", FORMAT: "image/png",
    LAYERS: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
    BBOX: box.join(","), WIDTH: String(WIDTH), HEIGHT: String(HEIGHT),
  });
  const picture = element("img");
  picture.alt = "";
  picture.addEventListener("error", () => picture.remove());
  picture.src = `${root}/basemaps/service?${question}`;
  return picture;
}

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A ring as path data; places nearer than half a pixel to the last are left out. */
function pathOf(ring, view, closed) {
  let last = [Infinity, Infinity];
  let path = "";
  for (const place of ring) {
    const at = view.place(place);
    if (Math.hypot(at[0] - last[0], at[1] - last[1]) < 0.5) continue;
    path += `${path ? "L" : "M"}${at[0].toFixed(1)} ${at[1].toFixed(1)}`;
    last = at;
  }
  return closed ? `${path}Z` : path;
}

function dot(place, view) {
  const [cx, cy] = view.place(place);
  return svg("circle", { class: "shape point", cx: cx.toFixed(1), cy: cy.toFixed(1), r: "6" });
}

/** A part as a shape; what is too small to be seen at this zoom becomes a dot. */
function shape({ kind, rings }, view) {
  const [west, north, east, south] = boxOf(rings[0]);
  const small = Math.max(east - west, south - north) * view.size < SMALLEST;
  if (kind === "point" || small) return dot([(west + east) / 2, (north + south) / 2], view);
  const d = rings.map((ring) => pathOf(ring, view, kind === "area")).join("");
  return svg("path", { class: `shape ${kind}`, d, "fill-rule": "evenodd" });
}

/** A feature's shapes as a link to its page; the table has the same link for the keyboard. */
function drawing(feature, layer, view) {
  const question = new URLSearchParams({ f: "html", lang, ...(mode === null ? {} : { mode }) });
  const href = `${root}/collections/${layer}/items/${encodeURIComponent(feature.id)}?${question}`;
  const link = svg("a", { href, tabindex: "-1", "data-feature": feature.id });
  const tip = svg("title", {});
  tip.textContent = feature.properties?.[`title_${lang}`] ?? feature.properties?.[`name_${lang}`] ?? feature.id;
  link.append(tip, ...feature.parts.map((part) => shape(part, view)));
  return link;
}

/** A row under the pointer lights its shape, and a shape its row. */
function lightTogether() {
  for (const one of document.querySelectorAll("[data-feature]")) {
    const same = document.querySelectorAll(`[data-feature="${CSS.escape(one.dataset.feature)}"]`);
    const light = (on) => same.forEach((other) => other.classList.toggle("lit", on));
    one.addEventListener("pointerenter", () => light(true));
    one.addEventListener("pointerleave", () => light(false));
  }
}

/** Draw features, and the dashed box of a collection's area where one is given. */
function draw(figure, features, told, area = null) {
  const layer = figure.dataset.layer;
  const drawn = features.map((feature) => ({ ...feature, parts: parts(feature.geometry) }));
  const places = drawn.flatMap((feature) => feature.parts.flatMap((part) => part.rings.flat()));
  const box = boxOf(area ?? places);
  if (box === null) return;
  const view = viewOf(box);
  const overlay = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": told });
  if (area !== null) overlay.append(svg("path", { class: "shape extent", d: pathOf(area, view, true) }));
  overlay.append(...drawn.map((feature) => drawing(feature, layer, view)));
  figure.querySelector(".picture").replaceChildren(basemap(view), overlay);
  figure.querySelector(".told").textContent = told;
  aimAtMap(figure.querySelector(".to-map"), box, view);
  figure.hidden = false;
  lightTogether();
}

/** Open the map at the same place; its zooms count 512-pixel tiles. */
function aimAtMap(link, box, view) {
  const lon = ((box[0] + box[2]) / 2 - 0.5) * 360;
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - box[1] - box[3]))) * 180) / Math.PI;
  link.hash = `map=${view.zoom - 1}/${lat.toFixed(5)}/${lon.toFixed(5)}`;
}

/** The page's own question, for the JSON behind it in longitude and latitude. */
function samePage() {
  const question = Object.fromEntries(new URLSearchParams(location.search));
  for (const name of ["f", "crs", "properties", "skipGeometry"]) delete question[name];
  return read(location.pathname.slice(root.length), question);
}

async function sketchItem(figure) {
  const feature = await samePage();
  draw(figure, [feature], feature.geometry?.type ?? "");
}

async function sketchItems(figure) {
  const { features } = await samePage();
  const placed = features.filter((feature) => feature.geometry);
  const without = features.length - placed.length;
  const told = say(`${placed.length} on this page`, `本頁 ${placed.length} 項`);
  draw(figure, placed, without ? told + say(`; ${without} without a position`, `；${without} 項位置不詳`) : told);
}

async function sketchCollection(figure) {
  const layer = figure.dataset.layer;
  const collection = await read(`/collections/${layer}`, { lang });
  const [west, south, east, north] = collection.extent.spatial.bbox[0];
  const area = [[west, north], [east, north], [east, south], [west, south]].map(project);
  if (collection.itemType !== "feature") return draw(figure, [], say("Area of the data", "資料範圍"), area);
  const limit = SAMPLE[collection.cop.geometry] ?? SAMPLE_OF_AREAS;
  const { features, numberMatched } = await read(`/collections/${layer}/items`, { limit: String(limit) });
  const shown = features.filter((feature) => feature.geometry).length;
  const all = numberMatched.toLocaleString("en");
  draw(figure, features, say(`${shown} of ${all} items drawn`, `繪出 ${all} 項中的 ${shown} 項`), area);
}

const SKETCHES = { item: sketchItem, items: sketchItems, collection: sketchCollection };
for (const figure of document.querySelectorAll("[data-sketch]")) {
  await enrich(() => SKETCHES[figure.dataset.sketch](figure));
}
