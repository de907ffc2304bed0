// The lists beside the messages: rooms, whispers, other rooms, and who is here.

import { byId, h, icon, reconcile, setText } from "./dom.js";
import { avatarOf, nameOf } from "./items.js";
import { compareNames, keyOf } from "./names.js";
import { oneLine } from "./text.js";

/** More are counted, not listed. */
const MOST_PEOPLE = 200;
const MOST_ROOMS = 50;

export function drawRooms(chat) {
  const { shown } = chat;
  const entry = {
    key: ({ key }) => key,
    form: (conversation) => {
      const { name, unread, mentions, isRoom } = conversation;
      return `${name} ${unread} ${mentions} ${conversation === shown} ${isRoom && chat.rooms.length > 1}`;
    },
    make: (conversation) => conversationEntry(conversation, chat),
  };
  reconcile(byId("rooms"), chat.rooms, entry);
  reconcile(byId("whispers"), chat.whispers, entry);
  byId("whispers-part").hidden = chat.whispers.length === 0;
  const others = chat.allRooms.filter(({ room }) => !chat.conversations.has(`room:${keyOf(room)}`)).slice(0, MOST_ROOMS);
  byId("others-part").hidden = others.length === 0;
  reconcile(byId("others"), others, {
    key: ({ room }) => room,
    form: ({ people, topic }) => `${people} ${topic}`,
    make: otherEntry,
  });
}

function conversationEntry(conversation, chat) {
  const { name, unread, mentions, isRoom, key } = conversation;
  const isShown = conversation === chat.shown;
  const label = h("bdi", { class: "label" }, oneLine(name));
  const badge =
    unread > 0 &&
    h("span", { class: mentions > 0 ? "badge mention" : "badge" }, unread > 999 ? "999+" : String(unread), h("span", { class: "sr-only" }, " unread"));
  const open = h(
    "button",
    { type: "button", class: "entry", "data-open": key, title: oneLine(name), "aria-current": isShown && "page" },
    isRoom ? h("span", { class: "hash", "aria-hidden": "true" }, "#") : avatarOf(name),
    label,
    badge,
  );
  open.classList.toggle("unread", unread > 0);
  const canLeave = !isRoom || chat.rooms.length > 1;
  const leave = canLeave && h("button", { type: "button", class: "leave", "data-leave": key, "aria-label": `Leave ${oneLine(name)}` }, icon("close"));
  return h("li", {}, open, leave);
}

function otherEntry({ room, people, topic }) {
  const about = topic ? oneLine(topic) : undefined;
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "entry", "data-join": room, title: about },
      h("span", { class: "hash", "aria-hidden": "true" }, "#"),
      h("bdi", { class: "label" }, oneLine(room)),
      h("span", { class: "count" }, String(people), h("span", { class: "sr-only" }, people === 1 ? " person" : " people")),
    ),
  );
}

export function drawPeople(chat) {
  const { shown } = chat;
  const isRoom = Boolean(shown?.isRoom);
  const people = isRoom ? [...shown.people.values()].sort((a, b) => compareNames(a.name, b.name)) : [];
  const listed = people.slice(0, MOST_PEOPLE);
  reconcile(byId("people"), listed, {
    key: ({ name }) => name,
    form: ({ name, away }) => `${away} ${chat.isMe(name)} ${isIgnored(chat, name)}`,
    make: (person) => personEntry(person, chat),
  });
  const rest = isRoom ? shown.total - listed.length : 0;
  setText(byId("people-rest"), rest > 0 ? `and ${rest} more` : "");
  setText(byId("people-count"), isRoom ? String(shown.total) : "");
}

const isIgnored = (chat, name) => chat.ignored.some((ignored) => keyOf(ignored) === keyOf(name));

function personEntry({ name, away }, chat) {
  const isMe = chat.isMe(name);
  const notes = [isMe && "you", away !== undefined && "away", isIgnored(chat, name) && "ignored"].filter(Boolean);
  const children = [avatarOf(name), nameOf(name), notes.length > 0 && h("span", { class: "note" }, notes.join(", "))];
  const title = away === undefined || away === "away" ? oneLine(name) : `${oneLine(name)}, away: ${oneLine(away)}`;
  if (isMe) return h("li", {}, h("span", { class: "entry", title }, ...children));
  const entry = h("button", { type: "button", class: "entry", "data-whisper": name, title }, ...children);
  entry.append(h("span", { class: "sr-only" }, " – whisper"));
  entry.classList.toggle("absent", away !== undefined);
  return h("li", {}, entry);
}
