// Elements without a framework. Text is always text: names come from other people's plans.

type Child = Node | string | number | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

/** Make an element: attributes, `on*` listeners, children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Child | Child[])[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children.flat()) if (child || child === 0) element.append(child instanceof Node ? child : String(child));
  return element;
}

/** Replace what an element holds, and keep the keyboard focus on the element of the same id. */
export function fill(element: HTMLElement, ...children: (Child | Child[])[]): void {
  const focused = document.activeElement;
  const id = focused && element.contains(focused) ? focused.id : "";
  const scrolled = element.scrollTop;
  element.replaceChildren(...children.flat().filter((c): c is Node | string => Boolean(c)).map((c) => (c instanceof Node ? c : String(c))));
  element.scrollTop = scrolled;
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
}

/** Let the browser save text as a file. */
export function download(name: string, text: string, type: string): void {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
