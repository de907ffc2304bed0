// What was typed and is not known to have arrived. It survives a lost connection
// and a reload of the page: the server knows an id that it saw before, so sending
// again is safe.

import { tabStore } from "./storage.js";

export class Outbox {
  /**
   * Entries `{ id, kind, to, text, action, state, reason, code, pos, wasSent, isUncertain,
   * doubts }`; `wasSent` are those that may have arrived, `isUncertain` those that were sent
   * again and may have arrived the first time; `state` is `waiting` (for the connection), `sent`, `held` (the server is unsure, of this
   * one or of one before it, and is asked again), `kept`, `absent` (waits for a person), or
   * `failed`.
   */
  entries = (tabStore.get("outbox") ?? []).map((entry) => (isUnderWay(entry) ? { ...entry, state: "waiting" } : entry));
  #prefix = crypto.getRandomValues(new Uint32Array(2)).reduce((id, part) => id + part.toString(36), "");
  #count = 0;

  add(kind, to, text, action) {
    const entry = this.draft(kind, to, text, action);
    this.#count += 1;
    this.entries.push(entry);
    this.#save();
    return entry;
  }

  /** An entry as the next one would be. */
  draft(kind, to, text, action) {
    const id = `${this.#prefix}-${this.#count + 1}`;
    return { id, kind, to, text, action, state: "waiting", time: Date.now() };
  }

  find(id) {
    return id === undefined ? undefined : this.entries.find((entry) => entry.id === id);
  }

  of({ kind, name }) {
    return this.entries.filter((entry) => entry.kind === kind && entry.to === name);
  }

  change(entry, fields) {
    Object.assign(entry, fields);
    this.#save();
  }

  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.#save();
  }

  /** Those whose fate the lost connection took along are to be sent again. */
  connectionLost() {
    for (const entry of this.entries) if (isUnderWay(entry)) entry.state = "waiting";
    this.#save();
  }

  /** The one that went out before and that a message of one's own is. */
  recognize(room, { text, action }) {
    return this.of(room).find((entry) => entry.wasSent && entry.text === text && Boolean(entry.action) === Boolean(action));
  }

  /** The one that is known to be in the log at `pos`. */
  keptAt(pos) {
    return this.entries.find((entry) => entry.state === "kept" && entry.pos === pos && pos !== undefined);
  }

  clear() {
    this.entries = [];
    this.#save();
  }

  get hasUnsent() {
    return this.entries.some((entry) => entry.state !== "kept");
  }

  #save() {
    tabStore.set("outbox", this.entries.length > 0 ? this.entries : undefined);
  }
}

const isUnderWay = ({ state }) => state === "sent" || state === "held";

/** Whether what failed can be sent again as it is: it failed for the server's store. */
export const canBeSentAgain = ({ state, code }) => state === "failed" && (code === "not_kept" || code === "unsure");

/** The request that sends an entry. */
export function requestOf({ id, kind, to, text, action }) {
  const where = kind === "room" ? { type: "say", room: to } : { type: "whisper", to };
  return { ...where, text, id, ...(action && { action: true }) };
}
