// The search: words go to the server, what it finds is listed, the newest first, and
// each message leads to its place in the conversation.

import { byId, h, reconcile, setText } from "./dom.js";
import { excerptOf } from "./excerpt.js";
import { nameOf } from "./items.js";
import { keyOf } from "./names.js";
import { oneLine } from "./text.js";
import { clockTime, dayName, fullTime, isoTime } from "./time.js";

const AT_ONCE = 30;
/** Where there is no room for it beside the messages, it lies over them. */
const isNarrow = () => matchMedia("(max-width: 980px)").matches;

export class Search {
  #pane = byId("search-pane");
  #form = byId("search-form");
  #field = byId("search-words");
  #here = byId("search-here");
  #more = byId("search-more");
  #list = byId("found");
  #chat;
  #goTo;
  #leave;
  #opener;
  /** The id of the request whose answer is waited for. */
  #asked;
  /** What was looked for, and in which room, if in one alone. */
  #words = "";
  #room;
  #results = [];
  #before;

  /** `goTo` shows a message in its place; `leave` takes the focus where nothing else can. */
  constructor({ chat, goTo, leave }) {
    this.#chat = chat;
    this.#goTo = goTo;
    this.#leave = leave;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    this.#here.addEventListener("change", () => this.#field.value.trim() && this.#begin());
    this.#more.addEventListener("click", () => this.#ask(this.#before));
    this.#list.addEventListener("click", ({ target }) => this.#chosen(target.closest("[data-found]")));
    this.#pane.addEventListener("keydown", (event) => this.#key(event));
    byId("search-close").addEventListener("click", () => this.close());
    byId("shade").addEventListener("click", () => this.close());
    matchMedia("(max-width: 980px)").addEventListener("change", () => this.#cover());
  }

  get isOpen() {
    return !this.#pane.hidden;
  }

  /** Opens it, and looks for `words`, where there are some. */
  open(words) {
    if (!this.isOpen) this.#opener = document.activeElement;
    this.#pane.hidden = false;
    byId("search-button").setAttribute("aria-expanded", "true");
    byId("app").dataset.search = "";
    this.#cover();
    this.draw();
    this.#field.focus();
    if (words) {
      this.#field.value = words;
      this.#begin();
    }
    this.#field.select();
  }

  close() {
    if (!this.isOpen) return;
    const hadFocus = this.#pane.contains(document.activeElement);
    this.#pane.hidden = true;
    byId("search-button").setAttribute("aria-expanded", "false");
    delete byId("app").dataset.search;
    this.#cover();
    if (!hadFocus) return;
    const opener = this.#opener;
    if (opener?.isConnected && opener !== document.body) opener.focus();
    else this.#leave();
  }

  /** Closes it, and forgets what it found. */
  clear() {
    this.close();
    this.#field.value = this.#words = "";
    this.#asked = this.#before = undefined;
    this.#results = [];
    this.#here.checked = false;
    setText(byId("search-status"), "");
    this.draw();
  }

  /** The server's answer. */
  found({ id, messages, before }) {
    if (id !== this.#asked) return;
    this.#asked = undefined;
    const seen = new Set(this.#results.map(({ pos }) => pos));
    this.#results.push(...messages.filter(({ pos }) => !seen.has(pos)).reverse());
    this.#before = before;
    const count = this.#results.length;
    const counted = `${count} message${count === 1 ? "" : "s"} found`;
    const none = before ? "Nothing yet. There may be something earlier." : "Nothing was found.";
    setText(byId("search-status"), count === 0 ? none : before ? `${counted} so far` : counted);
    this.draw();
  }

  /** The answer does not come any more. */
  connectionLost() {
    if (this.#asked) this.#failed("The connection was lost. Search again when it is back.");
  }

  /** Lists nothing any more that `isMeant`. */
  forget(isMeant) {
    this.#results = this.#results.filter((message) => !isMeant(message));
    this.draw();
  }

  /** Draws what changed: what was found, or which room is shown. */
  draw() {
    if (!this.isOpen) return;
    const { shown } = this.#chat;
    byId("search-here-part").hidden = !shown?.isRoom;
    setText(byId("search-room"), shown?.isRoom ? `#${oneLine(shown.name)}` : "");
    this.#more.hidden = !this.#before;
    this.#more.disabled = Boolean(this.#asked);
    reconcile(this.#list, this.#results, {
      key: ({ room, pos }) => `${room} ${pos}`,
      form: ({ time }) => `${this.#words} ${dayName(time)}`,
      make: (message) => elementOf(message, this.#words),
    });
  }

  #begin() {
    const words = this.#field.value.trim();
    if (!words) return;
    const { shown } = this.#chat;
    this.#words = words;
    this.#room = this.#here.checked && shown?.isRoom ? shown.name : undefined;
    this.#results = [];
    this.#ask(undefined);
  }

  #ask(before) {
    const request = { type: "search", words: this.#words, room: this.#room, before, limit: AT_ONCE };
    const failed = (reason) => {
      if (id === this.#asked) this.#failed(`${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`);
      return true;
    };
    const id = this.#chat.request(request, failed);
    this.#before = undefined;
    this.#asked = id || undefined;
    setText(byId("search-status"), id ? "Searching…" : "There is no connection now. Search again when it is back.");
    this.draw();
  }

  #failed(words) {
    this.#asked = undefined;
    setText(byId("search-status"), oneLine(words));
    this.draw();
  }

  #chosen(element) {
    const message = this.#results.find(({ room, pos }) => `${room} ${pos}` === element?.dataset.found);
    if (!message) return;
    if (!this.#chat.conversations.has(`room:${keyOf(message.room)}`)) {
      return setText(byId("search-status"), `You are not in #${oneLine(message.room)} any more.`);
    }
    if (isNarrow()) this.close();
    this.#goTo(message);
  }

  #key(event) {
    const { key, altKey, ctrlKey, metaKey, isComposing } = event;
    if (isComposing || altKey || ctrlKey || metaKey) return;
    if (key === "Escape") this.close();
    else if (key === "ArrowDown" || key === "ArrowUp") this.#step(key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** From the field to the first that was found, from one to the next, and back. */
  #step(by) {
    const stops = [this.#field, ...this.#list.querySelectorAll("button"), ...(this.#more.hidden ? [] : [this.#more])];
    const at = stops.indexOf(document.activeElement);
    stops[Math.max(0, Math.min(stops.length - 1, at + by))].focus();
  }

  /** Nobody gets under it with the keyboard. */
  #cover() {
    if (this.isOpen) byId("talk").inert = isNarrow();
    else if (!byId("app").dataset.drawer) byId("talk").inert = false;
  }
}

function elementOf({ room, from, text, pos, time, action }, words) {
  const pieces = excerptOf(text, words).map(({ text, isHit }) => (isHit ? h("mark", {}, text) : text));
  const what = h("span", { class: "excerpt", dir: "auto" }, ...pieces);
  const when = h("time", { datetime: isoTime(time), title: fullTime(time) }, `${dayName(time)}, ${clockTime(time)}`);
  const where = h("span", { class: "where" }, h("bdi", {}, `#${oneLine(room)}`), " ", when);
  const who = nameOf(from);
  const said = h("span", { class: "said" }, who, action ? " " : ": ", what);
  return h("li", {}, h("button", { type: "button", class: "hit", "data-found": `${room} ${pos}` }, where, said));
}
