// By keyboard alone, for a screen reader, in light and dark, on a phone.

import assert from "node:assert/strict";
import { Person, box, enter, message, person, say, test } from "./support.mjs";

await test(
  async ({ server, visit }) => {
    const adam = await Person.comes(server, "Adam");
    const zoe = await Person.comes(server, "Zoë Li", "games");
    const page = await visit();
    await everythingGoesByKeyboard(page, server, adam, zoe);
    await everyControlHasAName(page);
    await aScreenReaderIsToldAndNotFlooded(page, adam);
    await isReadable(await visit({ colorScheme: "light" }), server, adam, "Light");
    await isReadable(await visit({ colorScheme: "dark" }), server, adam, "Dark");
    await fitsAPhone(await visit({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true }), server, adam);
    await theTimeIsBesideItsText(await visit({ viewport: { width: 360, height: 640 }, locale: "en-US" }), server, adam);
    await asksBeforeItNotifies(await visit(), server, adam);
    adam.leaves();
    zoe.leaves();
  },
);

/** The element that has the focus, as a screen reader names it. */
function focused(page) {
  return page.evaluate(() => {
    const { activeElement: element } = document;
    const seen = element.cloneNode(true);
    for (const hidden of seen.querySelectorAll("[aria-hidden]")) hidden.remove();
    return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? seen.textContent.trim();
  });
}

async function everythingGoesByKeyboard(page, server, adam, zoe) {
  const { keyboard } = page;
  await page.goto(server.url);
  await page.getByLabel("Your name").waitFor();
  await keyboard.type("John");
  await keyboard.press("Tab");
  await keyboard.press("Control+A");
  await keyboard.type("lobby");
  await keyboard.press("Enter");
  await person(page, "Adam").waitFor();
  assert.equal(await focused(page), "Message #lobby");

  // Names and commands are completed; Shift+Enter is a line of its own message.
  await keyboard.type("ad");
  await keyboard.press("Tab");
  await keyboard.type("hello");
  await keyboard.press("Shift+Enter");
  await keyboard.type("there");
  await keyboard.press("Enter");
  assert.equal((await adam.hears("message")).text, "Adam: hello\nthere");
  await keyboard.type("/joi");
  await page.getByRole("listbox", { name: "Suggestions" }).getByRole("option", { name: "/join" }).waitFor();
  await keyboard.press("Tab");
  await keyboard.type("games");
  await keyboard.press("Enter");
  await person(page, "Zoë Li").waitFor();
  zoe.says("John: chess?");
  await page.locator("mark").getByText("John").waitFor();
  await keyboard.type("/msg zo");
  await keyboard.press("Tab");
  await keyboard.type("gladly");
  await keyboard.press("Enter");
  assert.equal((await zoe.hears("whisper")).text, "gladly");

  // Through the conversations and back; to the newest message; into the lists.
  await keyboard.press("Alt+ArrowUp");
  assert.equal(await focused(page), "Message #games");
  await keyboard.press("Alt+ArrowUp");
  assert.equal(await focused(page), "Message #lobby");
  await keyboard.press("ArrowUp");
  assert.equal(await box(page).inputValue(), "/msg Zoë Li gladly");
  await keyboard.press("ArrowDown");
  assert.equal(await box(page).inputValue(), "");
  for (let index = 0; index < 60; index += 1) adam.says(`line ${index}`);
  await message(page, "line 59").waitFor();
  await keyboard.press("PageUp");
  await page.getByRole("button", { name: "To the newest message" }).waitFor();
  await keyboard.press("Escape");
  await page.getByRole("button", { name: "To the newest message" }).waitFor({ state: "hidden" });

  // Everything can be reached with Tab, nothing holds the focus, and it can be seen.
  const skip = page.getByRole("button", { name: "Skip to the message box" });
  assert.equal(await page.evaluate(() => document.querySelector("#app button").id), "skip");
  await skip.focus();
  assert((await skip.boundingBox()).y >= 0, "what skips cannot be seen");
  await keyboard.press("Enter");
  assert.equal(await focused(page), "Message #lobby");
  await skip.focus();
  const reached = [];
  for (let index = 0; index < 40; index += 1) {
    await keyboard.press("Tab");
    const name = await focused(page);
    assert(await isFocusSeen(page), `nobody sees that ${name} has the focus`);
    reached.push(name);
    if (name === "Adam – whisper") break;
  }
  for (const name of ["lobby", "games", "Leave games", "Join a room", "Leave the chat", "Messages in lobby", "Message #lobby", "Send"]) {
    assert(reached.includes(name), `${name} is not among ${reached.join(", ")}`);
  }
  await keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Whisper to Adam" }).waitFor();
  assert.equal(await focused(page), "Whisper to Adam");
  await keyboard.press("Alt+ArrowDown");
  await page.getByRole("textbox", { name: "Message #lobby" }).waitFor();
}

