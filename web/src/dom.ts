/** Small helpers over the DOM. Text only ever enters as text nodes, so no record can bring markup with it. */

export type Child = Node | string | null;

/** Make an element with attributes and children; `null` children are left out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The element of index.html with this id. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} with the id ${id}`);
  return element;
}

/** Whether the page has its layout for telephones; style.css has the same width. */
export function isNarrow(): boolean {
  return matchMedia("(max-width: 760px)").matches;
}

/** Show text in an element that is hidden while it has none. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}
