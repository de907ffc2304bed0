// When the page is drawn anew. Whatever changes is marked, and drawn together:
// once a frame, less often where drawing takes long, so that typing goes on
// under a flood; while nobody sees the page, by a timer, for frames do not come.

const HIDDEN_MS = 250;
const LONGEST_PAUSE_MS = 250;

export class Painter {
  #draw;
  #dirty = new Set();
  #cancel;
  #pause = 0;

  /** `draw` gets the set of what was marked. */
  constructor(draw) {
    this.#draw = draw;
    document.addEventListener("visibilitychange", () => {
      if (this.#cancel) this.#schedule();
    });
  }

  mark(...parts) {
    for (const part of parts) this.#dirty.add(part);
    if (!this.#cancel) this.#schedule();
  }

  /** Draws at once what is marked. */
  flush() {
    this.#cancel?.();
    this.#cancel = undefined;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    const start = performance.now();
    this.#draw(dirty);
    // Three parts of four of the time are for everything else.
    this.#pause = Math.min(LONGEST_PAUSE_MS, 3 * (performance.now() - start));
  }

  #schedule() {
    this.#cancel?.();
    if (document.hidden) return this.#after(HIDDEN_MS);
    if (this.#pause > 16) return this.#after(this.#pause);
    const frame = requestAnimationFrame(() => this.flush());
    this.#cancel = () => cancelAnimationFrame(frame);
  }

  #after(ms) {
    const timer = setTimeout(() => this.flush(), ms);
    this.#cancel = () => clearTimeout(timer);
  }
}
