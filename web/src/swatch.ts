/** A legend's samples: a dot, a line or a patch in its paint, or the symbol that the map draws. */

import type { LegendEntry } from "./catalogue";
import { symbolElement } from "./symbols";
import type { Theme } from "./view";

const SVG = "http://www.w3.org/2000/svg";
const SMALLEST_LINE = 1.2;

function dashOf({ dash, width }: LegendEntry): Readonly<Record<string, string>> {
  return dash === null ? {} : { "stroke-dasharray": dash.map((part) => part * Math.max(width, 1)).join(" ") };
}

function shapeOf(entry: LegendEntry): readonly [string, Readonly<Record<string, string>>] {
  const { color, outline, width, radius, opacity, geometry } = entry;
  const stroke = String(Math.min(Math.max(width, SMALLEST_LINE), 5));
  if (geometry === "point") {
    const edge = outline ?? "#ffffff";
    const size = String(Math.min(Math.max(radius, 2.5), 6));
    return ["circle", { cx: "12", cy: "8", r: size, fill: color, "fill-opacity": String(opacity), stroke: edge }];
  }
  if (geometry === "line") {
    return ["path", { d: "M2 12 9 5 14 10 22 4", fill: "none", stroke: color, "stroke-width": stroke, ...dashOf(entry) }];
  }
  const box = { x: "2", y: "2", width: "20", height: "12", rx: "2" };
  const edge = { stroke: outline ?? color, "stroke-width": SMALLEST_LINE.toString(), ...dashOf(entry) };
  return ["rect", { ...box, fill: color, "fill-opacity": String(Math.max(opacity, 0.05)), ...edge }];
}

/** The paint as a small drawing; decoration, the words stand beside it. */
export function paintSample(entry: LegendEntry): Element {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 16");
  picture.setAttribute("class", "swatch");
  picture.setAttribute("aria-hidden", "true");
  const [tag, attributes] = shapeOf(entry);
  const shape = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  picture.append(shape);
  return picture;
}

/** What the map draws: the sprite's picture where it draws one, else the paint. */
export function swatch(entry: LegendEntry, theme: Theme): Element {
  const { image } = entry;
  return image === null ? paintSample(entry) : symbolElement(image, theme, () => paintSample(entry));
}
