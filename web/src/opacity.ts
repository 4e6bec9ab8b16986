/** How a layer's paint is faded: its own opacity, which may depend on zoom and values, times that of the slider. */

import type { LayerSpecification } from "maplibre-gl";

const OPACITIES: Readonly<Record<string, readonly string[]>> = {
  fill: ["fill-opacity"],
  line: ["line-opacity"],
  circle: ["circle-opacity", "circle-stroke-opacity"],
  symbol: ["icon-opacity", "text-opacity"],
  heatmap: ["heatmap-opacity"],
};

/** The paint properties of a layer at this share of its own opacity. */
export function faded(layer: LayerSpecification, share: number): [string, unknown][] {
  const paint = (layer.paint ?? {}) as Readonly<Record<string, unknown>>;
  return (OPACITIES[layer.type] ?? []).map((name) => [name, times(paint[name], share)]);
}

/** Zoom may only stand at the top of an expression, so the factor goes to what the steps give. */
function times(value: unknown, share: number): unknown {
  if (value === undefined) return share;
  if (typeof value === "number") return value * share;
  if (!Array.isArray(value)) return value;
  const first = { interpolate: 4, step: 2 }[String(value[0])];
  if (first === undefined) return ["*", share, value];
  return value.map((part: unknown, at) => (at >= first && (at - first) % 2 === 0 ? times(part, share) : part));
}
