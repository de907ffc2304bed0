// What was said is found: by keyboard and by mouse, in all rooms, with a way to its place
// in the conversation; and what is deleted is gone from the page.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Person, box, enter, message, messages, say, test } from "./support.mjs";

const folder = mkdtempSync(join(tmpdir(), "chinwag-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const socket = join(folder, "admin");
const ctl = (...args) => execFileSync(process.argv[2], ["ctl", "--admin-socket", socket, ...args]);
const SECRET = '<b>"teapot"</b> <img src=x onerror=alert(1)> \u202e\u001b[31m';

const pane = (page) => page.getByRole("search", { name: "Search" });
const hits = (page) => pane(page).locator(".hit");
const status = (page) => pane(page).getByRole("status");
const field = (page) => pane(page).getByRole("searchbox", { name: "Words to look for" });

await test(
  async ({ server, visit }) => {
    const adam = await Person.comes(server, "Adam");
    const zoe = await Person.comes(server, "Zoë Li", "games");
    for (let index = 0; index < 400; index += 1) {
      adam.says(index === 20 ? "a needle, far back" : `hay ${index}`);
    }
    adam.says(SECRET);
    await adam.hears("message", ({ text }) => text === SECRET);
    zoe.says("a needle among games");
    const page = await visit();
    await enter(page, server, "John");
    await say(page, "/join games");
    await message(page, "a needle among games").waitFor();
    await whatIsFoundIsListed(page);
    await aHitLeadsToItsPlace(page);
    await itGoesByKeyboard(page);
    await itCanBeOneRoomAndAPageAtATime(page, adam);
    await hostileTextStaysText(page);
    await whatIsDeletedIsGone(page, server, adam);
    await aLostConnectionIsTold(page, server);
    await fitsAPhone(await visit({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true }), server);
    zoe.leaves();
  },
  { serverArgs: ["--admin-socket", socket, "--history", "50"], expected: /WebSocket|ERR_/ },
);

async function whatIsFoundIsListed(page) {
  assert(!(await pane(page).isVisible()));
  await say(page, "/search NEEDLE");
  await status(page).getByText("2 messages found", { exact: true }).waitFor();
  const told = await hits(page).allInnerTexts();
  assert.match(told[0], /^#games\s+Today, .*\s+Zoë Li: a needle among games$/);
  assert.match(told[1], /^#lobby\s+Today, .*\s+Adam: a needle, far back$/);
  assert.deepEqual(await pane(page).locator("mark").allInnerTexts(), ["needle", "needle"]);
  assert.equal(await box(page).inputValue(), "");
  await field(page).fill("coffee");
  await page.keyboard.press("Enter");
  await status(page).getByText("Nothing was found.").waitFor();
  assert.equal(await hits(page).count(), 0);
  await field(page).fill("-- ;");
  await page.keyboard.press("Enter");
  await status(page).getByText("There is no word to look for.").waitFor();
}

/** In another room, and so far back that it is not loaded yet. */
async function aHitLeadsToItsPlace(page) {
  await field(page).fill("needle far");
  await page.keyboard.press("Enter");
  await hits(page).first().click();
  await page.getByRole("heading", { name: "lobby" }).waitFor();
  const item = page.locator("#messages > .item", { hasText: "a needle, far back" });
  await item.and(page.locator(":focus")).waitFor();
  await message(page, "hay 19").waitFor();
  await message(page, "hay 21").waitFor();
  const inView = await item.evaluate((item) => {
    const [box, view] = [item, document.querySelector("#scroller")].map((element) => element.getBoundingClientRect());
    return box.top >= view.top && box.bottom <= view.bottom;
  });
  assert(inView, "what was looked for cannot be seen");
  assert(await pane(page).isVisible(), "there is room for both");
  await page.getByRole("button", { name: "To the newest message" }).waitFor();
  // It can be gone on from there, in both directions, without a hole.
  await page.keyboard.press("Escape");
  const seen = await messages(page).allInnerTexts();
  assert(seen.some((text) => text.startsWith("<b>")), "the end is shown again");
  await hits(page).first().click();
  await item.and(page.locator(":focus")).waitFor();
}

async function itGoesByKeyboard(page) {
  const { keyboard } = page;
  const focused = (what) => page.locator(":focus").and(what).waitFor();
  await pane(page).getByRole("button", { name: "Close the search" }).click();
  await pane(page).waitFor({ state: "hidden" });
  await box(page).focus();
  await keyboard.press("Control+k");
  await focused(field(page));
  await keyboard.type("needle");
  await keyboard.press("Enter");
  await status(page).getByText("2 messages found", { exact: true }).waitFor();
  await keyboard.press("ArrowDown");
  await focused(hits(page).nth(0));
  await keyboard.press("ArrowDown");
  await focused(hits(page).nth(1));
  await keyboard.press("ArrowUp");
  await keyboard.press("ArrowUp");
  await focused(field(page));
  await keyboard.press("Tab");
  await focused(pane(page).getByRole("button", { name: "Look for them" }));
  await keyboard.press("Escape");
  await focused(box(page));
  assert(!(await pane(page).isVisible()));
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await focused(field(page));
  const tree = await page.locator("body").ariaSnapshot();
  for (const line of tree.split("\n")) assert(!/^\s*- (button|textbox|searchbox|checkbox|search|list)( \[|:$|$)/.test(line) || /list:/.test(line), line);
}

async function itCanBeOneRoomAndAPageAtATime(page, adam) {
  await field(page).fill("needle");
  await page.keyboard.press("Enter");
  await status(page).getByText("2 messages found", { exact: true }).waitFor();
  await pane(page).getByRole("checkbox", { name: "Only in #lobby" }).check();
  await status(page).getByText("1 message found", { exact: true }).waitFor();
  await pane(page).getByRole("checkbox").uncheck();
  await field(page).fill("hay");
  await page.keyboard.press("Enter");
  await status(page).getByText("30 messages found so far", { exact: true }).waitFor();
  await pane(page).getByRole("button", { name: "Earlier ones" }).click();
  await status(page).getByText("60 messages found so far", { exact: true }).waitFor();
  const told = await hits(page).allInnerTexts();
  const numbers = told.map((text) => Number(/hay (\d+)$/.exec(text)[1]));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => b - a));
  assert.equal(new Set(numbers).size, 60);
  adam.says("a long one ".repeat(40) + "with a pin at its end");
  await field(page).fill("PIN");
  await adam.hears("message", ({ text }) => text.includes("pin"));
  await page.keyboard.press("Enter");
  await hits(page).getByText(/^… .*with a pin at its end$/).waitFor();
}

async function hostileTextStaysText(page) {
  await field(page).fill("teapot");
  await page.keyboard.press("Enter");
  await hits(page).getByText(String.raw`<b>"teapot"</b> <img src=x onerror=alert(1)> \u{202e}\u{1b}[31m`).waitFor();
  assert.equal(await pane(page).locator("b, img, a").count(), 0);
}

async function whatIsDeletedIsGone(page, server, adam) {
  const eve = await Person.comes(server, "Eve");
  eve.says("a needle of mine");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await message(page, "a needle of mine").waitFor();
  await say(page, "/search needle");
  await hits(page).getByText("a needle of mine").waitFor();
  ctl("erase", "EVE", "--by", "Zoë");
  await page.getByText("What EVE said was deleted by Zoë.").first().waitFor();
  await hits(page).getByText("a needle of mine").waitFor({ state: "detached" });
  assert.equal(await page.getByText("a needle of mine").count(), 0, "it is nowhere on the page");
  // All that was loaded: the rest is asked for again.
  ctl("erase", "Adam", "--room", "lobby");
  await page.getByText("What Adam said in #lobby was deleted by the server.").first().waitFor();
  assert.equal(await messages(page).getByText(/hay \d+/).count(), 0);
  adam.says("a new beginning");
  await message(page, "a new beginning").waitFor();
  await say(page, "/search needle");
  await status(page).getByText("1 message found", { exact: true }).waitFor();
  eve.leaves();
  adam.leaves();
}

async function aLostConnectionIsTold(page, server) {
  await server.kill();
  await page.getByText(/Connection lost/).first().waitFor();
  await field(page).fill("needle");
  await field(page).press("Enter");
  await status(page).getByText("There is no connection now. Search again when it is back.").waitFor();
  await server.again();
  await page.locator('#state[data-is="open"]').waitFor();
  await field(page).press("Enter");
  await status(page).getByText("Nothing was found.").waitFor();
}

async function fitsAPhone(page, server) {
  await enter(page, server, "Phone");
  await say(page, `${"wide".repeat(100)} needle`);
  await page.getByRole("button", { name: "Search", exact: true }).tap();
  await field(page).fill("needle");
  await pane(page).getByRole("button", { name: "Look for them" }).tap();
  await hits(page).first().waitFor();
  assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth), 360);
  assert(await page.locator("#talk").evaluate((talk) => talk.inert), "what is covered cannot be reached");
  await hits(page).first().tap();
  await pane(page).waitFor({ state: "hidden" });
  assert(!(await page.locator("#talk").evaluate((talk) => talk.inert)));
  await page.locator("#messages > .item:focus").getByText("needle").waitFor();
}
