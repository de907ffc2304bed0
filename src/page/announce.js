// What a screen reader reads out: new messages of the shown conversation, at a
// pace that can be listened to, and whispers and mentions from anywhere.

import { byId, h } from "./dom.js";
import { oneLine } from "./text.js";

const EVERY_MS = 1_500;
const MOST_AT_ONCE = 3;
const KEPT = 12;

export class Announcer {
  #region = byId("announcements");
  #waiting = [];
  #dropped = 0;
  #timer;

  tell(text) {
    this.#waiting.push(text);
    if (this.#waiting.length > MOST_AT_ONCE) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#timer ??= setTimeout(() => this.#speak(), EVERY_MS);
  }

  tellItem(conversation, item) {
    const { from, text, action, is } = item;
    if (is === "info") return this.tell(String(text));
    const said = action ? `${from} ${text}` : `${from}: ${text}`;
    return this.tell(conversation.isRoom ? said : `Whisper from ${said}`);
  }

  /** Reads out nothing of what was said before. */
  forget() {
    this.#waiting = [];
    this.#dropped = 0;
    this.#region.replaceChildren();
  }

  #speak() {
    this.#timer = undefined;
    const lines = this.#dropped > 0 ? [`and ${this.#dropped} more before`, ...this.#waiting] : this.#waiting;
    this.#region.append(...lines.map((line) => h("p", {}, oneLine(line.slice(0, 500)))));
    while (this.#region.children.length > KEPT) this.#region.firstElementChild.remove();
    this.#waiting = [];
    this.#dropped = 0;
  }
}
