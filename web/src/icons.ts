/**
 * The marks of incidents. The shape says the state (filled circle: active, diamond: major, hollow ring: completed)
 * and a pictogram the category, so the map reads without colour.
 */

import type { ExpressionSpecification, Map as MapLibre } from "maplibre-gl";
import type { Theme } from "./view";

export type State = "active" | "major" | "done";
export const STATES: readonly State[] = ["active", "major", "done"];

/** A drawing on a 24 by 24 grid. */
interface Pictogram {
  readonly fill?: string;
  readonly stroke?: string;
}

const PICTOGRAMS: Readonly<Record<string, Pictogram>> = {
  landslide: {
    fill: "M1.5 21.5V3L12 15.5 22.5 21.5ZM12.6 4a2.6 2.6 0 1 0 .01 0ZM18.4 10.6a2.3 2.3 0 1 0 .01 0Z",
  },
  road: {
    fill:
      "M3.5 19V12.5L6 6.2C6.3 5.4 7 5 7.8 5H16.2C17 5 17.7 5.4 18 6.2L20.5 12.5V19H17.5V17H6.5V19Z" +
      "M8 7.2 6.5 11.3H17.5L16 7.2ZM6 13.4V15H9V13.4ZM15 13.4V15H18V13.4Z",
  },
  flood: {
    stroke:
      "M2.5 7.5C4.5 5 7 5 9 7.5S13.5 10 15.5 7.5 19.5 5 21.5 7.5M2.5 13.2C4.5 10.7 7 10.7 9 13.2S13.5 15.7 15.5 13.2 19.5 10.7 21.5 13.2" +
      "M2.5 18.9C4.5 16.4 7 16.4 9 18.9S13.5 21.4 15.5 18.9 19.5 16.4 21.5 18.9",
  },
  building: {
    fill: "M5 2.5H19V21.5H14V17H10V21.5H5ZM8 5.5V8H10.5V5.5ZM13.5 5.5V8H16V5.5ZM8 10V12.5H10.5V10ZM13.5 10V12.5H16V10Z",
  },
  water_supply: {
    fill:
      "M9 3H16V5.2H13.8V7.2H17C19.8 7.2 21 9 21 11.5V13.5H17V12C17 11.3 16.7 11 16 11H4V7.2H11.2V5.2H9Z" +
      "M19 15.2C19 15.2 16.6 18 16.6 19.6A2.4 2.4 0 0 0 21.4 19.6C21.4 18 19 15.2 19 15.2Z",
  },
  fallen_tree: {
    fill: "M20.5 2.5 22.6 10.6 19.7 9.9 21 16 16.9 15 15.2 20.5 8.2 9.6 13.7 7.9 11.8 4.4 14.7 4.9Z",
    stroke: "M3 18.5 11.5 14.5",
  },
  rescue: {
    fill:
      "M12 2A10 10 0 1 0 12.01 2ZM12 8A4 4 0 1 1 11.99 8Z" +
      "M10.9 3.6H13.1V6.6H10.9ZM10.9 17.4H13.1V20.4H10.9ZM3.6 10.9H6.6V13.1H3.6ZM17.4 10.9H20.4V13.1H17.4Z",
  },
  dangerous_object: {
    fill: "M10 2.5H14L13.3 14.5H10.7ZM12 17A2.3 2.3 0 1 0 12.01 17Z",
  },
  other: {
    fill: "M5 9.6A2.4 2.4 0 1 0 5.01 9.6ZM12 9.6A2.4 2.4 0 1 0 12.01 9.6ZM19 9.6A2.4 2.4 0 1 0 19.01 9.6Z",
  },
};

interface Paint {
  readonly body: string;
  readonly edge: string;
  readonly sign: string;
}

const PAINTS: Readonly<Record<Theme, Readonly<Record<State, Paint>>>> = {
  light: {
    active: { body: "#f5a623", edge: "#5c3a00", sign: "#2b1b00" },
    major: { body: "#d7263d", edge: "#ffffff", sign: "#ffffff" },
    done: { body: "#ffffff", edge: "#6d7680", sign: "#59626b" },
  },
  dark: {
    active: { body: "#f5a623", edge: "#10161b", sign: "#1d1200" },
    major: { body: "#e5344b", edge: "#ffd9de", sign: "#ffffff" },
    done: { body: "#222b33", edge: "#8d99a5", sign: "#a9b4be" },
  },
};

