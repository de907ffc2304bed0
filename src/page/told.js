// Lines that the page itself writes, around names and texts of other people's. Each
// of those is kept apart, so that one in Arabic does not turn the line round.

import { h } from "./dom.js";
import { oneLine, piecesOf } from "./text.js";

class Told {
  constructor(parts) {
    this.parts = parts;
  }

  toString() {
    return this.parts.map((part) => part.foreign ?? part).join("");
  }
}

/**
 * A line: what stands in the template is the page's own, what is put in is from
 * elsewhere; several names may be put in at once, and other lines.
 */
export function told(own, ...foreign) {
  return new Told(own.flatMap((text, index) => (index === 0 ? [text] : [...partsOf(foreign[index - 1]), text])).filter((part) => part !== ""));
}

/** Lines below each other. */
export const lines = (all) => new Told(all.flatMap((line, index) => (index === 0 ? partsOf(line) : ["\n", ...partsOf(line)])));

function partsOf(value) {
  if (value instanceof Told) return value.parts;
  if (Array.isArray(value)) return value.flatMap((each, index) => (index === 0 ? partsOf(each) : [", ", ...partsOf(each)]));
  if (typeof value === "number") return [String(value)];
  return [{ foreign: String(value) }];
}

/** What shows a line, or a plain text. */
export function nodesOf(line) {
  const parts = line instanceof Told ? line.parts : [String(line)];
  return parts.flatMap((part) => {
    if (typeof part === "string") return piecesOf(part, undefined).map(pieceOf);
    return [h("bdi", {}, ...piecesOf(oneLine(part.foreign), undefined).map(pieceOf))];
  });
}

/** Shows a line in `element`, where it is another one. */
export function setTold(element, line) {
  const nodes = nodesOf(line);
  const text = nodes.map(({ textContent }) => textContent).join("");
  if (element.textContent !== text) element.replaceChildren(...nodes);
}

export function pieceOf({ kind, text, href }) {
  if (kind === "link") return h("a", { href, rel: "noopener noreferrer", target: "_blank" }, text);
  if (kind === "mention") return h("mark", {}, text);
  return document.createTextNode(text);
}
