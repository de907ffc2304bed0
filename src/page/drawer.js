// The lists beside the messages, where the window has no room for them: they
// slide in over the messages, take the focus, and give it back.

import { byId } from "./dom.js";

export class Drawer {
  #open;
  #opener;
  #app = byId("app");

  constructor() {
    for (const button of document.querySelectorAll("[data-drawer]")) {
      button.addEventListener("click", () => this.toggle(button));
    }
    byId("shade").addEventListener("click", () => this.close());
    // A drawer of a narrow window is no drawer in a wide one.
    for (const query of ["(min-width: 701px)", "(min-width: 981px)"]) {
      matchMedia(query).addEventListener("change", () => this.close());
    }
  }

  get isOpen() {
    return this.#open !== undefined;
  }

  toggle(button) {
    const name = button.dataset.drawer;
    if (this.#open === name) return this.close();
    this.close();
    this.#open = name;
    this.#opener = button;
    this.#app.dataset.drawer = name;
    button.setAttribute("aria-expanded", "true");
    byId("talk").inert = true;
    byId(name).querySelector("button:not([hidden])")?.focus();
    return undefined;
  }

  close() {
    if (!this.isOpen) return;
    this.#open = undefined;
    delete this.#app.dataset.drawer;
    byId("talk").inert = false;
    this.#opener.setAttribute("aria-expanded", "false");
    this.#opener.focus();
  }
}
