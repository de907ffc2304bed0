// What the server says, event by event. One that is not known is from a later
// version, and ignored.

import { compareNames, keyOf } from "./names.js";
import { browserStore } from "./storage.js";
import { mentions } from "./text.js";
import { dayOf, fullTime, roughly } from "./time.js";
import { lines, told } from "./told.js";

/** Comings and goings within this time are told in one line. */
const TOGETHER_MS = 10 * 60_000;

/** The ping behind all that restores what was. */
const RESTORED = "restored";

export function handle(chat, event) {
  if (Object.hasOwn(handlers, event.type)) handlers[event.type](chat, event);
}

const handlers = {
  welcome(chat, { name, session, room: roomName, pos, role }) {
    const before = chat.me.session;
    chat.me = { name, session, away: undefined, isOperator: role === "operator" };
    chat.welcomePos = pos;
    if (before !== undefined && before !== session) chat.isStranger = true;
    browserStore.set("name", name);
    const first = chat.room(roomName);
    first.isKnown = true;
    first.lastPos ??= pos;
    chat.request({ type: "who", room: first.name });
    for (const room of chat.rooms) if (room !== first) chat.askToJoin(room, () => chat.forget(room));
    chat.request({ type: "rooms" });
    chat.ignoredBefore = chat.ignored;
    chat.request({ type: "ignore" });
    if (chat.isStranger) chat.connection.send({ type: "ping", id: RESTORED });
    else chat.sendWaiting();
    chat.save();
    chat.changed("all");
  },

  message(chat, { room: roomName, ...message }) {
    const room = chat.room(roomName);
    const isMissed = room.missed > 0;
    if (isMissed) room.missed -= 1;
    const isRecognized = chat.isStranger && isMissed && chat.isMe(message.from);
    const entry =
      chat.outbox.find(message.id) ??
      chat.outbox.keptAt(message.pos) ??
      (isRecognized ? chat.outbox.recognize(room, message) : undefined);
    if (entry) chat.settle(entry);
    // Without a position it is in no log.
    room.lastPos = message.pos ?? room.lastPos;
    const item = itemFrom(chat, message);
    if (!room.addMessage(item)) return chat.changed("log");
    news(chat, room, item);
  },

  whisper(chat, { from, to, text, time, action, id }) {
    const isOwn = chat.isMe(from);
    const peer = isOwn ? to : from;
    const conversation = chat.whispersWith(peer);
    const entry = chat.outbox.find(id);
    if (entry) chat.settle(entry);
    if (isOwn && id && conversation.items.some((item) => item.id === id)) return;
    const item = { is: "whisper", from, to, text, time, action, id };
    conversation.add(item);
    if (!isOwn) chat.lastWhisperer = from;
    chat.saveWhispers();
    news(chat, conversation, item);
  },

  ack(chat, { id, pos }) {
    const entry = chat.outbox.find(id);
    if (entry) chat.kept(entry, pos);
  },

  history(chat, { room: roomName, messages, more, pos }) {
    const room = chat.room(roomName);
    const items = messages.map((message) => itemFrom(chat, message));
    for (const { id, pos } of items) {
      const entry = chat.outbox.find(id) ?? chat.outbox.keptAt(pos);
      if (entry) chat.settle(entry);
    }
    if (room.loadingBefore !== undefined) {
      room.loadingBefore = undefined;
      room.prepend(items, more);
    } else {
      room.mergeLatest(items, more, ruleOf("Some messages may be missing here."));
    }
    // Where nothing was said yet, what comes next is missed too.
    room.lastPos ??= pos;
    chat.isIn(room);
    chat.changed("log", "people");
  },

  resumed(chat, { room: roomName, complete, missed }) {
    const room = chat.room(roomName);
    chat.isIn(room);
    room.missed = complete ? missed : 0;
    // The position may be another log's, which no message will replace. Here, nothing was said before this one.
    if (!complete && missed === 0) room.lastPos = chat.welcomePos;
    if (!complete && room.items.length > 0) room.add(ruleOf("Some messages may be missing here."));
    else if (missed > 0) room.add(ruleOf(`Back again: ${missed === 1 ? "one message" : `${missed} messages`} since`));
    chat.changed("log", "people");
  },

  gap(chat, { room: roomName, dropped, rooms }) {
    for (const name of rooms?.length ? rooms : [roomName]) {
      const room = chat.room(name);
      room.add(ruleOf(`${dropped} messages are missing here: they came faster than this page could read.`));
      chat.request({ type: "who", room: room.name });
    }
    chat.changed("log");
  },

  joined(chat, { room: roomName, name, time }) {
    chat.meet(name);
    if (chat.isMe(name)) return;
    const room = chat.room(roomName);
    if (!room.people.has(keyOf(name))) room.total += 1;
    room.people.set(keyOf(name), { name, away: undefined });
    addPresence(room, name, "came", time);
    chat.sendToThoseHere([name]);
    chat.changed("people", "log");
  },

  left(chat, { room: roomName, name, time }) {
    chat.meet(name);
    const room = chat.conversations.get(`room:${keyOf(roomName)}`);
    if (!room) return;
    if (chat.isMe(name)) return chat.forget(room);
    if (room.people.delete(keyOf(name))) room.total -= 1;
    addPresence(room, name, "left", time);
    chat.changed("people", "log");
  },

  present(chat, { room: roomName, names, total, away = [] }) {
    const wasAsked = chat.asked.delete(`who room:${keyOf(roomName)}`);
    for (const name of names) chat.meet(name);
    if (wasAsked && names.length === 0) chat.inform(told`Nobody is in #${roomName}.`);
    else if (wasAsked) {
      const rest = (total ?? names.length) - names.length;
      chat.inform(told`${total ?? names.length} in #${roomName}: ${names}${rest > 0 ? told`, and ${rest} more` : told``}`);
    }
    // One may ask about a room that one is not in.
    const room = chat.conversations.get(`room:${keyOf(roomName)}`);
    if (!room) return;
    const absent = new Set(away.map(keyOf));
    const reasons = new Map([...room.people].map(([key, { away }]) => [key, away]));
    room.people = new Map(
      names.map((name) => [keyOf(name), { name, away: absent.has(keyOf(name)) ? reasons.get(keyOf(name)) || "away" : undefined }]),
    );
    room.total = total ?? names.length;
    chat.sendToThoseHere(names);
    chat.changed("people", "rooms");
  },

  rooms(chat, { rooms }) {
    chat.allRooms = rooms;
    if (chat.asked.delete("rooms")) {
      const each = rooms.map(({ room, people, topic, locked }) => told`#${room} (${people}${locked ? told`, locked` : told``})${topic ? told` – ${topic}` : told``}`);
      chat.inform(lines([told`Rooms:`, ...each]));
    }
    chat.changed("rooms");
  },

  headcount(chat, { room: roomName, people }) {
    chat.room(roomName).total = people;
    chat.changed("people");
  },

  renamed(chat, { from, name, time }) {
    chat.meet(name);
    const isMe = chat.isMe(from);
    if (isMe) {
      chat.me.name = name;
      browserStore.set("name", name);
      chat.save();
    }
    for (const room of chat.rooms) {
      const person = room.people.get(keyOf(from));
      if (!person && !isMe) continue;
      room.people.delete(keyOf(from));
      room.people.set(keyOf(name), { ...person, name });
      room.add({ is: "info", text: isMe ? told`You are ${name} now.` : told`${from} is ${name} now.`, time });
    }
    followRename(chat, from, name);
    chat.changed("all");
  },

  topic(chat, { room: roomName, text, by, time }) {
    const room = chat.room(roomName);
    const isNews = room.topic !== undefined && room.topic !== text && by;
    room.topic = text;
    if (chat.asked.delete(`topic ${room.key}`)) {
      chat.inform(text ? told`The topic is: ${text}${by ? told` (by ${by})` : told``}` : "There is no topic.");
    } else if (isNews) {
      const line = text ? told`${by} set the topic: ${text}` : told`${by} removed the topic.`;
      room.add({ is: "info", text: line, time: time ?? Date.now() });
    }
    chat.changed("log", "rooms", "people");
  },

  away(chat, { name, text, time }) {
    const why = text ? told`: ${text}` : told`.`;
    setAway(chat, name, text || "away", { own: told`You are away${why}`, others: told`${name} is away${why}` }, time);
  },

  back(chat, { name, time }) {
    setAway(chat, name, undefined, { own: "You are back.", others: told`${name} is back.` }, time);
  },

  ignoring(chat, { names }) {
    // A server that was started again does not know whom this page ignores.
    const forgotten = chat.ignoredBefore.filter((name) => !names.includes(name));
    chat.ignoredBefore = [];
    chat.ignored = [...names, ...forgotten];
    for (const name of forgotten) chat.request({ type: "ignore", name });
    if (chat.asked.delete("ignore")) {
      chat.inform(names.length > 0 ? told`You ignore ${names}.` : "You ignore nobody.");
    }
    chat.changed("people", "log");
  },

  whois(chat, { name, rooms, since, idle, rtt, away, role, address, subject, muted }) {
    const places = rooms.length > 0 ? rooms.map((room) => told`#${room}`) : told`no room`;
    const far = rtt === undefined ? told`` : told`, ${rtt < 10 ? rtt.toFixed(1) : Math.round(rtt)} ms away`;
    const answer = [
      told`${name} is in ${places}, here since ${fullTime(since)}.`,
      told`Idle for ${roughly(idle)}${far}.`,
    ];
    if (away !== undefined) answer.push(away ? told`Away: ${away}.` : told`Away.`);
    if (role === "operator") answer.push(told`Keeps order here.`);
    if (address) answer.push(told`Comes from ${address}${subject ? told`, as ${subject}` : told``}.`);
    else if (subject) answer.push(told`Comes as ${subject}.`);
    if (muted) answer.push(told`Is muted.`);
    chat.inform(lines(answer));
  },

  moderated(chat, { action, by, name, who, room, until, reason }) {
    const isMe = name !== undefined && chat.isMe(name);
    const deed = Object.hasOwn(DEEDS, action) ? DEEDS[action] : undefined;
    if (!deed) return;
    const whom = isMe ? told`You were` : told`${who ?? name ?? `#${room}`} was`;
    chat.inform(told`${whom} ${deed} by ${by}${termsOf(until, reason)}.`, isMe ? "error" : undefined);
    const lockable = chat.allRooms?.find((known) => known.room === room);
    if (lockable && (action === "lock" || action === "unlock")) lockable.locked = action === "lock";
    chat.changed("rooms");
  },

  found(chat, event) {
    chat.takeRequest(event.id);
    chat.onFound(event);
  },

  erased(chat, { name, alike = [], room: roomName, by, time, messages }) {
    const names = new Set([name, ...alike].map(keyOf));
    const isMeant = ({ is, from }) => is === "message" && names.has(keyOf(from));
    for (const room of chat.rooms) {
      if (roomName !== undefined && keyOf(roomName) !== keyOf(room.name)) continue;
      room.remove(isMeant);
      if (room.hasMore && room.oldestPos() === undefined) chat.loadEnd(room);
    }
    chat.onErased(({ room, from }) => names.has(keyOf(from)) && (roomName === undefined || keyOf(roomName) === keyOf(room)));
    const place = roomName === undefined ? told`` : told` in #${roomName}`;
    const count = messages === undefined ? told`` : told` (${messages} message${messages === 1 ? told`` : told`s`})`;
    // One who comes back may be told again.
    const deed = `${time} ${name}`;
    if (!chat.erased.has(deed)) chat.inform(told`What ${name} said${place} was deleted by ${by}${count}.`);
    chat.erased.add(deed);
    chat.changed("all");
  },

  bans(chat, { bans }) {
    if (bans.length === 0) return chat.inform("Nobody is banned.");
    const each = bans.map(({ who, by, until, reason }) => told`${who}, by ${by}${termsOf(until, reason)}`);
    chat.inform(lines([told`Banned:`, ...each]));
  },

  pong(chat, { id }) {
    if (id !== RESTORED) return;
    chat.isStranger = false;
    chat.sendWaiting();
  },

  notice(chat, { text }) {
    chat.inform(text, "notice");
  },

  error(chat, { code, reason, id }) {
    const entry = chat.outbox.find(id);
    const failed = chat.takeRequest(id);
    // After a restart of the server the other one may not be back yet.
    const isAbsent = entry?.isLate && code === "no_such_name";
    // What the store does not take a second time may be on its way since the first.
    const isUnsure = code === "unsure" || (code === "not_kept" && entry?.isUncertain);
    if (entry && isUnsure && chat.askAgain(entry)) return;
    if (entry) chat.outbox.change(entry, { state: isAbsent ? "absent" : "failed", reason, code: isUnsure ? "unsure" : code, wasSent: isUnsure });
    else if (!failed?.(reason)) chat.inform(reason, "error");
    chat.changed("outbox");
  },
};

