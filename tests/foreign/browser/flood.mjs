// 10,000 messages as fast as the server takes them: the page answers the keyboard
// all the while, shows the last one, and stays small.

import assert from "node:assert/strict";
import { Person, box, enter, message, messages, say, test } from "./support.mjs";

const COUNT = 10_000;
/** From a key to its letter in the box: far more than it takes, far less than a freeze. */
const LONGEST_MS = 2_000;

await test(async ({ server, visit }) => {
  const page = await visit();
  await enter(page, server, "John");
  const adam = await Person.comes(server, "Adam");
  // Reading is somebody else's business here.
  adam.socket.removeAllListeners("message");

  let said = 0;
  // As many in 20 ms, up to a message; the keys are pressed meanwhile.
  const flood = async (rate, end) => {
    const timer = setInterval(() => {
      for (let count = 0; count < rate && said < end; count += 1) adam.says(`flood ${said++}`);
    }, 20);
    await isTypedWhile(page, isShown(page, `flood ${end - 1}`));
    clearInterval(timer);
  };
  await flood(20, 5_000);
  await flood(500, COUNT);

  const texts = await messages(page).allTextContents();
  const first = COUNT - texts.length;
  assert.deepEqual(texts, texts.map((_, index) => `flood ${first + index}`));
  // The window on them is small.
  const elements = await page.evaluate(() => document.querySelectorAll("*").length);
  assert(elements < 5_000, `${elements} elements`);
  assert.equal(await page.locator(".rule").count(), 0, "the page read too slowly");
  // What was read out is bounded too.
  assert(await page.evaluate(() => document.querySelector("#announcements").children.length <= 12));

  // What is not in the page any more comes back on scrolling up.
  await box(page).fill("");
  await say(page, "/history 500");
  await message(page, `flood ${COUNT - 500}`).waitFor();

  // Who reads back stays there, however much comes, and finds the end all the same.
  const more = COUNT + 6_000;
  while (said < more) adam.says(`flood ${said++}`);
  await page.getByRole("button", { name: "6000 new messages" }).waitFor();
  assert(await message(page, `flood ${COUNT - 500}`).isVisible());
  await page.keyboard.press("Escape");
  await isShown(page, `flood ${more - 1}`);
  adam.says("the end");
  await isShown(page, "the end");
  const last = (await messages(page).allTextContents()).slice(-51, -1);
  assert.deepEqual(last, last.map((_, index) => `flood ${more - last.length + index}`));
  adam.leaves();
});

function isShown(page, text) {
  const isLast = (text) => document.querySelector("#messages").lastElementChild?.textContent.endsWith(text);
  return page.waitForFunction(isLast, text, { polling: 50, timeout: 60_000 });
}

/** Types until `end`, and asserts that the page keeps up with that. */
async function isTypedWhile(page, end) {
  let isOver = false;
  const over = () => (isOver = true);
  end.then(over, over);
  let [slowest, keys] = [0, 0];
  await box(page).fill("");
  await box(page).focus();
  do {
    const start = performance.now();
    await page.keyboard.press("x");
    keys += 1;
    await page.waitForFunction((length) => document.querySelector("#box").value.length === length, keys);
    slowest = Math.max(slowest, performance.now() - start);
  } while (!isOver);
  await end;
  console.log(`the slowest of ${keys} keys took ${Math.round(slowest)} ms`);
  assert(slowest < LONGEST_MS, `a key took ${Math.round(slowest)} ms`);
}
