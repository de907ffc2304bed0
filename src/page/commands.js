// What a person types: a message, or a command that starts with "/". The same
// commands as in the terminal, and the same answers to what is none.

import { roomOf } from "./names.js";
import { told } from "./told.js";

const COMMANDS = [
  ["me", "TEXT", "does something: /me waves"],
  ["help", "[COMMAND]", "lists the commands, or explains one"],
  ["who", "[ROOM]", "tells who is here, or in another room"],
  ["rooms", "", "lists the rooms"],
  ["join", "ROOM", "comes into a room, and shows it"],
  ["leave", "[ROOM]", "leaves this room, or another"],
  ["msg", "NAME TEXT", "says it to one person alone; /msg NAME: TEXT where the name has spaces"],
  ["reply", "TEXT", "says it to who whispered to you last"],
  ["nick", "NAME", "takes another name"],
  ["topic", "[TEXT]", "says what this room is about; - removes it; without TEXT tells it"],
  ["away", "[TEXT]", "tells that you are away, and why"],
  ["back", "", "tells that you are back"],
  ["ignore", "[NAME]", "hears no more of somebody; without NAME lists those"],
  ["unignore", "NAME", "hears somebody again"],
  ["history", "[NUMBER]", "goes back through the last messages of this room"],
  ["search", "WORDS", "finds messages with all these words in your rooms; wor* for what begins so"],
  ["whois", "NAME", "tells since when somebody is here, how idle and how far away"],
  ["quit", "", "leaves the chat"],
].map(described);

/** For those alone who keep order. */
const ORDERS = [
  ["kick", "NAME [REASON]", "ends somebody's connection"],
  ["ban", "NAME|ADDRESS [TIME] [REASON]", "shuts out a name, an address or network, or with address:NAME where somebody comes from; for a TIME such as 30m, 2h or 7d, or for good"],
  ["unban", "NAME|ADDRESS", "lets in again, as /bans shows it"],
  ["bans", "", "lists who is banned"],
  ["mute", "NAME [TIME] [REASON]", "lets somebody listen and not talk"],
  ["unmute", "NAME", "lets somebody talk again"],
  ["lock", "[ROOM]", "keeps newcomers out of this room, or of another"],
  ["unlock", "[ROOM]", "lets newcomers in again"],
  ["notice", "TEXT", "tells everyone, in the server's name"],
  ["erase", "NAME[: ROOM]", "deletes for good what somebody said, everywhere or in one room"],
].map(described);

function described([name, args, what]) {
  return { name, args, what, usage: `/${name}${args && ` ${args}`}` };
}

const KEYS = [
  "Enter sends, Shift+Enter starts a new line, // at the start says one /.",
  "Tab completes a name or a command. Alt+Up and Alt+Down go through the conversations.",
  "Ctrl+K or ⌘K searches in your rooms.",
  "Page Up and Page Down scroll from the message box, Escape goes to the newest message.",
].join("\n");

/** The server takes as many for a topic, or for why one is away. */
const LONGEST_LINE = 200;

const commandsOf = (chat) => (chat.me?.isOperator ? [...COMMANDS, ...ORDERS] : COMMANDS);

/** Those that this person has. */
export const commandNames = (chat) => commandsOf(chat).map(({ name }) => name);

/** Does what was typed. Returns why not, where it cannot be done; the text stays then. */
export function perform(line, chat, page) {
  if (!line.startsWith("/")) return chat.say(chat.shown, line);
  if (line.startsWith("//")) return chat.say(chat.shown, line.slice(1));
  const [, typed, rest] = /^\/(\S*)\s*([^]*)$/.exec(line);
  const arg = rest.trim();
  const command = [...COMMANDS, ...ORDERS].find(({ name }) => name === typed.toLowerCase());
  if (!command) return unknown(typed, chat);
  const needsMore = command.args && !command.args.startsWith("[") && !arg;
  const usage = `Use it like this: ${command.usage}`;
  if (needsMore) return usage;
  const refused = () => page.giveBack(line);
  return actions[command.name]({ chat, page, arg, usage, refused, ask: (request, about) => chat.ask(request, about, refused) });
}

