/** The page: reads the view from its address, asks the server, and keeps map, lists and words in step. */

import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import "./tree.css";
import "./figures.css";
import "./form.css";
import "./duty.css";
import { openAccount } from "./account";
import * as acting from "./acting";
import { alarm, refresh } from "./asking";
import { byId } from "./dom";
import { otherLanguage } from "./i18n";
import { closeOnEscape, closePopup } from "./popup";
import { soundBy, tree, writeAll } from "./screen";
import { closeSheet } from "./sheet";
import { startMap } from "./stage";
import { actions, state } from "./state";
import { setPictureTime } from "./time";
import { isMode, TABS, writeView } from "./view";

function switchLanguage(): void {
  state.view.language = otherLanguage();
  closePopup();
  closeSheet();
  writeView(state.view);
  writeAll();
}

function listen(): void {
  const onClick = (id: string, act: () => void): void =>
    byId(id, HTMLButtonElement).addEventListener("click", act);
  onClick("only-major", () => acting.change({ major: !state.view.major }));
  onClick("only-active", () => acting.change({ active: !state.view.active }));
  onClick("theme", () => acting.chooseTheme(state.view.theme === "light" ? "dark" : "light"));
  onClick("account", () => void openAccount(acting.readerChanged));
  onClick("report", acting.report);
  onClick("panel-fold", () => acting.foldPanel(!document.body.classList.contains("folded")));
  onClick("language", switchLanguage);
  onClick("sound", acting.switchSound);
  onClick("inbox", () => acting.chooseTab("inbox"));
  for (const tab of TABS) onClick(`tab-${tab}`, () => acting.chooseTab(tab));
  const mode = byId("mode", HTMLSelectElement);
  mode.addEventListener("change", () => {
    if (isMode(mode.value)) acting.chooseMode(mode.value);
  });
  const choice = byId("basemap", HTMLSelectElement);
  choice.addEventListener("change", () => acting.chooseBasemap(choice.value));
  document.addEventListener("visibilitychange", () => void (document.hidden || refresh()));
  closeOnEscape();
}

soundBy(() => alarm.write());
Object.assign(actions, { ...acting, refresh: () => void refresh() });
setPictureTime(state.view.asof);
startMap((zoom) => tree.zoomed(zoom));
writeAll();
listen();
void refresh();
