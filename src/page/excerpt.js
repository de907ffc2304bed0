// What is shown of a message that was found: the part with the first of the words, on
// one line, and where the words stand in it.

import { oneLine } from "./text.js";

const BEFORE = 40;
const LONGEST = 240;
/** No word that is looked for is as far into a message. */
const LOOKED_AT = 20_000;

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The words as the server takes them: letters and digits, and perhaps a `*` behind them. */
function wanted(words) {
  const found = [...words.matchAll(/[\p{L}\p{N}\p{M}]+/gu)];
  return found.map(({ 0: word, index }) => ({ word: fold(word), isStart: words[index + word.length] === "*" }));
}

/** Pieces `{ text, isHit }` of `message`. */
export function excerptOf(message, words) {
  const text = message.slice(0, LOOKED_AT).replace(/\s+/g, " ").trim();
  const all = wanted(words);
  const isHit = (word) => all.some(({ word: other, isStart }) => (isStart ? fold(word).startsWith(other) : fold(word) === other));
  const hits = [...text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)].filter(({ 0: word }) => isHit(word));
  const first = hits[0]?.index ?? 0;
  const start = first <= BEFORE ? 0 : wordStart(text, first - BEFORE);
  const end = text.length - start <= LONGEST ? text.length : wordEnd(text, start + LONGEST);
  const pieces = start > 0 ? [{ text: "… ", isHit: false }] : [];
  let at = start;
  for (const { 0: word, index } of hits) {
    if (index < at || index + word.length > end) continue;
    pieces.push({ text: oneLine(text.slice(at, index)), isHit: false }, { text: oneLine(word), isHit: true });
    at = index + word.length;
  }
  pieces.push({ text: oneLine(text.slice(at, end)), isHit: false });
  if (end < text.length || message.length > LOOKED_AT) pieces.push({ text: " …", isHit: false });
  return pieces.filter(({ text }) => text !== "");
}

/** Behind the next space, so that no character is cut; or the first whole one. */
function wordStart(text, at) {
  const space = text.indexOf(" ", at);
  if (space !== -1 && space < at + BEFORE) return space + 1;
  return /[\udc00-\udfff]/.test(text[at]) ? at + 1 : at;
}

function wordEnd(text, at) {
  const space = text.lastIndexOf(" ", at);
  if (space > at - BEFORE) return space;
  return /[\udc00-\udfff]/.test(text[at]) ? at - 1 : at;
}
