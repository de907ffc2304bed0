// Names of people and rooms: which are the same, how they are sorted, and the
// colour that a person keeps.

const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Names that differ in case alone are one. */
export const keyOf = (name) => name.normalize("NFC").toLowerCase();

export const compareNames = (a, b) => collator.compare(a, b) || (a < b ? -1 : 1);

/** One of 24 hues, always the same for a name. The style sheet makes a readable colour of it. */
export function hueOf(name) {
  let hash = 0x811c9dc5;
  for (const unit of keyOf(name)) hash = Math.imul(hash ^ unit.codePointAt(0), 0x01000193);
  return ((hash >>> 8) % 24) * 15;
}

const graphemes = Intl.Segmenter && new Intl.Segmenter();

/** The first letter, as its reader sees it. */
export function initialOf(name) {
  const [first] = graphemes ? graphemes.segment(name) : name;
  return (first?.segment ?? first ?? "").toUpperCase();
}

/** The room that a person means, as the server writes it. */
export const roomOf = (typed) => typed.trim().replace(/^#/, "").normalize("NFC").toLowerCase();

/** The room in the page's address: `#games`. */
export function roomOfAddress() {
  try {
    return roomOf(decodeURIComponent(location.hash));
  } catch {
    return "";
  }
}
