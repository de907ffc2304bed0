// The form at the door: name and room.

import { byId, setText } from "./dom.js";
import { roomOf } from "./names.js";
import { oneLine } from "./text.js";

export class Entry {
  #form = byId("entry-form");
  #name = byId("entry-name");
  #room = byId("entry-room");
  #problem = byId("entry-problem");
  #button = byId("entry-button");

  constructor(enter) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#name.value.trim();
      const room = roomOf(this.#room.value) || "lobby";
      if (!name) return this.open({ name, room, problem: "Choose a name first." });
      return enter(name, room);
    });
  }

  /** Asks, and says what was wrong with the last answer. */
  open({ name, room, problem }) {
    byId("entry").hidden = false;
    byId("app").hidden = true;
    this.#name.value = name ?? "";
    this.#room.value = room ?? "";
    this.busy(false);
    setText(this.#problem, problem ? oneLine(problem) : "");
    const isNamed = /name/i.test(problem ?? "");
    this.#name.setAttribute("aria-invalid", String(isNamed));
    const field = !name || isNamed || !problem ? this.#name : this.#button;
    field.focus();
    if (field === this.#name) field.select();
  }

  busy(isBusy, note = "") {
    this.#button.disabled = isBusy;
    setText(this.#button, isBusy ? "Joining…" : "Join");
    setText(byId("entry-note"), note);
  }

  close() {
    byId("entry").hidden = true;
    byId("app").hidden = false;
  }
}
