/** Pop-ups on the map, and the card for what has no position. One of them is open at a time. */

import { Popup, type Map as MapLibre } from "maplibre-gl";
import { byId, el, isNarrow } from "./dom";
import type { LonLat } from "./geometry";
import { t } from "./i18n";
import { ring } from "./incidents";

/** A map lower than this (pixels) has no room for a pop-up above a point. */
const LOWEST = 520;
const MARGIN = 14;

let dismiss: (() => void) | null = null;

/** Close what is open. */
export function closePopup(): void {
  dismiss?.();
  dismiss = null;
}

function closeButton(): HTMLButtonElement {
  const button = el(
    "button",
    { type: "button", class: "close", "aria-label": t("close"), title: t("close") },
    "×",
  );
  button.addEventListener("click", closePopup);
  return button;
}

/** Give the keyboard back to where it was when the pop-up opened, if that is still there. */
function returnFocus(to: Element | null): void {
  if (!(to instanceof HTMLElement)) return;
  // The list may have been written anew meanwhile: the same incident stands there in another button.
  const id = to.dataset["id"];
  const again = to.isConnected || id === undefined ? to : document.querySelector<HTMLElement>(`#incident-list [data-id="${CSS.escape(id)}"]`);
  again?.focus({ preventScroll: true });
}

function hasRoom(map: MapLibre): boolean {
  return !isNarrow() && map.getContainer().clientHeight >= LOWEST;
}

/** How far below the middle of the map (pixels) a position should come to lie, so that its pop-up fits above it. */
export function roomForPopup(map: MapLibre): number {
  return hasRoom(map) ? map.getContainer().clientHeight * 0.28 : 0;
}

/** Move a resting map as little as is needed to bring the whole pop-up, which stands above `lonLat`, into view. */
function bringIntoView(map: MapLibre, lonLat: LonLat, box: HTMLElement): void {
  if (map.isMoving()) return;
  const { x, y } = map.project(lonLat);
  const half = box.offsetWidth / 2 + MARGIN;
  const width = map.getContainer().clientWidth;
  const right = Math.max(0, half - x) - Math.max(0, x + half - width);
  const down = Math.max(0, box.offsetHeight + 2 * MARGIN + 8 - y);
  if (right !== 0 || down !== 0) map.panBy([-right, -down]);
}

/** Show `content` at a position of the map, ringed if it is a record of its own; on a small map on the card. */
export function popupAt(map: MapLibre, lonLat: LonLat, content: HTMLElement, ringed: boolean): void {
  if (!hasRoom(map)) {
    cardWith(content, () => ring(map, null));
    ring(map, ringed ? lonLat : null);
    return;
  }
  closePopup();
  const before = document.activeElement;
  const box = el(
    "div",
    { class: "popup", role: "dialog", tabindex: "-1", "aria-label": t("details") },
    closeButton(),
    content,
  );
  const popup = new Popup({
    anchor: "bottom",
    closeButton: false,
    closeOnClick: false,
    focusAfterOpen: false,
    maxWidth: "360px",
    offset: 16,
  });
  popup.setLngLat(lonLat).setDOMContent(box).addTo(map);
  ring(map, ringed ? lonLat : null);
  box.focus({ preventScroll: true });
  bringIntoView(map, lonLat, box);
  dismiss = () => {
    popup.remove();
    ring(map, null);
    returnFocus(before);
  };
}

/** Show `content` on the card over the map; `onClose` is called when it goes. */
export function cardWith(content: HTMLElement, onClose: () => void = () => undefined): void {
  closePopup();
  const before = document.activeElement;
  const card = byId("card", HTMLDivElement);
  card.setAttribute("aria-label", t("details"));
  card.replaceChildren(closeButton(), content);
  card.hidden = false;
  card.focus({ preventScroll: true });
  dismiss = () => {
    card.hidden = true;
    card.replaceChildren();
    onClose();
    returnFocus(before);
  };
}

/** Escape closes what is open. */
export function closeOnEscape(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closePopup();
  });
}
