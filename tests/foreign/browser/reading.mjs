// Reading back: earlier messages come on scrolling up, and nothing that is read
// ever jumps, whatever comes in above or below it.

import assert from "node:assert/strict";
import { Person, box, enter, message, messages, placeOf, say, test } from "./support.mjs";

const COUNT = 400;
const WHEEL = 120;

await test(async ({ server, visit }) => {
  const adam = await Person.comes(server, "Adam");
  for (let index = 0; index < COUNT; index += 1) adam.says(`line ${index}`);
  await adam.hears("message", ({ text }) => text === `line ${COUNT - 1}`);

  const page = await visit();
  await enter(page, server, "John");
  await message(page, `line ${COUNT - 1}`).waitFor();
  assert.equal(await message(page, "line 0").count(), 0);

  await earlierMessagesComeWithoutAJump(page);
  await newMessagesMoveNothing(page, adam);
  await awayFromThePageIsCounted(page, adam);

  // One's own message goes to the end, and brings one there only if one is there.
  await say(page, "mine");
  await page.locator("#messages .own").getByText("mine").waitFor();
  adam.leaves();
});

async function earlierMessagesComeWithoutAJump(page) {
  const scroller = page.locator("#scroller");
  await scroller.hover();
  // At each step what was on the screen goes exactly as far as the wheel.
  while ((await message(page, "line 0").count()) === 0) {
    const text = await firstSeen(page);
    const before = await placeOf(message(page, text));
    await page.mouse.wheel(0, -WHEEL);
    await page.waitForFunction(isAt, { text, y: before + WHEEL });
    await settled(page);
    assert.equal(await page.evaluate(isAt, { text, y: before + WHEEL }), true, `${text} jumped`);
    // The wheel needs some room for its next turn.
    const hasRoom = (room) => {
      const isFirst = document.querySelector("#messages .text").textContent === "line 0";
      return isFirst || document.querySelector("#scroller").scrollTop >= room;
    };
    await page.waitForFunction(hasRoom, WHEEL);
  }
  // Everything is there once, in order.
  const number = (text) => Number(text.split(" ")[1]);
  const texts = await messages(page).allTextContents();
  const first = number(texts[0]);
  assert.deepEqual(texts.map(number), texts.map((_, index) => first + index));
  assert((await page.locator("#messages > li").count()) <= 400, "the list grows without bounds");
}

async function newMessagesMoveNothing(page, adam) {
  const top = await firstSeen(page);
  const before = await placeOf(message(page, top));
  for (let index = 0; index < 100; index += 1) adam.says(`news ${index}`);
  await page.getByRole("button", { name: "100 new messages" }).waitFor();
  assert.equal(await placeOf(message(page, top)), before);
  // Nor does the box that grows, or a window that gets narrower.
  await box(page).fill("three\nlines\nhere");
  await settled(page);
  assert.equal(await placeOf(message(page, top)), before);
  await box(page).fill("");
  await page.getByRole("button", { name: "100 new messages" }).click();
  await message(page, "news 99").waitFor();
  await page.getByRole("button", { name: /new messages/ }).waitFor({ state: "hidden" });
  // From here it follows again.
  adam.says("followed");
  await message(page, "followed").waitFor();
  const { bottom, end } = await page.evaluate(() => {
    const scroller = document.querySelector("#scroller");
    return { bottom: scroller.scrollTop + scroller.clientHeight, end: scroller.scrollHeight };
  });
  assert(end - bottom < 2, `${end - bottom} px from the end`);
}

async function awayFromThePageIsCounted(page, adam) {
  const hide = (isHidden) =>
    page.evaluate((isHidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, isHidden);
  await hide(true);
  for (const text of ["one", "two", "three"]) adam.says(text);
  await page.waitForFunction(() => document.title === "(3) #lobby · chinwag");
  await hide(false);
  await page.waitForFunction(() => document.title === "#lobby · chinwag");
  await message(page, "three").waitFor();
  await page.locator(".newest").waitFor();
}

/** Runs in the page: whether the message with this text stands at `y`. */
function isAt({ text, y }) {
  const texts = [...document.querySelectorAll("#messages .text")];
  const box = texts.find(({ textContent }) => textContent === text)?.getBoundingClientRect();
  return Boolean(box) && Math.abs(box.top - y) <= 1;
}

/** Text of the first message that is whole on the screen. */
function firstSeen(page) {
  return page.evaluate(() => {
    const { top } = document.querySelector("#scroller").getBoundingClientRect();
    const texts = [...document.querySelectorAll("#messages .message .text")];
    return texts.find((text) => text.getBoundingClientRect().top > top + 150).textContent;
  });
}

/** Until the page has drawn what it knows, and no earlier messages are under way. */
function settled(page) {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}
