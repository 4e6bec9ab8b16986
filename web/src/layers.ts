/** The other layers of the catalogue: switched on one by one, drawn from vector tiles by their style documents. */

import type { LayerSpecification, Map as MapLibre, MapGeoJSONFeature } from "maplibre-gl";
import { tileTemplate, type Reading } from "./api";
import { BELOW } from "./basemap";
import { fetchStyle, type LayerInfo, type LayerStyle } from "./catalogue";
import { around, type Pixel } from "./geometry";
import { faded } from "./opacity";
import type { Shown, Theme } from "./view";

const PREFIX = "layer:";
const REACH = 4;

/** Whether a layer has features that the page can draw. */
export function isDrawable(layer: LayerInfo): boolean {
  return layer.geometry !== null && layer.kind !== "coverage";
}

/** Registers keep their history; of the other layers the map shows what is known now. */
export function hasHistory(layer: LayerInfo): boolean {
  return layer.kind === "register";
}

function sourceId(id: string): string {
  return PREFIX + id;
}

/** The layer that a source of the map belongs to, if it is one of the catalogue's. */
export function layerOfSource(source: string): string | null {
  return source.startsWith(PREFIX) ? source.slice(PREFIX.length) : null;
}

/** Areas lie below lines and lines below points, whatever the order of switching on. */
function anchorOf({ type }: LayerSpecification): string {
  if (type === "circle" || type === "symbol") return BELOW.point;
  return type === "line" ? BELOW.line : BELOW.area;
}

/** The server's links name its public address; the page asks the origin that it came from. */
function ofThisOrigin(address: string): string {
  // The template's braces must stay as they are.
  return location.origin + address.replace(/^[a-z]+:\/\/[^/]+/, "");
}

interface Drawn {
  /** What the layer was drawn from; drawn again when it is another. */
  readonly key: string;
  readonly style: LayerStyle;
  opacity: number;
}

/** The catalogue's layers on one map. */
export class LayerStack {
  readonly #map: MapLibre;
  readonly #drawn = new Map<string, Drawn>();
  readonly #styles = new Map<string, Promise<LayerStyle>>();
  #sprite = "";
  #wish = 0;

  constructor(map: MapLibre) {
    this.#map = map;
  }

  /**
   * Draw these layers and no others, the first at the bottom. Answers with those whose style could not be had;
   * with `null` where a later call has taken over.
   */
  async show(wanted: readonly Shown[], layers: ReadonlyMap<string, LayerInfo>, reading: Reading, theme: Theme) {
    const mine = ++this.#wish;
    const known = wanted.flatMap(({ id, opacity }) => {
      const layer = layers.get(id);
      return layer !== undefined && isDrawable(layer) ? [{ layer, opacity }] : [];
    });
    this.#keepOnly(new Set(known.map(({ layer }) => layer.id)));
    const styles = await Promise.allSettled(known.map(({ layer }) => this.#styleOf(layer.id, theme)));
    if (mine !== this.#wish) return null;
    const failed: string[] = [];
    known.forEach(({ layer, opacity }, index) => {
      const style = styles[index];
      if (style?.status === "fulfilled") this.#put(layer, style.value, opacity, reading, theme);
      else failed.push(layer.id);
    });
    return failed;
  }

  /** Take all layers off, so that they are read anew when they are shown again. */
  forget(): void {
    this.#keepOnly(new Set());
  }

  /** Change how much of a layer shows through, without drawing it again. */
  fade(id: string, opacity: number): void {
    const drawn = this.#drawn.get(id);
    if (drawn === undefined || drawn.opacity === opacity) return;
    drawn.opacity = opacity;
    for (const layer of drawn.style.layers) {
      for (const [name, value] of faded(layer, opacity)) {
        this.#map.setPaintProperty(PREFIX + layer.id, name as never, value as never);
      }
    }
  }

  #styleOf(id: string, theme: Theme): Promise<LayerStyle> {
    const key = `${theme}/${id}`;
    const known = this.#styles.get(key) ?? fetchStyle(id, theme);
    this.#styles.set(key, known);
    // What failed is asked for again next time.
    known.catch(() => this.#styles.delete(key));
    return known;
  }

  #keepOnly(ids: ReadonlySet<string>): void {
    for (const id of [...this.#drawn.keys()]) if (!ids.has(id)) this.#remove(id);
  }

  #remove(id: string): void {
    const drawn = this.#drawn.get(id);
    for (const layer of drawn?.style.layers ?? []) this.#map.removeLayer(PREFIX + layer.id);
    if (this.#map.getSource(sourceId(id)) !== undefined) this.#map.removeSource(sourceId(id));
    this.#drawn.delete(id);
  }

  #put(layer: LayerInfo, style: LayerStyle, opacity: number, reading: Reading, theme: Theme): void {
    const { id } = layer;
    const tiles = tileTemplate(id, hasHistory(layer) ? reading : { ...reading, asof: null });
    const key = `${theme} ${tiles}`;
    if (this.#drawn.get(id)?.key === key) {
      this.fade(id, opacity);
      return;
    }
    this.#remove(id);
    this.#useSymbols(style);
    const { minzoom, maxzoom } = style;
    this.#map.addSource(sourceId(id), { type: "vector", tiles: [tiles], minzoom, maxzoom });
    for (const made of style.layers) {
      const placed = { ...made, id: PREFIX + made.id, source: sourceId(id) } as LayerSpecification;
      this.#map.addLayer(placed, anchorOf(made));
    }
    this.#drawn.set(id, { key, style, opacity: 1 });
    this.fade(id, opacity);
  }

  /** The symbols and letters that the style names; one sheet for all layers of a theme. */
  #useSymbols({ sprite, glyphs }: LayerStyle): void {
    if (sprite !== null && sprite !== this.#sprite) {
      this.#map.setSprite(ofThisOrigin(sprite));
      this.#sprite = sprite;
    }
    if (glyphs !== null && this.#map.getGlyphs() === null) this.#map.setGlyphs(ofThisOrigin(glyphs));
  }

  /** The features at a point, topmost first, one of each layer. */
  featuresAt(at: Pixel): [string, MapGeoJSONFeature][] {
    const layers = [...this.#drawn.values()].flatMap(({ style }) => style.layers.map(({ id }) => PREFIX + id));
    if (layers.length === 0) return [];
    const found = new Map<string, MapGeoJSONFeature>();
    for (const feature of this.#map.queryRenderedFeatures(around(at, REACH), { layers })) {
      const id = layerOfSource(feature.source);
      if (id !== null && !found.has(id)) found.set(id, feature);
    }
    return [...found];
  }
}
