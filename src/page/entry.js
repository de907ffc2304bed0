// The form at the door: name and room, and a token where the server wants one.

import { byId, setText } from "./dom.js";
import { roomOf } from "./names.js";
import { oneLine } from "./text.js";

/** What a browser can hand over: it goes where the name of a subprotocol would. */
const IS_TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export class Entry {
  #form = byId("entry-form");
  #name = byId("entry-name");
  #room = byId("entry-room");
  #token = byId("entry-token");
  #problem = byId("entry-problem");
  #button = byId("entry-button");

  constructor(enter) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#name.value.trim();
      const room = roomOf(this.#room.value) || "lobby";
      if (!name) return this.open({ name, room, problem: "Choose a name first." });
      const token = this.#token.hidden ? undefined : this.#token.value.trim();
      if (token && !IS_TOKEN.test(token)) return this.open({ name, room, problem: "That is no token: it has characters that none has.", wantsToken: true });
      return enter(name, room, token);
    });
  }

  /** Asks, for a token too where the last one was no good, and says what was wrong with the last answer. */
  open({ name, room, problem, wantsToken }) {
    byId("entry").hidden = false;
    byId("app").hidden = true;
    this.#name.value = name ?? "";
    this.#room.value = room ?? "";
    if (wantsToken) {
      this.#token.value = "";
      this.#token.hidden = byId("entry-token-label").hidden = false;
    }
    this.busy(false);
    setText(this.#problem, problem ? oneLine(problem) : "");
    const isNamed = !wantsToken && /name/i.test(problem ?? "");
    this.#name.setAttribute("aria-invalid", String(isNamed));
    this.#token.setAttribute("aria-invalid", String(Boolean(wantsToken)));
    const field = !name || isNamed || !problem ? this.#name : wantsToken ? this.#token : this.#button;
    field.focus();
    if (field === this.#name) field.select();
  }

  busy(isBusy, note = "") {
    this.#button.disabled = isBusy;
    setText(this.#button, isBusy ? "Joining…" : "Join");
    setText(byId("entry-note"), note);
  }

  close() {
    // What is secret is not left lying in a form.
    this.#token.value = "";
    this.#token.hidden = byId("entry-token-label").hidden = true;
    byId("entry").hidden = true;
    byId("app").hidden = false;
  }
}
