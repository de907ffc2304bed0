// What a person types: a message, or a command that starts with "/". The same
// commands as in the terminal, and the same answers to what is none.

const COMMANDS = [
  ["me", "TEXT", "does something: /me waves"],
  ["help", "[COMMAND]", "lists the commands, or explains one"],
  ["who", "[ROOM]", "tells who is here, or in another room"],
  ["rooms", "", "lists the rooms"],
  ["join", "ROOM", "comes into a room, and shows it"],
  ["leave", "[ROOM]", "leaves this room, or another"],
  ["msg", "NAME TEXT", "says it to one person alone"],
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
  if (needsMore) return `Use it like this: ${command.usage}`;
  return actions[command.name]({ chat, page, arg, usage: `Use it like this: ${command.usage}` });
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
  who({ chat, arg }) {
    if (!arg && needsRoom(chat)) return needsRoom(chat);
    const room = arg.replace(/^#/, "").toLowerCase() || chat.shown.name;
    return chat.ask({ type: "who", room }, `who room:${room}`);
  },
  rooms: ({ chat }) => chat.ask({ type: "rooms" }),
  join: ({ chat, arg }) => chat.join(arg),
  leave({ chat, arg }) {
    const wanted = arg.replace(/^#/, "").toLowerCase();
    const conversation = wanted ? chat.conversations.get(`room:${wanted}`) : chat.shown;
    if (!conversation) return `You are not in #${wanted}.`;
    return chat.leave(conversation);
  },
  msg({ chat, page, arg, usage }) {
    const [name, text] = splitName(arg, page.knownNames());
    if (!text) return usage;
    return chat.whisper(name, text);
  },
  reply({ chat, arg }) {
    if (!chat.lastWhisperer) return "Nobody has whispered to you yet.";
    return chat.whisper(chat.lastWhisperer, arg);
  },
  nick: ({ chat, arg }) => chat.ask({ type: "nick", name: arg }),
  topic({ chat, arg }) {
    if (needsRoom(chat)) return needsRoom(chat);
    const room = chat.shown.name;
    if (!arg) return chat.ask({ type: "topic", room }, `topic ${chat.shown.key}`);
    return chat.ask({ type: "topic", room, text: arg === "-" ? "" : arg });
  },
  away: ({ chat, arg }) => chat.ask({ type: "away", text: arg }),
  back: ({ chat }) => chat.ask({ type: "back" }),
  ignore: ({ chat, arg }) => chat.ask({ type: "ignore", ...(arg && { name: arg }) }),
  unignore: ({ chat, arg }) => chat.ask({ type: "unignore", name: arg }, "ignore"),
  history({ chat, page, arg, usage }) {
    if (needsRoom(chat)) return needsRoom(chat);
    if (arg && !/^[1-9]\d*$/.test(arg)) return usage;
    return page.goBack(Number(arg) || undefined);
  },
  whois: ({ chat, arg }) => chat.ask({ type: "whois", name: arg }),
  quit: ({ page }) => page.quit(),
};

/** The longest known name that `arg` starts with, in any case, or else its first word; and the rest. */
export function splitName(arg, names) {
  const lower = arg.toLowerCase();
  const known = names
    .filter((name) => lower.startsWith(name.toLowerCase()) && /^(\s|$)/.test(arg.slice(name.length)))
    .sort((a, b) => b.length - a.length)[0];
  const name = known ?? /^\S*/.exec(arg)[0];
  return [known ?? name, arg.slice(name.length).trim()];
}

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
