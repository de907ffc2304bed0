// The chat as this tab sees it: who one is, where, what was said, and what one
// can ask for. What the server says is in events.js; drawing is for others.

import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { handle } from "./events.js";
import { keyOf, roomOf } from "./names.js";
import { Outbox, requestOf } from "./outbox.js";
import { delay } from "./retry.js";
import { browserStore, tabStore } from "./storage.js";

const PAGE_OF_HISTORY = 50;
const AFRESH = 100;
/** The longest request in bytes: chat-server takes 16,384 by default. */
const LONGEST_REQUEST = 16_000;
/** An `ack` without one's own copy behind it: the copy was lost with a connection. */
const COPY_WITHIN_MS = 3_000;
/** How often in a row a message is sent again of which the server cannot tell whether it is kept. */
const MOST_DOUBTS = 5;
const KEPT_WHISPERS = 200;
const KEPT_NAMES = 5_000;

export class Chat {
  me = { name: tabStore.get("name") ?? browserStore.get("name"), session: tabStore.get("session"), away: undefined };
  /** What lets this tab in, where the server wants to see something. */
  token = tabStore.get("token");
  conversations = new Map();
  /** The conversation on the page. */
  shown = undefined;
  /** All rooms of the server, as last told. */
  allRooms = [];
  ignored = [];
  // Those of the connection before, until the server has told whom it knows of.
  ignoredBefore = [];
  lastWhisperer = undefined;
  outbox = new Outbox();
  asked = new Set();
  /** What was said to be deleted, in this tab. */
  erased = new Set();
  /**
   * The server knows another session than the one in which messages went out: until all that
   * was missed is here none goes out again, for it may be among that.
   */
  isStranger = false;
  /** Where the first room's log was at the latest welcome. */
  welcomePos = undefined;
  /** Runs while the server is given time, before it is asked again. */
  #pause = undefined;
  /** All names that this tab has heard of, by their keys. */
  names = new Map();
  #requests = new Map();
  #requestCount = 0;
  #longestRequest = LONGEST_REQUEST;

  /**
   * `changed` is told what to draw anew; `heard` gets what others say; `stateChanged`
   * gets the connection's; `onShow` is called when another conversation is shown, before
   * anything can be typed for it; `isReading` tells whether a conversation's end is read;
   * `onFound` gets the answers to searches, `onErased` what is not to be shown any more.
   */
  constructor({ changed, heard, stateChanged, onShow, isReading, onFound, onErased }) {
    this.changed = changed;
    this.heard = heard;
    this.onShow = onShow;
    this.isReading = isReading;
    this.onFound = onFound;
    this.onErased = onErased;
    this.connection = new Connection({
      query: () => this.#query(),
      token: () => this.token,
      onEvent: (event) => handle(this, event),
      onState: (state) => {
        this.#connectionChanged(state);
        stateChanged(state);
      },
    });
    for (const { peer, ...item } of tabStore.get("whispers") ?? []) this.whispersWith(peer).add(item);
  }

  get isOnline() {
    return this.connection.state.is === "open";
  }

  get rooms() {
    return [...this.conversations.values()].filter((conversation) => conversation.isRoom);
  }

  get whispers() {
    return [...this.conversations.values()].filter((conversation) => !conversation.isRoom);
  }

  /** Remembers that there is, or was, somebody of this name. */
  meet(name) {
    const key = keyOf(name);
    this.names.delete(key);
    this.names.set(key, name);
    if (this.names.size > KEPT_NAMES) this.names.delete(this.names.keys().next().value);
  }

  isMe(name) {
    return keyOf(name) === keyOf(this.me.name);
  }

  // Where one is.

  /** Comes in under `name`, into `room` and the rooms that this tab was in. */
  enter(name, room) {
    this.me.name = name;
    const before = this.rooms.length === 0 ? (tabStore.get("rooms") ?? []) : [];
    // What could not be entered before is given up.
    for (const { key, isKnown } of this.rooms) if (!isKnown) this.conversations.delete(key);
    for (const each of before) this.room(each).isKnown = true;
    this.show(this.room(room));
    this.connection.connect();
  }

  /** Shows `token` to the server from now on, or none. */
  useToken(token) {
    this.token = token || undefined;
    tabStore.set("token", this.token);
  }

  quit() {
    this.connection.close();
    this.useToken(undefined);
    this.me = { name: this.me.name, session: undefined, away: undefined };
    this.conversations.clear();
    this.shown = undefined;
    this.outbox.clear();
    for (const key of ["session", "name", "rooms", "whispers"]) tabStore.set(key);
    this.changed("all");
  }

  room(name) {
    return this.#conversation("room", name);
  }

  whispersWith(name) {
    return this.#conversation("whisper", name);
  }

