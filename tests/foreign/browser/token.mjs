// A server that wants a token: the page asks for it, keeps it for this tab, and shows it again.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, box, message, person, say, test } from "./support.mjs";

const folder = mkdtempSync(join(tmpdir(), "chinwag-test-token-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const file = join(folder, "tokens");

/** `chat-server token …` */
const token = (...args) => execFileSync(process.argv[2], ["token", "--file", file, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

const first = token("add", "Adam");

const field = (page) => page.getByLabel("Token");
const problem = (page) => page.getByRole("alert");
const kept = (page) => page.evaluate(() => ({ tab: { ...sessionStorage }, browser: { ...localStorage } }));

await test(
  async ({ server, visit }) => {
    const page = await visit();
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("websocket", (socket) => asked.push(socket.url()));
    await asksForATokenWhereOneIsWanted(page, server);
    await saysWhatIsWrongWithAToken(page);
    await comesInByAGoodOne(page);
    await comesBackByIt(page, server);
    await asksAgainWhereItIsRevoked(page, server);
    await forgetsItWithTheChat(page);
    assert(asked.length > 10, "nothing was watched");
    for (const url of asked) assert(!url.includes("token") && !url.includes(first), url);
    await asksForNoneWhereNoneIsWanted(await visit());
  },
  // What a browser says of requests that are refused, and of a server that is away.
  { serverArgs: ["--auth", `tokens:${file}`], expected: /WebSocket|ERR_CONNECTION|status of 40[13]/ },
);

async function asksForATokenWhereOneIsWanted(page, server) {
  await page.goto(server.url);
  await page.getByLabel("Your name").fill("Adam");
  assert(!(await field(page).isVisible()));
  await page.keyboard.press("Enter");
  await problem(page).getByText("This chat needs a token").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "entry-token");
  assert.equal(await field(page).getAttribute("type"), "password");
  assert.equal(await page.getByLabel("Your name").inputValue(), "Adam");
}

async function saysWhatIsWrongWithAToken(page) {
  for (const [wrong, words] of [
    ["no token, this", "That is no token"],
    ["wr0ng", "The token is not known"],
    ["", "This chat needs a token"],
  ]) {
    await field(page).fill(wrong);
    await page.keyboard.press("Enter");
    await problem(page).getByText(words).waitFor();
    assert.equal(await field(page).inputValue(), "");
    assert(!JSON.stringify(await kept(page)).includes("wr0ng"));
  }
  // The name is the token's.
  await page.getByLabel("Your name").fill("Eve");
  await field(page).fill(first);
  await page.keyboard.press("Enter");
  await problem(page).getByText("Your token is for Adam").waitFor();
  await page.getByLabel("Your name").fill("Adam");
}

async function comesInByAGoodOne(page) {
  await field(page).fill(`  ${first} `);
  await page.getByRole("button", { name: "Join" }).click();
  await box(page).waitFor();
  await person(page, "Adam").waitFor({ state: "attached" });
  const { tab, browser } = await kept(page);
  assert.equal(JSON.parse(tab["chinwag.token"]), first);
  assert(!JSON.stringify(browser).includes(first));
  assert.equal(await page.locator("#entry-token").inputValue(), "");
}

async function comesBackByIt(page, server) {
  await server.kill();
  await page.getByText("Connection lost").waitFor();
  await say(page, "said meanwhile");
  await server.again();
  await page.locator("#messages").getByText("said meanwhile").waitFor();
  await page.reload();
  await box(page).waitFor();
  await person(page, "Adam").waitFor({ state: "attached" });
  await say(page, "after a reload");
  await message(page, "after a reload").waitFor();
}

async function asksAgainWhereItIsRevoked(page, server) {
  token("revoke", "Adam");
  await page.getByText("You are disconnected: your token was revoked.").waitFor();
  await page.getByRole("button", { name: "Rejoin" }).click();
  await problem(page).getByText("The token is not known").waitFor();
  const second = token("add", "Adam");
  server.process.kill("SIGHUP");
  // Until the server has read it, a moment later, it is as wrong as any.
  const headers = { Authorization: `Bearer ${second}` };
  while ((await fetch(`${server.url}ws?name=Adam`, { headers })).status !== 204);
  await field(page).fill(second);
  await page.keyboard.press("Enter");
  await box(page).waitFor();
}

async function forgetsItWithTheChat(page) {
  await page.getByRole("button", { name: "Leave the chat" }).click();
  await page.getByRole("button", { name: "Join" }).waitFor();
  assert.equal((await kept(page)).tab["chinwag.token"], undefined);
}

async function asksForNoneWhereNoneIsWanted(page) {
  const open = await Server.start();
  try {
    await page.goto(open.url);
    await page.getByLabel("Your name").fill("Adam");
    await page.keyboard.press("Enter");
    await box(page).waitFor();
  } finally {
    await open.kill();
  }
}
