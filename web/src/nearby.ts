/** "Already reported nearby?": the incidents around a position that were reported lately. */

import { fetchIncidents, type Feature, type Reading } from "./api";
import { anchorOf, type Bounds, type LonLat } from "./geometry";
import { asInstant, HOUR, pictureTime } from "./time";

export const NEAR_M = 300;
export const LATELY_H = 6;
const MOST = 50;
const METRES_A_DEGREE = 111_320;

/** An incident nearby, with its distance in metres. */
export interface Near {
  readonly feature: Feature;
  readonly metres: number;
}

/** Metres between two positions of one city: flat is near enough. */
export function metresBetween([lon, lat]: LonLat, [lon2, lat2]: LonLat): number {
  const east = (lon2 - lon) * Math.cos((lat * Math.PI) / 180);
  return Math.hypot(east, lat2 - lat) * METRES_A_DEGREE;
}

function boxAround([lon, lat]: LonLat): Bounds {
  const north = NEAR_M / METRES_A_DEGREE;
  const east = north / Math.cos((lat * Math.PI) / 180);
  return [lon - east, lat - north, lon + east, lat + north];
}

/** The incidents within 300 m of a position that were reported in the last 6 hours, the nearest first. */
export async function fetchNearby(reading: Reading, at: LonLat): Promise<readonly Near[]> {
  const since = asInstant(new Date(pictureTime().getTime() - LATELY_H * HOUR));
  const cql2 = `status <> 'cancelled' AND reported_at >= TIMESTAMP('${since}')`;
  const { features } = await fetchIncidents({ mode: reading.mode, asof: null }, cql2, MOST, boxAround(at));
  return features
    .map((feature) => {
      const there = anchorOf(feature.geometry);
      return { feature, metres: there === null ? NEAR_M : metresBetween(at, there) };
    })
    .filter(({ feature, metres }) => metres <= NEAR_M || feature.geometry?.type !== "Point")
    .toSorted((a, b) => a.metres - b.metres);
}