function isFocusSeen(page) {
  return page.evaluate(() => {
    const { activeElement: element } = document;
    const { outlineStyle } = getComputedStyle(element);
    // The message box has its frame around the row.
    return outlineStyle !== "none" || getComputedStyle(element.closest(".row") ?? element).boxShadow !== "none";
  });
}

/** All controls, in all states that were opened so far. */
async function everyControlHasAName(page) {
  const nameless = await page.evaluate(() => {
    const nameOf = (element) =>
      element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent.trim();
    const controls = [...document.querySelectorAll("button, a, input, textarea, [role], [tabindex]")];
    return controls.filter((element) => !nameOf(element) && !["alert", "status"].includes(element.role)).map((element) => element.outerHTML);
  });
  assert.deepEqual(nameless, []);
  // What the browser tells a screen reader.
  await page.getByRole("log", { name: "New messages" }).waitFor({ state: "attached" });
  const tree = await page.locator("body").ariaSnapshot();
  for (const landmark of ["navigation", "main", "complementary", "log"]) assert(tree.includes(`- ${landmark}`), tree);
  for (const line of tree.split("\n")) assert(!/^\s*- (button|textbox|link|option|region|navigation)( \[|:|$)/.test(line), line);
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
}

async function aScreenReaderIsToldAndNotFlooded(page, adam) {
  const told = page.getByRole("log", { name: "New messages" });
  await page.evaluate(() => {
    window.told = 0;
    const count = (changes) => (window.told += changes.flatMap(({ addedNodes }) => [...addedNodes]).length);
    new MutationObserver(count).observe(document.querySelector("#announcements"), { childList: true });
  });
  for (let index = 0; index < 500; index += 1) adam.says(`many ${index}`);
  await told.getByText("Adam: many 499").waitFor({ state: "attached" });
  assert((await page.evaluate(() => window.told)) < 20, "a screen reader would never be done");
  // The list itself is read by going through it, not by being told of each change.
  assert.equal(await page.locator("#scroller, #messages").and(page.locator("[aria-live], [role=log]")).count(), 0);
}

/** Contrast of at least 4.5, for whatever name; WCAG 2.2, 1.4.3. */
async function isReadable(page, server, adam, name) {
  await enter(page, server, name);
  adam.says(`${name}: look at https://example.org/`);
  adam.ask({ type: "whisper", to: name, text: "psst" });
  await page.locator("mark").last().waitFor();
  await say(page, "/search look*");
  await page.locator(".hit mark").first().waitFor();
  await say(page, "/nonsense");
  await page.getByRole("alert").getByText("/nonsense").waitFor();
  const hues = await page.evaluate(contrasts, ".name, .item > .avatar, .text, .text a, mark, time, h2, .label, .badge, .state, #topic, .problem, .you, .day, .newest, .send, .where, .excerpt, .check, #search-status");
  assert(hues.length > 30, "nothing was looked at");
  for (const { what, ratio } of hues) assert(ratio >= 4.5, `${what}: ${ratio.toFixed(2)}`);
}

/** Runs in the page: the contrast of each element, and of names in each hue there is. */
function contrasts(selector) {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const draw = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const [red, green, blue] = [r, g, b].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratioOf = (element) => {
    const backs = [];
    for (let around = element; around; around = around.parentElement) backs.unshift(getComputedStyle(around).backgroundColor);
    const back = light(draw("white", ...backs));
    const front = light(draw("white", ...backs, getComputedStyle(element).color));
    return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  };
  const isSeen = (element) => element.checkVisibility() && element.textContent.trim();
  const found = [...document.querySelectorAll(selector)].filter(isSeen);
  const ratios = found.map((element) => ({ what: element.outerHTML.slice(0, 120), ratio: ratioOf(element) }));
  for (const element of document.querySelectorAll("#messages .name, #messages .avatar, #people .name")) {
    for (let hue = 0; hue < 360; hue += 15) {
      element.style.setProperty("--hue", hue);
      ratios.push({ what: `${element.className} in hue ${hue}`, ratio: ratioOf(element) });
    }
  }
  return ratios;
}

async function fitsAPhone(page, server, adam) {
  await enter(page, server, "Phone");
  adam.says(`${"wide".repeat(200)} https://example.org/${"path".repeat(100)}`);
  await page.getByText("widewide").waitFor();
  const fits = async () => assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth), 360);
  await fits();
  const sidebar = page.getByRole("navigation");
  assert(!(await sidebar.isVisible()));
  await page.getByRole("button", { name: "Rooms and whispers" }).tap();
  await sidebar.getByRole("textbox", { name: "Join a room" }).fill("games");
  await fits();
  await page.keyboard.press("Enter");
  await sidebar.waitFor({ state: "hidden" });
  await page.getByRole("heading", { name: "games" }).waitFor();
  await page.getByRole("button", { name: "People" }).tap();
  const people = page.getByRole("complementary");
  await people.getByRole("button", { name: "Zoë Li" }).waitFor();
  await fits();
  await page.keyboard.press("Escape");
  await people.waitFor({ state: "hidden" });
  assert.equal(await focused(page), "People");
  await page.setViewportSize({ width: 640, height: 320 });
  assert(await box(page).isVisible());
}

