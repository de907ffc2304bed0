// Puts the parts together: what a person does goes to the chat, what the chat
// tells is drawn.

import { Announcer } from "./announce.js";
import { Chat } from "./chat.js";
import { commandNames, perform } from "./commands.js";
import { Composer } from "./composer.js";
import { byId, setText } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Entry } from "./entry.js";
import { everyName, knownNames } from "./events.js";
import { Log } from "./log.js";
import { roomOfAddress } from "./names.js";
import { Reveal } from "./reveal.js";
import { Search } from "./search.js";
import { Notifications, drawTitle } from "./notify.js";
import { Painter } from "./painter.js";
import { drawPeople, drawRooms } from "./sidebar.js";
import { Status } from "./status.js";
import { browserStore, forgetIfCopied, tabStore } from "./storage.js";
import { oneLine } from "./text.js";

const REFRESH_ROOMS_MS = 30_000;

await forgetIfCopied();

const painter = new Painter(draw);
const announcer = new Announcer();
const notifications = new Notifications();
const status = new Status();
const drawer = new Drawer();

const isReading = (conversation) => conversation === chat.shown && log.isFollowing && !document.hidden;

const chat = new Chat({
  changed: (...parts) => painter.mark(...parts),
  heard,
  stateChanged,
  onShow: () => isIn && openShown(),
  isReading,
  onFound: (event) => search.found(event),
  onErased: (isMeant) => {
    search.forget(isMeant);
    announcer.forget();
  },
});

const log = new Log({
  scroller: byId("scroller"),
  list: byId("messages"),
  pending: byId("pending"),
  chat,
  onScroll: read,
});

const reveal = new Reveal({ chat, log, onWay: (is) => (byId("scroller").ariaBusy = String(is)) });

const search = new Search({
  chat,
  goTo: (message) => reveal.start(message),
  leave: () => composer.focus(),
});

const composer = new Composer({
  form: byId("composer"),
  box: byId("box"),
  choices: byId("choices"),
  problem: byId("problem"),
  perform: (line) => perform(line, chat, page),
  candidates,
});

const entry = new Entry((name, room, token) => {
  tabStore.set("hasQuit");
  if (token !== undefined) chat.useToken(token);
  entry.busy(true);
  chat.enter(name, room);
});

/** What commands can do to the page. */
const page = {
  everyName: () => everyName(chat),
  /** Puts a line that the server refused back, where nothing else was begun. */
  giveBack: (line) => composer.hasText || composer.restore(line),
  goBack: (count) => log.goBack(count),
  search: openSearch,
  quit,
};

/** Whether this tab is in the chat, or was before its connection was lost. */
let isIn = false;

function draw(dirty) {
  const all = dirty.has("all");
  if (!isIn) return;
  if (all || dirty.has("title") || dirty.has("rooms")) drawTitle(chat);
  // What nobody sees is drawn when somebody looks again.
  if (document.hidden) return;
  if (all || dirty.has("rooms")) drawRooms(chat);
  if (all || dirty.has("people")) drawPeople(chat);
  if (all || dirty.has("rooms") || dirty.has("people")) drawHead();
  if (all) openShown();
  if (all) search.draw();
  if (all || dirty.has("log") || dirty.has("outbox")) log.draw();
  reveal.next();
  if (all || dirty.has("outbox")) status.draw(chat.connection.state, chat.outbox.hasUnsent);
  read();
}

function drawHead() {
  const { shown, me } = chat;
  byId("talk").dataset.kind = shown?.kind;
  setText(byId("title"), shown ? oneLine(shown.name) : "");
  setText(byId("topic"), shown?.isRoom ? oneLine(shown.topic ?? "") : "Only the two of you see this.");
  setText(byId("me"), oneLine(me.name ?? ""));
  const elsewhere = [...chat.conversations.values()].some(({ unread, key }) => unread > 0 && key !== shown?.key);
  byId("rooms-button").classList.toggle("news", elsewhere);
}

/** Makes the page that of the shown conversation. */
function openShown() {
  const { shown } = chat;
  if (!shown) return;
  composer.open(shown, chat.me.name);
  byId("scroller").setAttribute("aria-label", `Messages ${shown.isRoom ? "in" : "with"} ${oneLine(shown.name)}`);
  if (shown.isRoom && roomOfAddress() !== shown.name) {
    history.replaceState(null, "", `#${encodeURIComponent(shown.name)}`);
  }
}

function drawJump() {
  const count = chat.shown?.unread ?? 0;
  byId("jump").hidden = log.isFollowing;
  const counted = `${count} new message${count === 1 ? "" : "s"}`;
  setText(byId("jump-text"), count > 0 ? counted : "To the newest message");
}

/** The end of the shown conversation may have been read now. */
function read() {
  if (chat.shown && isReading(chat.shown)) chat.markRead(chat.shown);
  drawJump();
}

function heard(conversation, item, isMention) {
  const isShown = conversation === chat.shown;
  if (isShown || isMention) announcer.tellItem(conversation, item);
  if (!isMention) return;
  notifications.tell(conversation, item, () => open(conversation));
}