const DEEDS = {
  kick: told`kicked`,
  ban: told`banned`,
  unban: told`let in again`,
  mute: told`muted`,
  unmute: told`given the word again`,
  lock: told`locked to newcomers`,
  unlock: told`opened to newcomers`,
};

/** The last moment that a date can tell. */
const END = 8.64e15;
const termsOf = (until, reason) => told`${Number.isFinite(until) ? told` until ${fullTime(Math.min(until, END))}` : told``}${reason ? told`: ${reason}` : told``}`;

function itemFrom(chat, message) {
  chat.meet(message.from);
  return itemOf(message);
}

const itemOf = ({ from, text, pos, time, action, id }) => ({ is: "message", from, text, pos, time, action, id });
const ruleOf = (text) => ({ is: "rule", text, time: Date.now() });

/** Counts what was not read, and tells those who announce it. */
function news(chat, conversation, item) {
  const isOwn = chat.isMe(item.from);
  const isMention = !isOwn && (item.is === "whisper" || mentions(item.text, chat.me.name));
  if (!isOwn && !chat.isReading(conversation)) {
    if (conversation.unread === 0) conversation.newFrom = item.number;
    conversation.unread += 1;
    if (isMention) conversation.mentions += 1;
    chat.changed("rooms", "title");
  }
  if (chat.shown === conversation) chat.changed("log");
  if (!isOwn) chat.heard(conversation, item, isMention);
}

