// What is remembered: for this browser, or for this tab alone. A browser that
// keeps nothing makes the page forgetful, not broken.

const isText = (value) => typeof value === "string";
const isTime = (value) => Number.isFinite(value) && !Number.isNaN(new Date(value).getTime());
const isListOf = (isRight) => (value) => Array.isArray(value) && value.every((each) => Boolean(each) && isRight(each));
const areTexts = (...values) => values.every(isText);

const STATES = ["waiting", "sent", "held", "kept", "absent", "failed"];

/** What each key may hold. Anything else, from another page or a person, counts as nothing. */
const IS_RIGHT = {
  name: isText,
  session: isText,
  token: isText,
  room: isText,
  shown: isText,
  rooms: isListOf(isText),
  whispers: isListOf(({ is, peer, from, text, time }) => is === "whisper" && areTexts(peer, from, text) && isTime(time)),
  outbox: isListOf(
    ({ id, kind, to, text, state, time }) =>
      ["room", "whisper"].includes(kind) && STATES.includes(state) && areTexts(id, to, text) && isTime(time),
  ),
  notify: (value) => typeof value === "boolean",
  alive: (value) => value === true,
  hasQuit: (value) => value === true,
  draft: isText,
};

class Store {
  #area;
  #memory = new Map();

  constructor(open) {
    try {
      this.#area = open();
      this.#area.getItem("chinwag");
    } catch {
      this.#area = undefined;
    }
  }

  get(key) {
    try {
      const text = this.#area ? this.#area.getItem(`chinwag.${key}`) : this.#memory.get(key);
      const value = text === null || text === undefined ? undefined : JSON.parse(text);
      return IS_RIGHT[key.split(".")[0]](value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps `value`; none where it is undefined. */
  set(key, value) {
    const text = value === undefined ? undefined : JSON.stringify(value);
    this.#memory.set(key, text);
    try {
      if (text === undefined) this.#area?.removeItem(`chinwag.${key}`);
      else this.#area?.setItem(`chinwag.${key}`, text);
    } catch {
      // The browser's quota is used up: what is in memory has to do.
      this.#area = undefined;
    }
  }
}

export const browserStore = new Store(() => window.localStorage);
export const tabStore = new Store(() => window.sessionStorage);

/** How long another tab with the same session has to say so. */
const ANSWER_MS = 200;

/**
 * A tab that is duplicated takes a copy of its store along, the session in it
 * too; but a session belongs to one tab. The copy finds the mark of a tab that
 * is alive, asks whether it is, and forgets what is not its own.
 */
export async function forgetIfCopied() {
  const own = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const session = () => tabStore.get("session");
  const channel = new BroadcastChannel("chinwag");
  const wasAlive = tabStore.get("alive");
  if (wasAlive && session()) {
    const isTaken = await new Promise((resolve) => {
      channel.onmessage = ({ data }) => data.answerTo === own && resolve(true);
      channel.postMessage({ whoHas: session(), from: own });
      setTimeout(resolve, ANSWER_MS, false);
    });
    if (isTaken) for (const key of ["session", "name", "rooms", "shown", "outbox", "whispers"]) tabStore.set(key);
  }
  channel.onmessage = ({ data }) => {
    if (data.whoHas && data.whoHas === session()) channel.postMessage({ answerTo: data.from });
  };
  tabStore.set("alive", true);
  addEventListener("pagehide", () => tabStore.set("alive"));
  addEventListener("pageshow", () => tabStore.set("alive", true));
}
