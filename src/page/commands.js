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
  ["whois", "NAME", "tells since when somebody is here, how idle and how far away"],
  ["quit", "", "leaves the chat"],
].map(([name, args, what]) => ({ name, args, what, usage: `/${name}${args && ` ${args}`}` }));

const KEYS = [
  "Enter sends, Shift+Enter starts a new line, // at the start says one /.",
  "Tab completes a name or a command. Alt+Up and Alt+Down go through the conversations.",
  "Page Up and Page Down scroll from the message box, Escape goes to the newest message.",
].join("\n");

/** The server takes as many for a topic, or for why one is away. */
const LONGEST_LINE = 200;

export const commandNames = COMMANDS.map(({ name }) => name);

/** Does what was typed. Returns why not, where it cannot be done; the text stays then. */
export function perform(line, chat, page) {
  if (!line.startsWith("/")) return chat.say(chat.shown, line);
  if (line.startsWith("//")) return chat.say(chat.shown, line.slice(1));
  const [, typed, rest] = /^\/(\S*)\s*([^]*)$/.exec(line);
  const arg = rest.trim();
  const command = COMMANDS.find(({ name }) => name === typed.toLowerCase());
  if (!command) return unknown(typed);
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
    const command = COMMANDS.find(({ name }) => name === wanted);
    if (wanted && !command) return unknown(wanted);
    const listed = command ? [command] : COMMANDS;
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
  whois: ({ arg, ask }) => ask({ type: "whois", name: arg }),
  quit: ({ page, arg, usage }) => (arg ? usage : page.quit()),
};

/**
 * A name and a text: up to a colon, which no name has, where a known name ends there; or
 * else the one of `names` that `arg` starts with, in any case, or its first word. Where
 * several could be `meant`, those: a guess may tell a secret to somebody else.
 */
export function splitName(arg, names) {
  const lower = arg.toLowerCase();
  const known = names.filter((name) => lower.startsWith(name.toLowerCase()) && /^(\s|:|$)/.test(arg.slice(name.length)));
  const named = known.find((name) => arg[name.length] === ":");
  if (!named && known.length > 1) return { meant: known };
  const name = named ?? known[0] ?? /^[^\s:]*/.exec(arg)[0];
  return { name, text: arg.slice(name.length).replace(/^:/, "").trim() };
}

const either = (names) => names.map((name, index) => (index === 0 ? told`${name}` : told` or ${name}`)).reduce((a, b) => told`${a}${b}`);

function unknown(typed) {
  const near = commandNames
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
