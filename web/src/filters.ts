/**
 * Which incidents are shown, as CQL2 for the server and in words for people. The list, its count and the map's tiles
 * are asked for with the same CQL2, so that they always agree.
 */

import { t } from "./i18n";
import type { TextKey } from "./texts";
import type { Mode } from "./view";

export interface IncidentFilter {
  readonly major: boolean;
  readonly active: boolean;
}

/** Statuses of an incident that somebody still has to deal with. */
export const ACTIVE = ["reported", "confirmed", "responding", "controlled"] as const;

const MODE_TEXT: Readonly<Record<Mode, TextKey>> = {
  actual: "modeActual",
  exercise: "modeExercise",
  test: "modeTest",
};

/** The name of a mode in the chosen language. */
export function modeName(mode: Mode): string {
  return t(MODE_TEXT[mode]);
}

/** The filter as CQL2 text. Cancelled and repeated incidents are in no count. */
export function asCql2({ major, active }: IncidentFilter): string {
  const status = active
    ? `status IN (${ACTIVE.map((code) => `'${code}'`).join(",")})`
    : "status <> 'cancelled'";
  return [status, "duplicate_of IS NULL", ...(major ? ["major=true"] : [])].join(" AND ");
}

/** Of the incidents of a filter, those that no map can show. */
export function withoutPosition(cql2: string): string {
  return `${cql2} AND geometry IS NULL`;
}

/** The filter in words, for the line under the count. */
export function inWords({ major, active }: IncidentFilter, mode: Mode): string {
  const parts = [
    t("wordsMode", { mode: modeName(mode) }),
    ...(major ? [t("wordsMajor")] : []),
    active ? t("wordsActive") : t("wordsAll"),
    t("wordsLeftOut"),
  ];
  return parts.join(t("wordsSeparator")) + t("wordsEnd");
}