/** What is wrong with a text that may not be as long. */
function overlong(what, text) {
  const over = [...text].length - LONGEST_LINE;
  return over > 0 ? `${what} is too long: ${over} character${over === 1 ? "" : "s"} over ${LONGEST_LINE}.` : undefined;
}

const needsRoom = (chat) => (chat.shown.isRoom ? undefined : "This works in a room only.");

const actions = {
  me: ({ chat, arg }) => chat.say(chat.shown, arg, true),
  help({ chat, arg }) {
    const wanted = arg.replace(/^\//, "").toLowerCase();
    const command = [...COMMANDS, ...ORDERS].find(({ name }) => name === wanted);
    if (wanted && !command) return unknown(wanted, chat);
    const listed = command ? [command] : commandsOf(chat);
    const lines = listed.map(({ usage, what }) => `${usage} – ${what}`).join("\n");
    chat.inform(command ? lines : `${lines}\n\n${KEYS}`);
    return undefined;
  },
  who({ chat, arg, ask }) {
    if (!arg && needsRoom(chat)) return needsRoom(chat);
    const room = roomOf(arg) || chat.shown.name;
    return ask({ type: "who", room }, `who room:${room}`);
  },
  rooms: ({ ask }) => ask({ type: "rooms" }),
  join: ({ chat, arg, refused }) => chat.join(arg, refused),
  leave({ chat, arg }) {
    const wanted = roomOf(arg);
    const conversation = wanted ? chat.conversations.get(`room:${wanted}`) : chat.shown;
    if (!conversation) return `You are not in #${wanted}.`;
    return chat.leave(conversation);
  },
  msg({ chat, page, arg, usage }) {
    const { name, text, meant } = splitName(arg, page.everyName());
    if (meant) return told`Do you mean ${either(meant)}? Say so with a colon: /msg NAME: TEXT`;
    if (!name || !text) return usage;
    return chat.whisper(name, text);
  },
  reply({ chat, arg }) {
    if (!chat.lastWhisperer) return "Nobody has whispered to you yet.";
    return chat.whisper(chat.lastWhisperer, arg);
  },
  nick: ({ arg, ask }) => ask({ type: "nick", name: arg }),
  topic({ chat, arg, ask }) {
    if (needsRoom(chat)) return needsRoom(chat);
    const room = chat.shown.name;
    if (!arg) return ask({ type: "topic", room }, `topic ${chat.shown.key}`);
    return overlong("The topic", arg) ?? ask({ type: "topic", room, text: arg === "-" ? "" : arg });
  },
  away: ({ arg, ask }) => overlong("Why you are away", arg) ?? ask({ type: "away", text: arg }),
  back: ({ ask }) => ask({ type: "back" }),
  ignore: ({ arg, ask }) => ask({ type: "ignore", ...(arg && { name: arg }) }),
  unignore: ({ arg, ask }) => ask({ type: "unignore", name: arg }, "ignore"),
  history({ chat, page, arg, usage }) {
    if (needsRoom(chat)) return needsRoom(chat);
    if (arg && !/^[1-9]\d*$/.test(arg)) return usage;
    return page.goBack(Number(arg) || undefined);
  },
  search: ({ page, arg }) => page.search(arg),
  whois: ({ arg, ask }) => ask({ type: "whois", name: arg }),
  quit: ({ page, arg, usage }) => (arg ? usage : page.quit()),
  kick: (it) => order(it, "kick", it.page.everyName(), ({ name, text }) => ({ name, reason: text })),
  ban(it) {
    const names = it.page.everyName();
    return order(it, "ban", [...names, ...names.map((name) => `address:${name}`)], ({ name, text }) => timed({ who: name }, text));
  },
  unban: ({ arg, ask }) => ask({ type: "unban", who: arg }),
  bans: ({ arg, ask, usage }) => (arg ? usage : ask({ type: "bans" })),
  mute: (it) => order(it, "mute", it.page.everyName(), ({ name, text }) => timed({ name }, text)),
  unmute: ({ arg, ask }) => ask({ type: "unmute", name: arg }),
  lock: (it) => roomOrder(it, "lock"),
  unlock: (it) => roomOrder(it, "unlock"),
  notice: ({ arg, ask }) => ask({ type: "notice", text: arg }),
  erase({ arg, ask }) {
    // A guess at where the name ends could delete somebody else's: no name has a colon.
    const [, name, room] = /^([^:]*):?([^]*)$/.exec(arg);
    return ask({ type: "erase", name: name.trim(), ...(room.trim() && { room: roomOf(room) }) });
  },
};

/** An order about somebody, whose name may have spaces. */
function order({ arg, ask, usage }, type, names, fieldsOf) {
  // An address has colons, and may end with two of them.
  const { name: named, text, meant } = splitName(arg, names, type === "ban" ? /^\S*/ : undefined);
  const name = named?.replace(/(?<!:):$/, "");
  if (meant) return told`Do you mean ${either(meant)}? Say so with a colon: ${`/${type} NAME: …`}`;
  if (!name) return usage;
  const fields = fieldsOf({ name, text });
  if (typeof fields === "string") return fields;
  return overlong("The reason", fields.reason) ?? ask({ type, ...fields });
}

function roomOrder({ chat, arg, ask }, type) {
  if (!arg && needsRoom(chat)) return needsRoom(chat);
  return ask({ type, room: roomOf(arg) || chat.shown.name });
}

const UNITS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** A time, where the text begins with one, and a reason; or what is wrong with the time. */
function timed(fields, text) {
  const [, first, rest] = /^(\S*)\s*([^]*)$/.exec(text);
  // A reason that begins so is more likely a time with a slip.
  if (!/^\d/.test(first)) return { ...fields, reason: text };
  if (!/^(\d+(ms|s|min|m|h|d|w))+$/.test(first)) return `${first.slice(0, 32)} is no time, such as 30m, 2h or 7d.`;
  const parts = [...first.matchAll(/(\d+)(ms|s|min|m|h|d|w)/g)];
  return { ...fields, for: parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0), reason: rest };
}

