/** Which tiles in view could not be loaded: an incomplete map says so, and asks again. */

import { RasterTileSource, VectorTileSource, type Map as MapLibre } from "maplibre-gl";

interface TileKey {
  readonly z: number;
  readonly x: number;
  readonly y: number;
}

/** Tiles of other zooms than the map's are no longer needed. */
const ZOOM_SLACK = 1.6;

const failed = new Map<string, Map<string, TileKey>>();

function tileOf(event: object): { source: string; tile: TileKey } | null {
  if (!("sourceId" in event) || !("tile" in event)) return null;
  const { sourceId, tile } = event as {
    sourceId: unknown;
    tile: { tileID?: { canonical: TileKey } } | undefined;
  };
  const canonical = tile?.tileID?.canonical;
  return typeof sourceId === "string" && canonical !== undefined
    ? { source: sourceId, tile: canonical }
    : null;
}

function keyOf({ z, x, y }: TileKey): string {
  return `${z}/${x}/${y}`;
}

function latitude(row: number, z: number): number {
  return (Math.atan(Math.sinh(Math.PI * (1 - (2 * row) / 2 ** z))) * 180) / Math.PI;
}

function isInView(map: MapLibre, { z, x, y }: TileKey): boolean {
  const view = map.getBounds();
  const west = (x / 2 ** z) * 360 - 180;
  const east = ((x + 1) / 2 ** z) * 360 - 180;
  const beside = west > view.getEast() || east < view.getWest();
  const above = latitude(y + 1, z) > view.getNorth() || latitude(y, z) < view.getSouth();
  return !beside && !above && map.getZoom() - z > -ZOOM_SLACK;
}

function forgetOutOfView(map: MapLibre): void {
  for (const [source, tiles] of failed) {
    for (const [key, tile] of tiles) if (!isInView(map, tile)) tiles.delete(key);
    if (tiles.size === 0 || map.getSource(source) === undefined) failed.delete(source);
  }
}

/** Follow the map's tiles; `onChange` gets the sources that are incomplete in view. */
export function watchTiles(map: MapLibre, onChange: (sources: string[]) => void): void {
  const tell = (): void => {
    forgetOutOfView(map);
    onChange([...failed.keys()]);
  };
  map.on("error", (event) => {
    const found = tileOf(event);
    if (found === null) {
      console.warn(event.error.message);
      return;
    }
    const tiles = failed.get(found.source) ?? new Map<string, TileKey>();
    failed.set(found.source, tiles.set(keyOf(found.tile), found.tile));
    tell();
  });
  map.on("sourcedata", (event) => {
    const found = tileOf(event);
    if (found !== null && failed.get(found.source)?.delete(keyOf(found.tile))) tell();
  });
  map.on("moveend", tell);
}

/** Ask again for what failed. */
export function retryTiles(map: MapLibre): void {
  for (const id of failed.keys()) {
    const source = map.getSource(id);
    // Asking for single tiles again makes MapLibre draw raster tiles that are not there yet; a source as a whole is safe.
    if (source instanceof VectorTileSource || source instanceof RasterTileSource) source.setTiles(source.tiles);
  }
}