const MARK_SIZE: Readonly<Record<State, number>> = { active: 26, major: 36, done: 20 };
const DOT_SIZE: Readonly<Record<State, number>> = { active: 9, major: 12, done: 8 };
const PIXEL_RATIO = 2;

/** The category's pictogram, or that of `other` for a category this page does not know. */
export function knownCategory(category: string): string {
  return category in PICTOGRAMS ? category : "other";
}

export function categories(): readonly string[] {
  return Object.keys(PICTOGRAMS);
}

function markName(category: string, state: State): string {
  return `mark-${category}-${state}`;
}

function dotName(state: State): string {
  return `dot-${state}`;
}

/** The name of a feature's mark, from expressions that give its category and its state. */
export function markExpression(
  category: ExpressionSpecification,
  state: ExpressionSpecification,
): ExpressionSpecification {
  return ["concat", "mark-", category, "-", state];
}

/** The name of a feature's dot, from an expression that gives its state. */
export function dotExpression(state: ExpressionSpecification): ExpressionSpecification {
  return ["concat", "dot-", state];
}

function outline(state: State, size: number, edge: number): Path2D {
  const path = new Path2D();
  const middle = size / 2;
  if (state === "major") {
    const reach = middle - edge;
    path.moveTo(middle, middle - reach);
    path.lineTo(middle + reach, middle);
    path.lineTo(middle, middle + reach);
    path.lineTo(middle - reach, middle);
    path.closePath();
  } else {
    path.arc(middle, middle, middle - edge, 0, 2 * Math.PI);
  }
  return path;
}

function drawSign(
  context: CanvasRenderingContext2D,
  sign: Pictogram,
  size: number,
  share: number,
  color: string,
): void {
  const scale = (size * share) / 24;
  context.translate(size / 2 - 12 * scale, size / 2 - 12 * scale);
  context.scale(scale, scale);
  context.fillStyle = color;
  context.strokeStyle = color;
  context.lineWidth = 2.6;
  context.lineCap = "round";
  if (sign.fill !== undefined) context.fill(new Path2D(sign.fill), "evenodd");
  if (sign.stroke !== undefined) context.stroke(new Path2D(sign.stroke));
}

/** Draw one mark on a canvas of its own, `size` CSS pixels square; without a category only the shape. */
function drawMark(state: State, theme: Theme, size: number, category: string | null): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = size * PIXEL_RATIO;
  canvas.height = size * PIXEL_RATIO;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no 2D canvas");
  const paint = PAINTS[theme][state];
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  const edge = category === null ? 1.2 : 1.8;
  const shape = outline(state, size, edge);
  context.fillStyle = paint.body;
  context.strokeStyle = paint.edge;
  context.lineJoin = "round";
  context.lineWidth = state === "done" ? edge * 1.2 : edge;
  context.fill(shape);
  context.stroke(shape);
  const sign = category === null ? undefined : PICTOGRAMS[category];
  if (sign !== undefined) drawSign(context, sign, size, state === "major" ? 0.46 : 0.6, paint.sign);
  return canvas;
}

/** A mark as a picture for the list and the legend; decoration, the words stand beside it. */
export function markElement(category: string, state: State, theme: Theme): HTMLCanvasElement {
  const canvas = drawMark(state, theme, MARK_SIZE[state], knownCategory(category));
  canvas.className = `mark mark-${state}`;
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

/** A dot as a picture for the legend. */
export function dotElement(state: State, theme: Theme): HTMLCanvasElement {
  const canvas = drawMark(state, theme, DOT_SIZE[state], null);
  canvas.className = `dot dot-${state}`;
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

function putImage(map: MapLibre, name: string, canvas: HTMLCanvasElement): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  if (map.hasImage(name)) map.updateImage(name, image);
  else map.addImage(name, image, { pixelRatio: PIXEL_RATIO });
}

/** Give the map every mark and dot in the colours of the theme. */
export function putImages(map: MapLibre, theme: Theme): void {
  for (const state of STATES) {
    putImage(map, dotName(state), drawMark(state, theme, DOT_SIZE[state], null));
    for (const category of categories()) {
      putImage(map, markName(category, state), drawMark(state, theme, MARK_SIZE[state], category));
    }
  }
}