/**
 * A name and a text: up to a colon, which no name has, where a known name ends there; or
 * else the one of `names` that `arg` starts with, in any case, or its first word. Where
 * several could be `meant`, those: a guess may tell a secret to somebody else.
 */
export function splitName(arg, names, word = /^[^\s:]*/) {
  const lower = arg.toLowerCase();
  const known = names.filter((name) => lower.startsWith(name.toLowerCase()) && /^(\s|:|$)/.test(arg.slice(name.length)));
  const named = known.find((name) => arg[name.length] === ":");
  if (!named && known.length > 1) return { meant: known };
  const name = named ?? known[0] ?? word.exec(arg)[0];
  return { name, text: arg.slice(name.length).replace(/^:/, "").trim() };
}

const either = (names) => names.map((name, index) => (index === 0 ? told`${name}` : told` or ${name}`)).reduce((a, b) => told`${a}${b}`);

function unknown(typed, chat) {
  const near = commandNames(chat)
    .map((name) => ({ name, distance: distance(typed.toLowerCase(), name) }))
    .sort((a, b) => a.distance - b.distance)
    .find(({ name, distance }) => distance <= Math.max(2, name.length) / 2);
  const hint = near ? `Did you mean /${near.name}? ` : "";
  return `There is no command /${typed.slice(0, 32)}. ${hint}/help lists all.`;
}

/** Damerau and Levenshtein's: how many keys were hit wrongly. */
function distance(a, b) {
  const rows = [[...Array(b.length + 1).keys()]];
  for (let i = 1; i <= Math.min(a.length, 32); i += 1) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows.at(-1)[b.length];
}
