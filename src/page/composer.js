// The message box: drafts, sending, and completing names and commands.

import { h, reconcile, setText } from "./dom.js";
import { keyOf } from "./names.js";
import { browserStore } from "./storage.js";
import { setTold } from "./told.js";

const MOST_CHOICES = 8;
const KEPT_LINES = 50;
const LONGEST_WORD = 100;

export class Composer {
  #form;
  #box;
  #choices;
  #problem;
  #perform;
  #candidates;
  #owner;
  #draftKey;
  #offered = [];
  #chosen = 0;
  #lines = [];
  #lineAt = 0;

  /**
   * `perform` does a line and returns why not, if not; `candidates` gives the names and
   * commands for what stands before the caret.
   */
  constructor({ form, box, choices, problem, perform, candidates }) {
    this.#form = form;
    this.#box = box;
    this.#choices = choices;
    this.#problem = problem;
    this.#perform = perform;
    this.#candidates = candidates;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    box.addEventListener("input", () => this.#typed());
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("blur", () => this.#close());
    choices.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const choice = event.target.closest("[role=option]");
      if (choice) this.#take(this.#offered[[...choices.children].indexOf(choice)]);
    });
    addEventListener("pagehide", () => this.#saveDraft());
  }

  /** Shows what was typed for `conversation` before, and not sent. */
  open(conversation, ownName) {
    const key = `draft.${keyOf(ownName)}.${conversation.key}`;
    if (key === this.#draftKey) return;
    this.#saveDraft();
    this.#draftKey = key;
    this.#setText(browserStore.get(key) ?? "");
    const label = conversation.isRoom ? `Message #${conversation.name}` : `Whisper to ${conversation.name}`;
    this.#box.setAttribute("placeholder", label);
    this.#box.setAttribute("aria-label", label);
    setText(this.#problem, "");
  }

  close() {
    this.#saveDraft();
    this.#draftKey = undefined;
    this.#setText("");
  }

  /** Puts a text back into the box, before what is there. */
  restore(text) {
    this.#setText(this.#box.value ? `${text}\n${this.#box.value}` : text);
    this.#saveDraft();
    this.focus();
  }

  focus() {
    this.#box.focus();
  }

  get hasText() {
    return this.#box.value.trim() !== "";
  }

  #send() {
    const text = this.#box.value.trimEnd();
    if (text.trim() === "") return;
    const draft = this.#draftKey;
    // What it does may show another conversation, with a draft of its own.
    const problem = this.#perform(text);
    setTold(this.#problem, problem ?? "");
    if (problem) return;
    browserStore.set(draft);
    if (draft === this.#draftKey) this.#setText("");
    this.#lines = [...this.#lines.filter((line) => line !== text), text].slice(-KEPT_LINES);
    this.#lineAt = this.#lines.length;
  }

  #typed() {
    this.#fit();
    setText(this.#problem, "");
    this.#saveDraft();
    const { word } = this.#word();
    // Names are offered unasked only where a person surely begins one.
    if (/^[@/]./.test(word)) this.#offer();
    else this.#close();
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const { key, shiftKey, altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey) return;
    const isOpen = this.#offered.length > 0;
    if (key === "Tab" && !shiftKey && (isOpen || this.#offer())) {
      if (this.#offered.length === 1 || isOpen) this.#take(this.#offered[this.#chosen]);
    } else if (isOpen && (key === "ArrowDown" || key === "ArrowUp")) {
      this.#choose(this.#chosen + (key === "ArrowDown" ? 1 : -1));
    } else if (isOpen && key === "Enter" && !shiftKey && !this.#isComplete()) {
      this.#take(this.#offered[this.#chosen]);
    } else if (isOpen && key === "Escape") {
      this.#close();
      event.stopPropagation();
    } else if (key === "Enter" && !shiftKey) {
      this.#close();
      this.#send();
    } else if ((key === "ArrowUp" || key === "ArrowDown") && this.#recall(key === "ArrowUp" ? -1 : 1)) {
      // An earlier line is in the box now.
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Goes through the lines that were sent, from an empty box or from one of them. */
  #recall(step) {
    const isRecalled = this.#lines[this.#lineAt] === this.#box.value;
    const at = this.#lineAt + step;
    if ((this.#box.value !== "" && !isRecalled) || at < 0 || at > this.#lines.length) return false;
    if (this.#box.value === "" && step > 0) return false;
    this.#lineAt = at;
    this.#setText(this.#lines[at] ?? "");
    return true;
  }

  #word() {
    const end = this.#box.selectionStart;
    // No name is as long.
    const from = Math.max(0, end - LONGEST_WORD);
    const before = this.#box.value.slice(from, end);
    const start = from + before.search(/\S*$/);
    return { start, end, word: this.#box.value.slice(start, end), isFirst: start === 0 };
  }

  #isComplete() {
    return this.#offered[this.#chosen].trim() === this.#word().word;
  }

  #offer() {
    const { word, isFirst } = this.#word();
    this.#offered = word ? this.#candidates({ word, isFirst }).slice(0, MOST_CHOICES) : [];
    this.#choose(0);
    return this.#offered.length > 0;
  }

  #close() {
    if (this.#offered.length === 0) return;
    this.#offered = [];
    this.#choose(0);
  }

  #choose(index) {
    const count = this.#offered.length;
    this.#chosen = count > 0 ? (index + count) % count : 0;
    this.#choices.hidden = count === 0;
    reconcile(this.#choices, this.#offered.map((text, index) => ({ text, index })), {
      key: ({ index }) => String(index),
      form: ({ text, index }) => `${text} ${index === this.#chosen}`,
      make: ({ text, index }) =>
        h("li", { id: `choice-${index}`, role: "option", "aria-selected": String(index === this.#chosen) }, text.trim()),
    });
    if (count > 0) this.#box.setAttribute("aria-activedescendant", `choice-${this.#chosen}`);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  #take(text) {
    const { start, end } = this.#word();
    this.#box.setRangeText(text, start, end, "end");
    this.#close();
    this.#fit();
    this.#saveDraft();
  }

  #setText(text) {
    this.#box.value = text;
    this.#box.setSelectionRange(text.length, text.length);
    this.#close();
    this.#fit();
  }

  /** As high as its text. Nothing around it moves while that is measured. */
  #fit() {
    this.#form.style.height = `${this.#form.offsetHeight}px`;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
    this.#form.style.height = "";
  }

  #saveDraft() {
    if (this.#draftKey) browserStore.set(this.#draftKey, this.#box.value || undefined);
  }
}