function stateChanged(state) {
  if (!isIn && state.is === "open") {
    isIn = true;
    entry.close();
    openShown();
    composer.focus();
  }
  if (state.is !== "open") search.connectionLost();
  if (isIn) {
    painter.mark("people");
    status.draw(state, chat.outbox.hasUnsent);
    // Without a name there is nobody to come back as.
    if (state.is === "ended" && state.status) ask(state.reason, state.status);
  } else if (state.is === "ended") {
    ask(state.reason, state.status);
  } else if (state.is === "waiting") {
    entry.busy(false, `${capital(oneLine(state.reason))}. Trying again soon.`);
  }
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Back to the door, for the reason that the server gave, if it did. */
function ask(problem, status) {
  const wantsToken = status === 401;
  if (wantsToken) chat.useToken(undefined);
  isIn = false;
  drawer.close();
  search.clear();
  document.title = "chinwag";
  const room = roomOfAddress() || (chat.shown?.isRoom && chat.shown.name) || tabStore.get("shown") || browserStore.get("room");
  entry.open({ name: chat.me.name, room: room || "lobby", problem: problem && `${capital(problem)}.`, wantsToken });
}

function quit() {
  composer.close();
  chat.quit();
  // A reload does not bring in again who left.
  tabStore.set("hasQuit", true);
  ask();
}

function open(conversation) {
  drawer.close();
  chat.show(conversation);
  composer.focus();
}

/** Looks for `words` in one's rooms, or has them typed. */
function openSearch(words) {
  drawer.close();
  search.open(words);
}

/** Completions of `word`, whole, as they go into the box. */
function candidates({ word, isFirst }) {
  if (isFirst && word.startsWith("/")) {
    const wanted = word.slice(1).toLowerCase();
    return commandNames(chat).filter((name) => name.startsWith(wanted)).map((name) => `/${name} `);
  }
  const wanted = word.replace(/^@/, "").toLowerCase();
  const names = knownNames(chat).filter((name) => name.toLowerCase().startsWith(wanted));
  const every = everyName(chat).map((name) => `${name.toLowerCase()} `);
  const isTwoFold = (name) => every.some((other) => name.toLowerCase().startsWith(other));
  return names.map((name) => (isFirst || isTwoFold(name) ? `${name}: ` : `${name} `));
}

// What a person does.

byId("sidebar").addEventListener("click", ({ target }) => {
  const { open: key, leave, join } = target.closest("button")?.dataset ?? {};
  if (key) open(chat.conversations.get(key));
  if (leave) chat.leave(chat.conversations.get(leave));
  if (join) {
    drawer.close();
    chat.join(join);
    composer.focus();
  }
});

byId("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("join-room");
  if (field.value.trim() === "") return;
  drawer.close();
  chat.join(field.value);
  field.value = "";
  composer.focus();
});

byId("people").addEventListener("click", ({ target }) => {
  const name = target.closest("[data-whisper]")?.dataset.whisper;
  if (name) open(chat.whispersWith(name));
});

byId("pending").addEventListener("click", ({ target }) => {
  const { do: action } = target.dataset;
  const sent = chat.outbox.find(target.closest("[data-id]")?.dataset.id);
  if (!sent) return;
  if (target.classList.contains("more")) chat.outbox.change(sent, { isExpanded: true });
  if (action === "again") chat.sendAgain(sent);
  else if (action) chat.settle(sent);
  if (action === "edit") composer.restore(sent.text);
  painter.mark("outbox");
});

byId("search-button").addEventListener("click", () => (search.isOpen ? search.close() : openSearch()));

byId("retry").addEventListener("click", () => {
  chat.connection.retryNow();
  composer.focus();
});
byId("jump").addEventListener("click", () => {
  log.toEnd();
  composer.focus();
});
byId("skip").addEventListener("click", () => composer.focus());
byId("quit").addEventListener("click", quit);

addEventListener("keydown", (event) => {
  if (!isIn) return;
  const { key, altKey, ctrlKey, metaKey, target } = event;
  const isBox = target === byId("box");
  if (altKey && (key === "ArrowUp" || key === "ArrowDown")) {
    event.preventDefault();
    return step(key === "ArrowDown" ? 1 : -1);
  }
  if ((ctrlKey || metaKey) && !altKey && !event.shiftKey && key.toLowerCase() === "k") {
    event.preventDefault();
    return openSearch();
  }
  if (altKey || ctrlKey || metaKey) return;
  if (key === "Escape") {
    if (drawer.isOpen) return drawer.close();
    log.toEnd();
    composer.focus();
  } else if (isBox && (key === "PageUp" || key === "PageDown")) {
    event.preventDefault();
    log.page(key === "PageDown" ? 1 : -1);
  } else if (key.length === 1 && key !== " " && !target.closest("input, textarea, button, a, select")) {
    // Whoever starts to type means the message box.
    composer.focus();
  }
});

/** Shows the next conversation, or the one before. */
function step(by) {
  const all = [...chat.rooms, ...chat.whispers];
  const at = all.indexOf(chat.shown);
  open(all[(at + by + all.length) % all.length]);
}

addEventListener("hashchange", () => {
  const room = roomOfAddress();
  if (isIn && room && room !== chat.shown?.name) chat.join(room);
  else if (!isIn && room) byId("entry-room").value = room;
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  painter.mark("all");
  painter.flush();
  read();
});

addEventListener("beforeunload", (event) => {
  // A reload keeps it, but whether it is one nobody can tell.
  if (chat.outbox.hasUnsent && !chat.isOnline) event.preventDefault();
});

setInterval(() => {
  if (isIn && !document.hidden) chat.request({ type: "rooms" });
}, REFRESH_ROOMS_MS);

// Who was here before comes in at once.
{
  const { name } = chat.me;
  const room = roomOfAddress() || tabStore.get("shown") || browserStore.get("room");
  entry.open({ name, room: room ?? "lobby" });
  if (name && room && !tabStore.get("hasQuit")) {
    entry.busy(true);
    chat.enter(name, room);
  }
}
