/** Pictures of the sprite for legends: the sheet is fetched once for each theme. */

import { fetchJson, isObject, numberOr } from "./http";
import type { Theme } from "./view";

interface Sheet {
  readonly picture: HTMLImageElement;
  readonly places: Readonly<Record<string, unknown>>;
}

const sheets = new Map<Theme, Promise<Sheet>>();

async function load(theme: Theme): Promise<Sheet> {
  const address = `/sprites/${theme}@2x`;
  const picture = new Image();
  picture.src = `${address}.png`;
  const [{ body }] = await Promise.all([fetchJson(`${address}.json`), picture.decode()]);
  return { picture, places: body };
}

function sheetOf(theme: Theme): Promise<Sheet> {
  const sheet = sheets.get(theme) ?? load(theme);
  sheets.set(theme, sheet);
  sheet.catch(() => sheets.delete(theme));
  return sheet;
}

function cut({ picture, places }: Sheet, name: string, canvas: HTMLCanvasElement): boolean {
  const place = places[name];
  const context = canvas.getContext("2d");
  if (!isObject(place) || context === null) return false;
  const [x, y, width, height] = ["x", "y", "width", "height"].map((side) => numberOr(place[side], 0));
  if (!width || !height) return false;
  canvas.width = width;
  canvas.height = height;
  const ratio = numberOr(place["pixelRatio"], 2);
  const size = Math.min(24 / (height / ratio), 26 / (width / ratio), 1);
  canvas.style.width = `${(width / ratio) * size}px`;
  canvas.style.height = `${(height / ratio) * size}px`;
  context.drawImage(picture, x ?? 0, y ?? 0, width, height, 0, 0, width, height);
  return true;
}

/** A picture of the sprite as decoration; `otherwise` takes its place where the sprite does not have it. */
export function symbolElement(name: string, theme: Theme, otherwise: () => Element): HTMLElement {
  const canvas = document.createElement("canvas");
  canvas.width = 1;
  canvas.height = 1;
  const frame = document.createElement("span");
  frame.className = "symbol";
  frame.setAttribute("aria-hidden", "true");
  frame.append(canvas);
  const giveUp = (): void => frame.replaceChildren(otherwise());
  sheetOf(theme).then(
    (sheet) => cut(sheet, name, canvas) || giveUp(),
    giveUp,
  );
  return frame;
}
