// Order is kept, as people at a page see it: muted, locked out, kicked; and an operator's
// commands.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { box, enter, message, person, say, test } from "./support.mjs";

const folder = mkdtempSync(join(tmpdir(), "chinwag-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const socket = join(folder, "admin");
const ctl = (...args) => execFileSync(process.argv[2], ["ctl", "--admin-socket", socket, ...args]);

await test(
  async ({ server, visit }) => {
    const john = await visit();
    const eve = await visit();
    await enter(john, server, "John");
    await enter(eve, server, "Eve");
    await person(john, "Eve").waitFor();
    await oneWhoIsMutedIsToldWhy(john, eve);
    await aLockedRoomSaysSo(server, visit, eve);
    await oneWhoIsKickedStaysOut(john, eve);
    await anOperatorHasMoreCommands(server, await visit());
  },
  // Refusals, which a page asks for to know why its WebSocket was refused.
  { serverArgs: ["--admin-socket", socket], expected: /403|WebSocket connection/ },
);

async function oneWhoIsMutedIsToldWhy(john, eve) {
  ctl("mute", "Eve", "--for", "2h", "shouting");
  await eve.getByText(/^You were muted by the server until .*: shouting\.$/).waitFor();
  await john.getByText(/^Eve was muted by the server until .*: shouting\.$/).waitFor();
  await say(eve, "hello?");
  await eve.getByText(/you are muted until .*: shouting/i).first().waitFor();
  ctl("unmute", "Eve");
  await eve.getByText("You were given the word again by the server.").waitFor();
  await say(eve, "thank you");
  await message(john, "thank you").waitFor();
  assert.equal(await message(john, "hello?").count(), 0);
}

async function aLockedRoomSaysSo(server, visit, eve) {
  ctl("lock", "lobby");
  await eve.getByText("#lobby was locked to newcomers by the server.").waitFor();
  const adam = await visit();
  await adam.goto(`${server.url}#lobby`);
  await adam.getByLabel("Your name").fill("Adam");
  await adam.getByRole("button", { name: "Join" }).click();
  await adam.getByText(/lobby takes no newcomers at the moment/i).waitFor();
  ctl("unlock", "lobby");
  await adam.getByRole("button", { name: "Join" }).click();
  await person(adam, "Eve").waitFor();
  await adam.close();
}

async function oneWhoIsKickedStaysOut(john, eve) {
  ctl("kick", "Eve", "enough");
  await eve.getByText("You are disconnected: kicked by the server: enough.").waitFor();
  await john.getByText("Eve was kicked by the server: enough.").waitFor();
  await person(john, "Eve").waitFor({ state: "detached" });
}

/** The page learns from its welcome that it has them; the server, that this one is none. */
async function anOperatorHasMoreCommands(server, page) {
  const sent = [];
  await page.routeWebSocket(/\/ws/, (line) => {
    const upstream = line.connectToServer();
    line.onMessage((data) => {
      sent.push(JSON.parse(data));
      upstream.send(data);
    });
    upstream.onMessage((data) => {
      const event = JSON.parse(data);
      line.send(JSON.stringify(event.type === "welcome" ? { ...event, role: "operator" } : event));
    });
  });
  await enter(page, server, "Mallory");
  await box(page).fill("/unl");
  await box(page).press("Tab");
  assert.equal(await box(page).inputValue(), "/unlock ");
  await say(page, "/ban address:John: 2h spam and more");
  await page.getByText(/this is for operators only/i).first().waitFor();
  const { id, ...ban } = sent.find(({ type }) => type === "ban");
  assert.deepEqual(ban, { type: "ban", who: "address:John", for: 7_200_000, reason: "spam and more" });
  await say(page, "/mute John 5 minutes");
  await page.getByText("5 is no time, such as 30m, 2h or 7d.").first().waitFor();
}