  #conversation(kind, name) {
    const key = `${kind}:${keyOf(name)}`;
    let conversation = this.conversations.get(key);
    if (!conversation) {
      conversation = new Conversation(kind, name);
      if (kind === "whisper") this.meet(name);
      this.conversations.set(key, conversation);
      this.changed("rooms");
    }
    return conversation;
  }

  show(conversation) {
    if (this.shown !== conversation && this.shown) this.shown.newFrom = undefined;
    this.shown = conversation;
    this.save();
    this.onShow();
    this.changed("all");
  }

  /** Goes into a room, new or not, and shows it. `refused` is called where the server will not. */
  join(typed, refused) {
    const name = roomOf(typed);
    if (!name) return;
    const isNew = !this.conversations.has(`room:${keyOf(name)}`);
    const room = this.room(name);
    const before = this.shown;
    this.show(room);
    if (!isNew || !this.isOnline) return;
    this.askToJoin(room, () => {
      this.forget(room, before);
      refused?.();
    });
  }

  /** The server lets us be in `room`. */
  isIn(room) {
    room.isJoined = room.isKnown = true;
    this.save();
  }

  askToJoin(room, failed) {
    this.request({ type: "join", room: room.name, since: room.lastPos }, failed);
    this.request({ type: "who", room: room.name });
  }

  leave(conversation) {
    if (conversation.isRoom && this.rooms.length === 1) {
      return this.inform("This is your only room: /join another first, or /quit.", "error");
    }
    if (conversation.isRoom) this.request({ type: "leave", room: conversation.name });
    this.forget(conversation);
  }

  /** Has no more to do with a conversation; shows `next`, or a room beside it. */
  forget(conversation, next) {
    const at = this.rooms.indexOf(conversation);
    this.conversations.delete(conversation.key);
    if (this.shown === conversation) {
      this.show(this.conversations.get(next?.key) ?? this.rooms[Math.max(0, at - 1)]);
    }
    this.save();
    this.saveWhispers();
    this.changed("rooms");
  }

  // What one says.

  /** Says it, now or when the connection is back. Returns why not, where it cannot be said at all. */
  say(conversation, text, action = false) {
    const problem = this.tooLong(conversation.kind, conversation.name, text, action);
    if (problem) return problem;
    conversation.newFrom = undefined;
    this.#transmit(this.outbox.add(conversation.kind, conversation.name, text, action));
    this.changed("outbox", "log");
    return undefined;
  }

  /** Whispers it, and shows the whispers. Returns why not, where it cannot be said at all. */
  whisper(name, text) {
    const problem = this.tooLong("whisper", name, text);
    if (problem) return problem;
    const conversation = this.whispersWith(name);
    this.show(conversation);
    return this.say(conversation, text);
  }

  /** What is wrong with a message that the server would not take for its length. */
  tooLong(kind, to, text, action) {
    const over = sizeOf(this.outbox.draft(kind, to, text, action)) - this.#longestRequest;
    return over > 0 ? `Too long: ${over} byte${over === 1 ? "" : "s"} over what one message may have.` : undefined;
  }

  sendWaiting() {
    for (const entry of this.outbox.entries) {
      if (["waiting", "held", "absent"].includes(entry.state)) this.#transmit(entry);
      // It was on its way before a reload, or its copy is lost.
      else if (entry.state === "kept") this.kept(entry, entry.pos);
    }
    this.changed("outbox");
  }

  /** The server is unsure whether it has `entry`: it is asked again, under the same id; false where it was often enough. */
  askAgain(entry) {
    const doubts = (entry.doubts ?? 0) + 1;
    if (doubts > MOST_DOUBTS) return false;
    this.outbox.change(entry, { state: "held", doubts });
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.sendWaiting();
    }, delay(doubts - 1));
    this.changed("outbox");
    return true;
  }

  /** Sends what the server did not take. */
  sendAgain(entry) {
    this.outbox.change(entry, { state: "waiting", reason: undefined, code: undefined, doubts: undefined });
    this.#transmit(entry);
    this.changed("outbox");
  }

  /** Sends what waits for one of these people. */
  sendToThoseHere(names) {
    const absent = this.outbox.entries.filter(({ state }) => state === "absent");
    if (absent.length === 0) return;
    const here = new Set(names.map(keyOf));
    for (const entry of absent) if (here.has(keyOf(entry.to))) this.#transmit(entry);
    this.changed("outbox");
  }

  #transmit(entry) {
    if (sizeOf(entry) > this.#longestRequest) {
      return this.outbox.change(entry, { state: "failed", reason: "it is too long for this server" });
    }
    if (this.isStranger) return undefined;
    // What is said later is to stay behind it.
    if (this.#pause) return this.outbox.change(entry, { state: "held" });
    if (!this.connection.send(requestOf(entry))) return this.outbox.change(entry, { isLate: true });
    return this.outbox.change(entry, { state: "sent", wasSent: true, isUncertain: entry.wasSent });
  }

  /** The server has it; one's own copy comes too, unless it was lost with a connection. */
  kept(entry, pos) {
    const conversation = this.#conversation(entry.kind, entry.to);
    if (pos !== undefined && conversation.knowsPosition(pos)) return this.settle(entry);
    this.outbox.change(entry, { state: "kept", pos });
    setTimeout(() => {
      if (!this.outbox.entries.includes(entry)) return;
      if (pos !== undefined && conversation.knowsPosition(pos)) return this.settle(entry);
      const { id, text, action, time } = entry;
      const from = this.me.name;
      conversation.add({ is: entry.kind === "room" ? "message" : "whisper", from, text, action, time, pos, id, isProvisional: true });
      this.settle(entry);
    }, COPY_WITHIN_MS);
    this.changed("outbox");
  }

  settle(entry) {
    this.outbox.remove(entry);
    this.changed("outbox", "log");
  }

  // What one asks.

  /**
   * Asks the server. `failed` gets the reason where it will not, and returns true where
   * nobody need read that. The request's id; false where there is no connection.
   */
  request(request, failed) {
    this.#requestCount += 1;
    const id = `r${this.#requestCount}`;
    if (!this.connection.send({ ...request, id })) return false;
    if (failed) this.#requests.set(id, failed);
    this.#requests.delete(`r${this.#requestCount - 500}`);
    return id;
  }

  /**
   * Asks for something that a person wants to read the answer to; `refused` is called
   * where the server does not give one. Returns why not, where it cannot be asked at all.
   */
  ask(request, about = request.type, refused = undefined) {
    const failed = () => {
      this.asked.delete(about);
      refused?.();
    };
    if (!this.request(request, failed)) return "There is no connection now. Try again when it is back.";
    this.asked.add(about);
    return undefined;
  }

  takeRequest(id) {
    const failed = this.#requests.get(id);
    this.#requests.delete(id);
    return failed;
  }

  loadEarlier(conversation, limit = PAGE_OF_HISTORY) {
    const { isRoom, isJoined, hasMore, loadingBefore } = conversation;
    const before = conversation.oldestPos();
    if (!isRoom || !isJoined || !hasMore || loadingBefore !== undefined || before === undefined) return;
    const failed = () => {
      conversation.loadingBefore = undefined;
      conversation.hasMore = false;
      this.changed("log");
      return true;
    };
    const request = { type: "history", room: conversation.name, before, limit };
    if (this.request(request, failed)) conversation.loadingBefore = before;
    this.changed("log");
  }

  /** Loads the end anew, after reading back so long that it was not kept. */
  loadEnd(conversation) {
    if (!this.request({ type: "history", room: conversation.name, limit: AFRESH })) return false;
    conversation.clear();
    this.changed("log");
    return true;
  }

  // What there is to read.

  /** Tells only this person something, in the conversation that is shown. */
  inform(text, tone) {
    this.shown?.add({ is: "info", text, tone, time: Date.now() });
    this.changed("log");
    this.heard(this.shown, { is: "info", text }, false);
  }

  markRead(conversation) {
    if (!conversation.unread) return;
    conversation.unread = conversation.mentions = 0;
    this.changed("rooms", "title");
  }

  get unread() {
    return [...this.conversations.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  save() {
    const rooms = this.rooms.filter(({ isKnown }) => isKnown).map(({ name }) => name);
    tabStore.set("rooms", rooms);
    tabStore.set("session", this.me.session);
    tabStore.set("name", this.me.name);
    if (this.shown?.isRoom && this.shown.isKnown) {
      tabStore.set("shown", this.shown.name);
      browserStore.set("room", this.shown.name);
    }
  }

  /** Whispers are kept nowhere else. */
  saveWhispers() {
    const all = this.whispers.flatMap(({ name, items }) =>
      items.filter(({ is }) => is === "whisper").map(({ number, ...item }) => ({ ...item, peer: name })),
    );
    all.sort((a, b) => a.time - b.time);
    tabStore.set("whispers", all.length > 0 ? all.slice(-KEPT_WHISPERS) : undefined);
  }

  // The connection.

  #query() {
    // A room that cannot be would keep us out of the chat: others first.
    const inOrder = [this.shown, ...this.rooms].filter((conversation) => conversation?.isRoom);
    const first = inOrder.find(({ isKnown }) => isKnown) ?? inOrder[0];
    return { name: this.me.name, room: first?.name, session: this.me.session, since: first?.lastPos };
  }

  #connectionChanged({ is, code, reason }) {
    if (is === "open") return;
    if (code === 1009) this.#learnLimit(reason);
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.outbox.connectionLost();
    this.asked.clear();
    this.#requests.clear();
    for (const conversation of this.conversations.values()) {
      conversation.isJoined = false;
      conversation.loadingBefore = undefined;
      conversation.missed = 0;
    }
    this.changed("outbox");
  }

  /** One of the messages was over this server's limit: it is not sent again, nor is one as long. */
  #learnLimit(reason) {
    const sent = this.outbox.entries.filter(({ state }) => state === "sent");
    if (sent.length === 0) return;
    const longest = sent.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
    const told = Number(/\b(\d+) bytes/.exec(reason)?.[1] ?? NaN);
    const guess = Math.floor(sizeOf(longest) * 0.75);
    this.#longestRequest = told > 0 && told < sizeOf(longest) ? told : guess;
    this.outbox.change(longest, { state: "failed", reason: "it is too long for this server" });
    this.connection.forgive();
  }
}

const sizeOf = (entry) => new TextEncoder().encode(JSON.stringify(requestOf(entry))).length;