/** Of a message that follows another, even where the clock has twelve hours. */
async function theTimeIsBesideItsText(page, server, adam) {
  const names = ["1", "2"].map((end) => `Bartholomew Montgomery-Fitz ${end}`);
  const twins = await Promise.all(names.map((name) => Person.comes(server, name)));
  await enter(page, server, "Narrow");
  for (const text of ["first of two", "second of two"]) adam.says(text);
  await message(page, "second of two").hover();
  const item = page.locator("#messages > .follows", { hasText: "second of two" });
  const [time, text] = await item.evaluate((item) =>
    ["time", ".text"].map((part) => {
      const range = document.createRange();
      range.selectNodeContents(item.querySelector(part));
      const { left, right } = range.getBoundingClientRect();
      return { left, right };
    }),
  );
  assert(time.right - time.left > 10 && time.left >= 0 && time.right < text.left, JSON.stringify({ time, text }));
  // Names that differ at their ends are told apart.
  await page.getByRole("button", { name: "People" }).click();
  for (const name of names) {
    const isWhole = await person(page, name).evaluate((name) => name.scrollHeight <= name.clientHeight + 1 && name.scrollWidth <= name.clientWidth);
    assert(isWhole, `${name} is cut`);
  }
  for (const twin of twins) twin.leaves();
}

/** Permission is asked for by a click, and not otherwise; then whispers and mentions are told. */
async function asksBeforeItNotifies(page, server, adam) {
  // A browser without a screen has no notifications of its own.
  await page.addInitScript(() => {
    window.shown = [];
    window.Notification = class {
      static permission = "default";
      static asked = 0;
      static async requestPermission() {
        this.asked += 1;
        return (this.permission = "granted");
      }
      constructor(title, { body }) {
        window.shown.push(`${title}: ${body}`);
      }
    };
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  });
  await page.goto(server.url);
  await page.getByLabel("Your name").fill("Quiet");
  await page.keyboard.press("Enter");
  await box(page).waitFor();
  adam.says("Quiet: too early");
  await page.waitForFunction(() => document.title.startsWith("(1)"));
  const bell = page.getByRole("button", { name: "Notifications" });
  assert.equal(await page.evaluate(() => Notification.asked), 0);
  await bell.click();
  await page.locator("#notify[aria-pressed=true]").waitFor();
  assert.equal(await page.evaluate(() => Notification.asked), 1);
  adam.says("nothing for anybody");
  adam.says("quiet, please");
  adam.ask({ type: "whisper", to: "Quiet", text: "psst" });
  await page.waitForFunction(() => window.shown.length >= 2);
  assert.deepEqual(await page.evaluate(() => window.shown), ["Adam in #lobby: quiet, please", "Adam whispers: psst"]);
  await bell.click();
  adam.says("quiet again");
  await page.waitForFunction(() => document.title.startsWith("(5)"));
  assert.equal(await page.evaluate(() => window.shown.length), 2);
}
