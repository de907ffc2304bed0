// One room, or the whispers with one person: what was said there, in order, and
// who is there. Items are numbered without holes, `first` to `end`, so that the
// list on the page can name a part of them while both ends grow and shrink.

import { keyOf } from "./names.js";

/** Items that are kept while they are read at the end, and while somebody reads back. */
const KEEP = 600;
const KEEP_HELD = 5_000;
const SLACK = 200;

export class Conversation {
  items = [];
  first = 0;
  /** Earlier messages are to be had from the server. */
  hasMore = false;
  /** The position after which a message is news, for coming back. */
  lastPos = undefined;
  /** The server lets us be here now. */
  isJoined = false;
  /** The server let us be here once: it is a room that can be. */
  isKnown = false;
  /** The position before which earlier messages were asked for, while they are under way. */
  loadingBefore = undefined;
  /** How many messages are still to come of those that were missed, where all of them will. */
  missed = 0;
  /** Somebody reads back: nothing may be dropped from the beginning. */
  isHeld = false;
  /** Newer messages than `items` has were dropped, because somebody read back too long. */
  isCut = false;
  people = new Map();
  total = 0;
  topic = undefined;
  unread = 0;
  mentions = 0;
  /** The number of the first item that was not read. */
  newFrom = undefined;
  #known = new Map();

  /** `kind` is `"room"` or `"whisper"`. */
  constructor(kind, name) {
    this.kind = kind;
    this.name = name;
    this.key = `${kind}:${keyOf(name)}`;
  }

  get isRoom() {
    return this.kind === "room";
  }

  get end() {
    return this.first + this.items.length;
  }

  item(number) {
    return this.items[number - this.first];
  }

  /** Appends an item; false where it was dropped. */
  add(item) {
    if (this.isCut) return false;
    if (this.isHeld && this.items.length >= KEEP_HELD) {
      this.isCut = true;
      return false;
    }
    item.number = this.end;
    this.items.push(item);
    if (item.pos) this.#known.set(item.pos, item);
    if (!this.isHeld && this.items.length > KEEP + SLACK) this.#dropFirst(this.items.length - KEEP);
    return true;
  }

  /** Appends a message that came; false where it is known already. */
  addMessage(message) {
    if (this.knows(message) || this.#finds(message)) return false;
    this.add(message);
    return true;
  }

  /** What was heard and in no log got into it after all: a store may be silent for long. */
  #finds({ pos, from, text, time }) {
    const isIt = (item) => item.is === "message" && !item.pos && item.from === from && item.time === time && item.text === text;
    const item = pos && this.items.findLast(isIt);
    if (!item) return false;
    Object.assign(item, { pos, version: (item.version ?? 0) + 1 });
    this.#known.set(pos, item);
    return true;
  }

  knows({ pos, time, from }) {
    const known = this.#known.get(pos);
    if (!known) return false;
    // Another server's store may count in the same way.
    return known.isProvisional || (known.time === time && known.from === from);
  }

  /** The message at this position, if it is here. */
  itemAt(pos) {
    const item = this.#known.get(pos);
    return item && this.item(item.number) === item ? item : undefined;
  }

  /** Drops what `isMeant`; what comes behind it closes up. */
  remove(isMeant) {
    const kept = this.items.filter((item) => !isMeant(item));
    if (kept.length === this.items.length) return;
    for (const item of this.items) if (isMeant(item)) this.#known.delete(item.pos);
    const { newFrom } = this;
    if (newFrom !== undefined) {
      const isBefore = (item) => item.number < newFrom;
      this.newFrom = this.first + kept.filter(isBefore).length;
      const gone = this.items.filter((item) => isMeant(item) && !isBefore(item)).length;
      this.unread = Math.max(0, this.unread - gone);
      this.mentions = Math.min(this.mentions, this.unread);
    }
    this.items = kept;
    kept.forEach((item, index) => (item.number = this.first + index));
  }

  knowsPosition(pos) {
    return this.#known.has(pos);
  }

  /** Takes what was said before all that is here. */
  prepend(messages, hasMore) {
    this.hasMore = hasMore;
    for (const message of messages.filter((message) => !this.knows(message)).reverse()) {
      this.first -= 1;
      message.number = this.first;
      this.items.unshift(message);
      this.#known.set(message.pos, message);
    }
    if (this.items.length > KEEP_HELD) this.#dropLast(this.items.length - KEEP_HELD);
  }

  /** Takes the latest messages of the room, of which some may be here. */
  mergeLatest(messages, hasMore, gap) {
    const firstKnown = messages.findIndex((message) => this.knows(message));
    if (!this.items.some((item) => item.pos)) {
      const later = this.items;
      this.items = [];
      this.first = this.end;
      this.hasMore = hasMore;
      for (const item of [...messages, ...later]) this.add(item);
    } else if (firstKnown === -1) {
      if (messages.length > 0 && gap) this.add(gap);
      for (const message of messages) this.add(message);
    } else {
      const oldest = this.items.find((item) => item.pos);
      if (messages[firstKnown].pos === oldest.pos) this.prepend(messages.slice(0, firstKnown), hasMore);
      for (const message of messages.slice(firstKnown)) this.addMessage(message);
    }
    if (messages.length > 0) this.lastPos = messages.at(-1).pos;
  }

  /** Forgets all items, to load the latest anew. */
  clear() {
    this.#dropFirst(this.items.length);
    this.isCut = false;
    this.loadingBefore = undefined;
  }

  oldestPos() {
    return this.items.find((item) => item.pos && !item.isProvisional)?.pos;
  }

  #dropFirst(count) {
    for (const { pos } of this.items.splice(0, count)) this.#known.delete(pos);
    this.first += count;
    this.hasMore ||= this.isRoom;
  }

  #dropLast(count) {
    for (const { pos } of this.items.splice(this.items.length - count, count)) this.#known.delete(pos);
    this.isCut = true;
  }
}
