/** The sheet over the map where forms stand: one at a time; the keyboard goes there and comes back. */

import { byId, el, type Child } from "./dom";
import { t } from "./i18n";

let dismiss: (() => void) | null = null;

function place(): HTMLElement {
  return byId("sheet", HTMLElement);
}

/** Close the sheet; a form in it is gone. */
export function closeSheet(): void {
  dismiss?.();
  dismiss = null;
}

/** Show a form under a title. `onClose` is called when it goes, for whatever reason. */
export function openSheet(title: string, content: readonly Child[], onClose: () => void = () => undefined): void {
  closeSheet();
  const before = document.activeElement;
  const sheet = place();
  const close = el("button", { type: "button", class: "close", "aria-label": t("close"), title: t("close") }, "×");
  close.addEventListener("click", closeSheet);
  sheet.setAttribute("aria-label", title);
  sheet.replaceChildren(close, el("h2", {}, title), ...content.filter((child) => child !== null));
  sheet.hidden = false;
  sheet.scrollTop = 0;
  sheet.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    closeSheet();
  };
  sheet.focus({ preventScroll: true });
  dismiss = () => {
    sheet.hidden = true;
    sheet.replaceChildren();
    onClose();
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  };
}

/** Take the sheet away while something is picked on the map, and bring it back as it was. */
export function setAside(aside: boolean): void {
  place().classList.toggle("aside", aside);
  if (!aside) place().focus({ preventScroll: true });
}
