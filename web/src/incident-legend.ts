/** What the marks of incidents mean. */

import type { LayerInfo } from "./catalogue";
import { el } from "./dom";
import { agePlace } from "./feeds";
import { pick, t } from "./i18n";
import { dotElement, markElement, STATES, type State } from "./icons";
import type { TextKey } from "./texts";
import type { Theme } from "./view";

const STATE_TEXT: Readonly<Record<State, TextKey>> = {
  active: "legendActive",
  major: "legendMajor",
  done: "legendDone",
};

/** The states by their shapes, and the categories by their signs. */
export function incidentLegend(incidents: LayerInfo | undefined, theme: Theme): HTMLElement {
  const states = STATES.map((state) =>
    el("li", {}, markElement("other", state, theme), el("span", {}, t(STATE_TEXT[state]))),
  );
  const dots = el("li", { class: "legend-dots" }, dotElement("active", theme), el("span", {}, t("legendDots")));
  const codes = incidents?.columns.find((column) => column.name === "category")?.codes ?? {};
  const kinds = Object.entries(codes).map(([code, title]) =>
    el("li", {}, markElement(code, "active", theme), el("span", {}, pick(title))),
  );
  return el(
    "details",
    { class: "incident-legend", id: "incident-legend" },
    el("summary", {}, t("legendIncidents")),
    incidents === undefined ? null : agePlace(incidents),
    el("ul", { class: "legend" }, ...states, dots),
    el("ul", { class: "legend legend-kinds" }, ...kinds),
  );
}
