/** The tabs of the panel on the left: one is chosen, arrow keys go from one to the next. */

import { byId } from "./dom";
import { TABS, type Tab } from "./view";

function tabButton(tab: Tab): HTMLButtonElement {
  return byId(`tab-${tab}`, HTMLButtonElement);
}

function step(from: Tab, by: number): void {
  const shown = TABS.filter((tab) => !tabButton(tab).hidden);
  const next = shown[(shown.indexOf(from) + by + shown.length) % shown.length] ?? from;
  tabButton(next).focus();
  tabButton(next).click();
}

/** Show the chosen tab's panel. */
export function writeTabs(chosen: Tab): void {
  for (const tab of TABS) {
    const button = tabButton(tab);
    const isChosen = tab === chosen;
    button.setAttribute("aria-selected", String(isChosen));
    button.tabIndex = isChosen ? 0 : -1;
    button.onkeydown = ({ key }) => {
      if (key === "ArrowRight") step(tab, 1);
      if (key === "ArrowLeft") step(tab, -1);
    };
    byId(`panel-${tab}`, HTMLDivElement).hidden = !isChosen;
  }
  document.body.dataset["tab"] = chosen;
}
