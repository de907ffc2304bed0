// The connection to the server: opens it, notices when it is dead, and opens it
// again. Knows the protocol's frames, and nothing of the chat.

import { delay, verdictOnAnswer, verdictOnClose } from "./retry.js";

const SUBPROTOCOL = "chinwag.v1";
/** A browser lets a page set no other field of the request, and addresses get into logs. */
const TOKEN_OFFER = "chinwag.token.";
const OPEN_WITHIN_MS = 15_000;
const PROBE_WITHIN_MS = 5_000;
/** After so long without a word the server is asked whether it is there, and has so long to answer. */
const QUIET_MS = 25_000;
const PONG_WITHIN_MS = 10_000;
const CHECK_EVERY_MS = 5_000;
/** A connection that held for so long counts as a success. */
const STABLE_MS = 10_000;

/**
 * Its `state` is one of
 * - `{ is: "idle" }`
 * - `{ is: "connecting" }`
 * - `{ is: "open" }`
 * - `{ is: "waiting", reason, until }`: tries again at `until`
 * - `{ is: "ended", reason, status, code }`: only a person can want to try again
 */
export class Connection {
  state = { is: "idle" };
  #socket;
  #attempt = 0;
  #openedAt = 0;
  #heardAt = 0;
  #pingedAt = 0;
  #checkedAt = 0;
  #timer;
  #query;
  #token;
  #onEvent;
  #onState;

  /** `query` and `token` give what each attempt is made with; `onEvent` gets what the server says. */
  constructor({ query, token, onEvent, onState }) {
    this.#query = query;
    this.#token = token;
    this.#onEvent = onEvent;
    this.#onState = onState;
    setInterval(() => this.#check(), CHECK_EVERY_MS);
    addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake());
  }

  connect() {
    clearTimeout(this.#timer);
    this.#drop();
    this.#set({ is: "connecting" });
    const url = this.#url();
    const token = this.#token();
    const offers = token ? [SUBPROTOCOL, TOKEN_OFFER + token] : [SUBPROTOCOL];
    const socket = new WebSocket(url.href.replace(/^http/, "ws"), offers);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#closed(socket, url, token, code, reason);
    this.#timer = setTimeout(() => this.#lost("the server does not answer"), OPEN_WITHIN_MS);
  }

  /** The last end of the connection counts as no failure. */
  forgive() {
    this.#attempt = Math.max(0, this.#attempt - 1);
  }

  /** Leaves for good. */
  close() {
    clearTimeout(this.#timer);
    this.#drop();
    this.#set({ is: "idle" });
  }

  retryNow() {
    if (this.state.is !== "open" && this.state.is !== "connecting") this.connect();
  }

  /** Whether it went into the connection; arrived it has only when the server says so. */
  send(request) {
    if (this.state.is !== "open" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  #url() {
    const url = new URL("ws", document.baseURI);
    for (const [key, value] of Object.entries(this.#query())) {
      if (value !== undefined) url.searchParams.set(key, value);
    }
    url.hash = "";
    return url;
  }

  #receive(data) {
    this.#heardAt = Date.now();
    this.#pingedAt = 0;
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof event?.type !== "string") return;
    if (event.type === "welcome") {
      clearTimeout(this.#timer);
      this.#openedAt = Date.now();
      this.#set({ is: "open" });
    }
    this.#onEvent(event);
  }

  async #closed(socket, url, token, code, reason) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#timer);
    if (this.state.is === "open") return this.#end({ ...verdictOnClose(code, reason), code });
    if (code !== 1006) return this.#end({ ...verdictOnClose(code, reason), code });
    // A browser does not tell why a WebSocket was refused; plain HTTP does.
    const verdict = await probe(url, token);
    if (socket === this.#socket) this.#end(verdict);
  }

  #end({ reason, isFinal, wait, status, code }) {
    this.#drop();
    if (isFinal) return this.#set({ is: "ended", reason, status, code });
    if (this.#openedAt && Date.now() - this.#openedAt > STABLE_MS) this.#attempt = 0;
    this.#openedAt = 0;
    const pause = (wait ?? 0) + delay(this.#attempt);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.connect(), pause);
    this.#set({ is: "waiting", reason, code, until: Date.now() + pause });
  }

  #lost(reason) {
    clearTimeout(this.#timer);
    this.#end({ reason, isFinal: false });
  }

  /** Forgets the socket; a dead one would take minutes to say that it is closed. */
  #drop() {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  #check() {
    const now = Date.now();
    const slept = this.#checkedAt && now - this.#checkedAt > 4 * CHECK_EVERY_MS;
    this.#checkedAt = now;
    if (this.state.is !== "open") return;
    if (this.#pingedAt && now - this.#pingedAt > PONG_WITHIN_MS) return this.#lost("the server does not answer");
    if (!this.#pingedAt && (slept || now - this.#heardAt > QUIET_MS)) this.#ping(now);
  }

  /** Somebody looks at the page again, or the network is back. */
  #wake() {
    if (this.state.is === "waiting") this.connect();
    else if (this.state.is === "open" && !this.#pingedAt) this.#ping(Date.now());
  }

  #ping(now) {
    if (this.send({ type: "ping" })) this.#pingedAt = now;
  }

  #set(state) {
    this.state = state;
    this.#onState(state);
  }
}

async function probe(url, token) {
  try {
    const answer = await fetch(url, {
      cache: "no-store",
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      redirect: "manual",
      signal: AbortSignal.timeout(PROBE_WITHIN_MS),
    });
    const isPlain = /^text\/plain\b/.test(answer.headers.get("Content-Type") ?? "");
    const reason = isPlain ? (await answer.text()).split("\n")[0].slice(0, 300) : "";
    return verdictOnAnswer(answer.status, reason, answer.headers.get("Retry-After"));
  } catch {
    return { reason: "the server cannot be reached", isFinal: false };
  }
}
