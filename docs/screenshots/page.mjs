// The page in light and dark, in the middle of a conversation.

import { fileURLToPath } from "node:url";
import { Person, Server, box, launch, message, person } from "../../tests/foreign/browser/support.mjs";

const ME = "Ada";
/** When it is, in the pictures. */
const NOW = Date.parse("2026-03-12T15:24:00Z");
const MINUTE = 60_000;

/** Minutes ago, who, and what. */
const TALK = [
  [1_240, "Ronald", "Good night all. The nightly build is running, I'll look at it in the morning."],
  [388, "Noor", "Morning! Nightly is green, for the first time since Tuesday."],
  [386, "Ronald", "puts the kettle on", { action: true }],
  [94, "Tariq", "Does anybody know why the drain waits 10 s on shutdown?"],
  [93, "Noor", "So that slow clients get what is queued. It's --drain-timeout, see https://docs.example.org/operate#shutdown"],
  [21, "John", "I'm in the terminal today, half of my messages come from tmux."],
  [20, "Ada", "Nobody would have noticed."],
  [6, "Noor", "Ada: can you look at the flaky reconnect test before we tag 0.2?"],
  [5, "Ada", "On it. It waits for a fixed port, I think:"],
  [5, "Ada", "thread 'life::comes_back' panicked: address in use"],
  [1, "Ronald", "That was me then, I left a server running on 9001. Sorry!"],
];

const server = await Server.start();
const browser = await launch();
try {
  const people = await conversation(server);
  for (const scheme of ["light", "dark"]) await draw(scheme, people);
} finally {
  await browser.close();
  await server.kill();
}

async function conversation(server) {
  const people = new Map();
  for (const name of ["Ronald", "Noor", "Tariq", "John", ME]) people.set(name, await Person.comes(server, name));
  people.set("Mia", await Person.comes(server, "Mia", "games"));
  people.set("Lena", await Person.comes(server, "Lena", "rust-help"));
  people.get("Noor").ask({ type: "topic", room: "lobby", text: "0.2 on Friday · docs day tomorrow" });
  for (const [index, [, name, text, more]] of TALK.entries()) {
    people.get(name).ask({ type: "say", room: "lobby", text, id: `${index}`, ...more });
    await people.get(name).hears("ack");
  }
  people.get("Tariq").ask({ type: "away", text: "lunch" });
  people.get(ME).leaves();
  await people.get("Ronald").hears("left");
  return people;
}

async function draw(scheme, people) {
  const context = await browser.newContext({
    viewport: { width: 1200, height: 768 },
    colorScheme: scheme,
    locale: "en-GB",
    timezoneId: "UTC",
  });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.routeWebSocket(/\/ws/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((data) => socket.send(JSON.stringify(retold(JSON.parse(data)))));
  });
  await page.goto(`${server.url}#lobby`);
  await page.evaluate(() => (document.documentElement.style.fontFamily = '"Inter", "Liberation Sans", sans-serif'));
  await page.getByLabel("Your name").fill(ME);
  await page.keyboard.press("Enter");
  await person(page, "Noor").waitFor();
  await message(page, TALK.at(-1)[2]).waitFor();
  await box(page).fill("/join games");
  await page.keyboard.press("Enter");
  await person(page, "Mia").waitFor();
  await page.keyboard.press("Alt+ArrowUp");
  for (const text of ["Chess at lunch?", "I have the board"]) people.get("Mia").says(text);
  people.get("John").ask({ type: "whisper", to: ME, text: "cake in the kitchen, quick" });
  await page.getByRole("button", { name: /^games 2 unread/ }).waitFor();
  await page.getByRole("button", { name: /^John 1 unread/ }).waitFor();
  await page.getByRole("button", { name: /^rust-help/ }).waitFor();
  await page.keyboard.type("No harm done :) I'll make it take any free port");
  await page.screenshot({ path: fileURLToPath(import.meta.resolve(`./page-${scheme}.png`)) });
  await context.close();
  await people.get("Ronald").hears("left");
}

/** The event with the time that the talk gives it. */
function retold(event) {
  if (event.type === "history") return { ...event, messages: event.messages.map(retold) };
  const [minutes = 0] = TALK.find(([, , text]) => text === event.text) ?? [];
  return "time" in event ? { ...event, time: NOW - minutes * MINUTE } : event;
}
