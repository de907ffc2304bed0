// Building the page: elements from text alone, and lists that keep their elements.

/** An element with properties, attributes (`aria-label`, `data-…`, `class`) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** One of the drawings in the page. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  svg.append(use);
  return svg;
}

export const byId = (id) => document.getElementById(id);

/** Sets a text where it is another one, so that nothing is announced or drawn for no reason. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` those of `entries`, in order. An entry whose key
 * was there keeps its element, and with it the focus; `form` says when to make it anew.
 */
export function reconcile(parent, entries, { key, form, make }) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const entry of entries) {
    const name = key(entry);
    const shape = form(entry);
    let child = old.get(name);
    old.delete(name);
    if (child && child.dataset.form !== shape) {
      const hadFocus = child.contains(document.activeElement);
      const fresh = mark(make(entry), name, shape);
      if (next === child) next = fresh;
      child.replaceWith(fresh);
      if (hadFocus) (fresh.matches("button") ? fresh : fresh.querySelector("button"))?.focus();
      child = fresh;
    }
    child ??= mark(make(entry), name, shape);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const child of old.values()) child.remove();
}

function mark(element, key, form) {
  element.dataset.key = key;
  element.dataset.form = form;
  return element;
}
