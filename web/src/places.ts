/** Finding a position by words: slope numbers, addresses and names of places, wherever the catalogue has them. */

import { fetchRegister, type Feature, type Reading } from "./api";
import type { LayerInfo } from "./catalogue";
import { anchorOf, type LonLat } from "./geometry";
import { pick } from "./i18n";

/** A layer that is searched, the columns that hold what people type, and how its positions came about. */
const SEARCHED = [
  { id: "slopes", columns: ["slope_no"], words: [["slope_no", "slope_no"], ["road_en", "road_zh"]], method: "surveyed" },
  { id: "addresses", columns: ["address_en", "address_zh"], words: [["address_en", "address_zh"]], method: "geocoded" },
  { id: "place_names", columns: ["name_en", "name_zh"], words: [["name_en", "name_zh"]], method: "geocoded" },
] as const;
const MOST = 6;
export const SHORTEST = 2;

/** A place that was found. */
export interface Place {
  readonly name: { readonly en: string; readonly zh: string };
  readonly kind: string;
  readonly at: LonLat;
  readonly method: string;
}

function like(words: string): string {
  // % and _ would match anything; a quote would end the text.
  return `'%${words.replaceAll("'", "''").replace(/[\\%_]/g, "\\$&")}%'`;
}

function nameOf({ properties, id }: Feature, pairs: readonly (readonly [string, string])[]): { en: string; zh: string } {
  const of = (at: 0 | 1): string => pairs.map((pair) => String(properties[pair[at]] ?? "")).filter((part) => part !== "").join(", ");
  return { en: of(0) || of(1) || id, zh: of(1) || of(0) || id };
}

/** The places whose number, address or name holds the words. */
export async function findPlaces(
  reading: Reading,
  layers: ReadonlyMap<string, LayerInfo>,
  words: string,
): Promise<readonly Place[]> {
  const wanted = SEARCHED.filter(({ id }) => layers.has(id));
  const found = await Promise.all(
    wanted.map(async ({ id, columns, words: pairs, method }) => {
      const cql2 = columns.map((column) => `CASEI(${column}) LIKE CASEI(${like(words)})`).join(" OR ");
      const page = await fetchRegister({ mode: reading.mode, asof: null }, id, { limit: MOST, cql2 });
      const layer = layers.get(id);
      return page.features.flatMap((feature) => {
        const at = anchorOf(feature.geometry);
        return at === null ? [] : [{ name: nameOf(feature, pairs), kind: layer === undefined ? id : pick(layer.title), at, method }];
      });
    }),
  );
  return found.flat();
}