/** Tells a coming or going in the line before, where that is one too. */
function addPresence(room, name, what, time) {
  const last = room.items.at(-1);
  if (last?.is === "presence" && time - last.time < TOGETHER_MS && dayOf(time) === dayOf(last.time)) {
    const [first] = last.people.get(name) ?? [what];
    last.people.set(name, [first, what]);
    last.version += 1;
  } else {
    room.add({ is: "presence", people: new Map([[name, [what, what]]]), time, version: 0 });
  }
}

function setAway(chat, name, away, lines, time) {
  const isMe = chat.isMe(name);
  if (isMe) chat.me.away = away;
  for (const room of chat.rooms) {
    const person = room.people.get(keyOf(name));
    if (!person) continue;
    person.away = away;
    room.add({ is: "info", text: isMe ? lines.own : lines.others, time });
  }
  chat.changed("people", "log", "rooms");
}

function followRename(chat, from, name) {
  const conversation = chat.conversations.get(`whisper:${keyOf(from)}`);
  const key = `whisper:${keyOf(name)}`;
  if (!conversation || (chat.conversations.has(key) && key !== conversation.key)) return;
  chat.conversations.delete(conversation.key);
  Object.assign(conversation, { name, key });
  chat.conversations.set(key, conversation);
  for (const entry of chat.outbox.of({ kind: "whisper", name: from })) chat.outbox.change(entry, { to: name });
  if (chat.lastWhisperer === from) chat.lastWhisperer = name;
}

/** All that somebody may mean: those who are here, were here, or were whispered with. */
export const everyName = (chat) => [...chat.names].filter(([key]) => key !== keyOf(chat.me.name)).map(([, name]) => name).sort(compareNames);

/** Names for a person to choose from: of this room first, then those one whispers with. */
export function knownNames(chat) {
  const names = new Map();
  for (const { name } of chat.shown?.people.values() ?? []) names.set(keyOf(name), name);
  for (const { name } of chat.whispers) names.set(keyOf(name), name);
  for (const room of chat.rooms) for (const { name } of room.people.values()) names.set(keyOf(name), name);
  names.delete(keyOf(chat.me.name));
  return [...names.values()].sort(compareNames);
}
