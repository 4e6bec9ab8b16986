/** Adds the address of each basemap that this server has, as XYZ and as TileJSON; without it the page names one. */

import { element, enrich, pick, read } from "./common.js";

function address(label, text) {
  const whole = element("div", "address");
  const described = element("dd");
  const code = element("code", "", text);
  code.dataset.copy = "";
  described.append(code);
  whole.append(element("dt", "", label), described);
  return whole;
}

await enrich(async () => {
  const list = document.querySelector("[data-basemaps]");
  const { basemaps } = await read("/basemaps");
  const written = new Set([...list.querySelectorAll("code[data-copy]")].map((code) => code.textContent));
  for (const basemap of basemaps) {
    for (const tiles of basemap.tilesets) {
      if (!tiles.crs.endsWith("/3857") || tiles.tileSize !== 256 || written.has(tiles.tiles[0])) continue;
      list.append(address(`${pick(basemap.title)}, XYZ`, tiles.tiles[0]));
    }
    list.append(address(`${pick(basemap.title)}, TileJSON`, basemap.tilejson));
  }
  document.dispatchEvent(new Event("addresses"));
});
