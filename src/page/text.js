// Text of other people's, cut into pieces that are safe to show. A piece becomes
// a text node or a link, never markup.

/** Controls, and what turns the reading direction or hides: shown as the terminal shows them. */
const UNSAFE =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}";
const escapable = new RegExp(`[${UNSAFE}]`, "gu");
const lineBreaks = /[\t\n]/g;

/** An address goes up to a space, a quotation mark, or anything that cannot be seen. */
const address = new RegExp(
  `(?<![\\p{L}\\p{N}])https?://[^\\s<>"\`\\\\|^{}“”„«»‹›\\u00ad\\u200b-\\u200d\\u2060-\\u206f\\ufeff${UNSAFE}]+`,
  "giu",
);
/** Less than is shown of a long message: no address is shown in part. */
const LONGEST_LINK = 1_900;
const CLOSING = { ")": "(", "]": "[", "）": "（", "」": "「", "』": "『" };

const escaped = (character) => {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === "\r") return "\\r";
  return `\\u{${character.codePointAt(0).toString(16)}}`;
};

/** A name, a topic or a reason: one line, with everything unsafe as a visible escape. */
export const oneLine = (text) => text.replace(escapable, escaped).replace(lineBreaks, escaped);

/** Pieces `{ kind: "text" | "link" | "mention", text, href }` of a message. */
export function piecesOf(message, ownName) {
  const text = message.replaceAll("\r\n", "\n");
  const pieces = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(address)) {
    const link = linkIn(found);
    if (!link) continue;
    addPlain(pieces, text.slice(at, index), ownName);
    pieces.push({ kind: "link", text: link.text, href: link.text });
    at = index + link.length;
  }
  addPlain(pieces, text.slice(at), ownName);
  return pieces;
}

/** Whether `text` names `name` as a word of its own. */
export const mentions = (text, name) => text.search(mentionOf(name)) !== -1;

let lastMention = { name: undefined, pattern: undefined };

function mentionOf(name) {
  if (lastMention.name !== name) {
    const literal = (name ?? "").replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    const pattern = name ? new RegExp(`(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])`, "giu") : /(?!)/g;
    lastMention = { name, pattern };
  }
  return lastMention.pattern;
}

function addPlain(pieces, text, ownName) {
  let at = 0;
  const add = (kind, part) => part && pieces.push({ kind, text: part.replace(escapable, escaped) });
  for (const { 0: found, index } of text.matchAll(mentionOf(ownName))) {
    add("text", text.slice(at, index));
    add("mention", found);
    at = index + found.length;
  }
  add("text", text.slice(at));
}

/** The address at the start of `found`, or none where it is no honest one. */
function linkIn(found) {
  if (found.length > LONGEST_LINK) return undefined;
  const typed = withoutTail(found);
  let url;
  try {
    url = new URL(typed);
  } catch {
    return undefined;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  // https://bank.example@evil.example/ leads elsewhere than it seems to.
  if (url.username || url.password) return undefined;
  // So may a host in letters that look like others: it is shown as it is asked for.
  const host = /^https?:\/\/([^/?#]*)/i.exec(typed)[1];
  const text = /^[\x21-\x7e]*$/.test(host) ? typed : url.href;
  return { text, length: typed.length };
}

/** Drops the punctuation behind an address, and a bracket that was opened before it. */
function withoutTail(text) {
  for (;;) {
    const last = text.at(-1);
    const opening = CLOSING[last];
    const isTail = opening ? count(text, last) > count(text, opening) : /[.,;:!?…*_~'。、！？，；：]/.test(last);
    if (!isTail) return text;
    text = text.slice(0, -1);
  }
}

const count = (text, character) => text.split(character).length - 1;
