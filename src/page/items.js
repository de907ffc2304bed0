// What one item of a conversation looks like.

import { h } from "./dom.js";
import { hueOf, initialOf, keyOf } from "./names.js";
import { canBeSentAgain } from "./outbox.js";
import { oneLine, piecesOf } from "./text.js";
import { clockTime, dayName, dayOf, fullTime, isoTime, shortTime } from "./time.js";
import { nodesOf, pieceOf, told } from "./told.js";

/** Messages of one person within this time stand together. */
const TOGETHER_MS = 5 * 60_000;
/** More than this of a message is shown only when asked for. */
const PREVIEW_CHARACTERS = 2_000;
const PREVIEW_LINES = 20;
const NAMES_IN_A_LINE = 8;

/** What the form of an item depends on besides the item itself. */
export function formOf(item, before, { isNewest, me }) {
  return [
    item.version ?? 0,
    item.isExpanded ? 1 : 0,
    followsOn(item, before) ? 1 : 0,
    startsDay(item, before) ? dayName(item.time) : "",
    isNewest ? 1 : 0,
    me,
  ].join("|");
}

/** The element of `item`, which comes after `before`. */
export function elementOf(item, before, { isNewest, me }) {
  const element = h("li", { class: `item ${item.is}`, "data-form": formOf(item, before, { isNewest, me }) });
  if (startsDay(item, before)) element.append(h("div", { class: "day" }, h("span", {}, dayName(item.time))));
  if (isNewest) element.append(h("div", { class: "newest" }, h("span", {}, "New")));
  const fill = { message: fillMessage, whisper: fillMessage, presence: fillPresence }[item.is] ?? fillLine;
  fill(element, item, before, me);
  return element;
}

const startsDay = (item, before) => !before || dayOf(item.time) !== dayOf(before.time);

function followsOn(item, before) {
  const isSame = before && before.is === item.is && before.from === item.from && item.from !== undefined;
  return Boolean(isSame && !item.action && !before.action && item.time - before.time < TOGETHER_MS && !startsDay(item, before));
}

function fillMessage(element, item, before, me) {
  const isOwn = keyOf(item.from) === keyOf(me);
  const follows = followsOn(item, before);
  const text = textOf(item, isOwn ? undefined : me);
  element.classList.toggle("own", isOwn);
  element.classList.toggle("follows", follows);
  element.classList.toggle("mention", Boolean(text.querySelector("mark")));
  element.classList.toggle("action", Boolean(item.action));
  const mark = item.is === "message" && !item.pos && unkept();
  if (item.action) return element.append(avatarOf(item.from), h("div", { class: "body" }, deedOf(item, text), mark));
  const name = nameOf(item.from);
  if (follows) {
    name.classList.add("sr-only");
    element.append(timeOf(item.time, shortTime(item.time)), h("div", { class: "body" }, name, text, mark));
  } else {
    const head = h("div", { class: "head" }, name, isOwn && h("span", { class: "you" }, "you"), timeOf(item.time));
    element.append(avatarOf(item.from), h("div", { class: "body" }, head, text, mark));
  }
}

const deedOf = ({ from, time }, text) => h("div", { class: "deed" }, nameOf(from), " ", text, " ", timeOf(time));

/** The server's store failed: who comes later does not see it. */
const unkept = () => h("div", { class: "unkept", title: "The server said it to those who were here, and has it no more." }, "Not kept");

export function nameOf(name) {
  const element = h("bdi", { class: "name" }, oneLine(name));
  element.style.setProperty("--hue", hueOf(name));
  return element;
}

export function avatarOf(name) {
  const element = h("span", { class: "avatar", "aria-hidden": "true" }, oneLine(initialOf(name)));
  element.style.setProperty("--hue", hueOf(name));
  return element;
}

const timeOf = (time, told = clockTime(time)) => h("time", { datetime: isoTime(time), title: fullTime(time) }, told);

function textOf(item, me) {
  const element = h("div", { class: "text", dir: "auto" });
  const preview = item.isExpanded ? item.text : previewOf(item.text);
  element.append(...piecesOf(preview, me).map(pieceOf));
  if (preview.length < item.text.length) {
    element.append("… ", h("button", { class: "more", type: "button" }, `Show all ${item.text.length} characters`));
  }
  return element;
}

function previewOf(text) {
  const lines = text.split("\n", PREVIEW_LINES + 1);
  const few = lines.length > PREVIEW_LINES ? lines.slice(0, PREVIEW_LINES).join("\n") : text;
  if (few.length <= PREVIEW_CHARACTERS + 200) return few;
  // Not in the middle of an address, which would lead elsewhere, nor of a character.
  const start = few.slice(0, PREVIEW_CHARACTERS);
  return start.replace(/\S*$/, "") || start.replace(/[\ud800-\udbff]$/, "");
}

function fillLine(element, { text, tone, is }) {
  if (tone) element.classList.add(tone);
  // A notice is wholly from elsewhere.
  const line = h("div", { class: is === "rule" ? "line" : "body", dir: tone === "notice" && "auto" }, ...nodesOf(text));
  element.append(is === "rule" ? h("div", { class: "gap" }, line) : line);
}

function fillPresence(element, { people, time }) {
  const groups = { came: [], left: [], "came and left again": [], "left and came back": [] };
  for (const [name, [first, last]] of people) {
    const what = first === last ? last : first === "came" ? "came and left again" : "left and came back";
    groups[what].push(name);
  }
  const body = h("div", { class: "body" });
  for (const [what, names] of Object.entries(groups)) {
    if (names.length > 0) body.append(sentence(names, what), " ");
  }
  body.append(timeOf(time));
  element.append(body);
}

function sentence(names, what) {
  const span = h("span", {});
  names.slice(0, NAMES_IN_A_LINE).forEach((name, index) => span.append(index > 0 ? ", " : "", nameOf(name)));
  if (names.length > NAMES_IN_A_LINE) span.append(` and ${names.length - NAMES_IN_A_LINE} more`);
  span.append(` ${what}.`);
  return span;
}

/** What waits to be sent, or could not be. */
export function elementOfEntry(entry, me) {
  const fate = {
    waiting: "Waiting for the connection",
    sent: "Sending…",
    held: "Not confirmed yet",
    kept: "",
    absent: told`Waiting for ${entry.to} to come back`,
    failed: entry.code === "unsure" ? told`Not confirmed: ${entry.reason}` : told`Not sent: ${entry.reason}`,
  }[entry.state];
  const status = h("div", { class: "fate" }, ...nodesOf(fate));
  if (canBeSentAgain(entry)) status.append(h("button", { type: "button", "data-do": "again" }, "Send again"));
  if (entry.state === "failed" || entry.state === "absent") {
    status.append(
      h("button", { type: "button", "data-do": "edit" }, "Edit"),
      h("button", { type: "button", "data-do": "discard" }, "Discard"),
    );
  }
  const text = textOf(entry, undefined);
  if (entry.action) text.prepend(h("bdi", {}, oneLine(me)), " ");
  return h("li", { class: `item pending ${entry.state}`, "data-id": entry.id }, h("div", { class: "body" }, text, status));
}

