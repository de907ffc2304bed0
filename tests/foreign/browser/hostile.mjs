// What other people send stays text: no markup, no script, no link but to the web,
// no control that is obeyed. The page's policy is never even asked.

import assert from "node:assert/strict";
import { Person, enter, message, messages, person, say, test } from "./support.mjs";

const MARKUP = [
  "<img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  '"><svg onload=alert(1)>',
  "<a href='javascript:alert(1)'>click</a>",
  "&lt;b&gt; &amp; <b>bold</b>",
  "javascript:alert(1) data:text/html,hi file:///etc/passwd ftp://example.org/",
];

/** Each with what is to be seen. */
const CONTROLS = [
  ["evil \u202egnp.exe", "evil \\u{202e}gnp.exe"],
  ["\u2066isolated\u2069 \u200fmark", "\\u{2066}isolated\\u{2069} \\u{200f}mark"],
  ["\u001b[31mred\u001b[0m \u0007\u009b", "\\u{1b}[31mred\\u{1b}[0m \\u{7}\\u{9b}"],
  ["zero \u0000 tag \u{e0041}", "zero \\u{0} tag \\u{e0041}"],
  ["two\nJohn: lines", "two\nJohn: lines"],
  ["return\rhere", "return\\rhere"],
];

/** Each with the addresses that a click leads to, as they are shown. */
const LINKS = [
  ["see https://example.org/a_(b), or (http://example.org/c).", ["https://example.org/a_(b)", "http://example.org/c"]],
  ["HTTPS://EXAMPLE.ORG/x?y=1&z=<b> done", ["HTTPS://EXAMPLE.ORG/x?y=1&z="]],
  ["https://bank.example@evil.example/ and https://evil.example\\@bank.example", ["https://evil.example"]],
  ["https://b\u0430nk.example/", ["https://xn--bnk-6cd.example/"]],
  ["https://example.org/\u202egnp.exe", ["https://example.org/"]],
  ["https:// http://% https://[ xhttp://example.org", []],
  [`https://example.org/${")".repeat(5_000)}`, []],
  ["'http://example.org/wiki/Rubik's_Cube' （http://example.org/茶）。", ["http://example.org/wiki/Rubik's_Cube", "http://example.org/茶"]],
  ["“https://example.org/quoted”, https://example.org/…", ["https://example.org/quoted", "https://example.org/"]],
];

/** As hostile as the server lets a name be. */
const NAME = "&amp %s $& \\x3cb\\x3e {name}";

/** Runs in the page: collects what its policy forbade. */
function watch() {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
}

await test(async ({ server, visit }) => {
  const page = await visit();
  await page.addInitScript(watch);
  await enter(page, server, "John");
  const mallory = await Person.comes(server, NAME);
  await person(page, NAME).waitFor();

  for (const text of MARKUP) mallory.says(text);
  for (const text of MARKUP) await message(page, text).waitFor();
  assert.equal(await page.locator("#messages a").count(), 0);
  const elements = await page.locator("#messages").evaluate((list) => [...list.querySelectorAll("*")].map(({ localName }) => localName));
  const known = ["li", "div", "span", "bdi", "time"];
  assert.deepEqual([...new Set(elements)].filter((element) => !known.includes(element)), []);

  for (const [text] of CONTROLS) mallory.says(text);
  const last = CONTROLS.at(-1)[1];
  await message(page, last).waitFor();
  assert.deepEqual((await messages(page).allTextContents()).slice(-CONTROLS.length), CONTROLS.map(([, shown]) => shown));

  for (const [text, addresses] of LINKS) {
    const before = await messages(page).count();
    mallory.says(`${text} .`);
    await messages(page).nth(before).waitFor();
    const links = await page.locator("#messages > .message").last().locator("a").evaluateAll((links) =>
      links.map((link) => ({ href: link.getAttribute("href"), text: link.textContent, rel: link.rel, target: link.target })),
    );
    assert.deepEqual(links, addresses.map((address) => ({ href: address, text: address, rel: "noopener noreferrer", target: "_blank" })), text);
  }

  // One of many lines, and one of many marks, stay in their place.
  mallory.says("tall\n".repeat(500));
  mallory.says(`Z${"\u0301".repeat(400)} ${"\u0489".repeat(200)}`);
  mallory.says("end");
  await message(page, "end").waitFor();
  const tall = page.locator("#messages > .message").nth(-3);
  assert((await tall.boundingBox()).height < 700);
  await tall.getByRole("button", { name: /Show all/ }).click();
  await page.waitForFunction(() => [...document.querySelectorAll("#messages > .message")].at(-3).offsetHeight > 5_000);

  // So in topics, rooms, whispers and reasons.
  mallory.ask({ type: "topic", room: "lobby", text: "<i>topic</i>\u202e" });
  await page.locator("#topic").getByText("<i>topic</i>").waitFor();
  mallory.ask({ type: "join", room: "<script>alert(1)</script>" });
  mallory.ask({ type: "join", room: "a&b" });
  mallory.ask({ type: "whisper", to: "John", text: "<img src=x onerror=alert(1)>" });
  await page.getByRole("navigation").getByText(NAME).click();
  await message(page, MARKUP[0]).waitFor();
  await say(page, "/nick <u>John</u>");
  await page.evaluate(() => (location.hash = "#<img/src=x>"));
  await page.locator(".info.error, #title").getByText(/img|not allowed|room/).first().waitFor();

  await isHarmless(page);
  mallory.leaves();
  await aNameFromRightToLeftTurnsNothingRound(server, await visit());

  await aHostileServerIsHarmless(server, await visit());
});

/** What the page says around it begins at the left, and goes on to the right of it. */
async function aNameFromRightToLeftTurnsNothingRound(server, page) {
  await enter(page, server, "Lee", "rtl");
  const omar = await Person.comes(server, "عمر", "rtl");
  omar.says("שלום");
  omar.ask({ type: "away", text: "مشغول" });
  // The first that this page hears of is no news.
  for (const text of ["tea", "شاي"]) omar.ask({ type: "topic", room: "rtl", text });
  const away = page.locator(".info .body", { hasText: "is away" });
  await page.locator(".info .body", { hasText: "set the topic" }).waitFor();
  for (const line of [away, page.locator(".info .body", { hasText: "set the topic" })]) {
    const [body, first, last] = await line.evaluate((body) =>
      [body, body.querySelector("bdi"), [...body.querySelectorAll("bdi")].at(-1)].map((element) => element.getBoundingClientRect().left),
    );
    assert(first - body < 2, "the name is not where the line begins");
    assert(last - first > 30, "what is told is not behind the name");
  }
  const head = page.locator("#messages .body > .head");
  const [name, time] = [await head.locator(".name").boundingBox(), await head.locator("time").boundingBox()];
  assert(time.x - name.x - name.width >= 6, "the time sticks to the name");
  omar.leaves();
}

async function isHarmless(page) {
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  assert.equal(await page.evaluate(() => document.querySelectorAll("img, b, i, u, script:not([src])").length), 0);
}

/** Even where a server lets everything through. */
async function aHostileServerIsHarmless(server, page) {
  const bad = "<img src=x onerror=alert(1)>\u202e\n";
  const shown = "<img src=x onerror=alert(1)>\\u{202e}\\n";
  const time = Date.now();
  await page.addInitScript(watch);
  await page.routeWebSocket(/\/ws/, (socket) => {
    const send = (event) => socket.send(JSON.stringify(event));
    send({ type: "welcome", name: bad, session: "s", room: "lobby", pos: "p" });
    send({ type: "present", room: "lobby", names: [bad, "b"], total: 2, away: ["b"] });
    send({ type: "history", room: "lobby", messages: [{ from: bad, text: bad, pos: "1", time }], more: false });
    send({ type: "rooms", rooms: [{ room: bad, people: bad, topic: bad }] });
    send({ type: "joined", room: "lobby", name: `${bad}2`, time });
    send({ type: "whisper", from: `${bad}3`, to: bad, text: bad, time });
    send({ type: "renamed", from: "b", name: `${bad}4`, time });
    send({ type: "topic", room: "lobby", text: bad, by: bad, time });
    send({ type: "notice", text: bad });
    send({ type: "moderated", action: "mute", by: bad, name: bad, until: 1e300, reason: bad, time });
    send({ type: "moderated", action: bad, by: bad, who: bad, room: bad, until: bad, time });
    send({ type: "bans", bans: [{ who: bad, by: bad, until: bad, reason: bad, time }] });
    send({ type: "error", code: bad, reason: bad });
    send({ type: "whois", name: bad, rooms: [bad], since: time, idle: 1, role: bad, address: bad, subject: bad });
    send({ type: "constructor" });
    send({ type: "of a later version", text: bad });
    socket.send("no JSON");
    send(null);
    send([]);
    send({ type: "message", room: "lobby", from: "b", text: "still here", pos: "2", time });
  });
  await page.goto(server.url);
  await page.getByLabel("Your name").fill("John");
  await page.keyboard.press("Enter");
  await message(page, "still here").waitFor();
  await page.locator("#people .name").getByText(shown, { exact: true }).waitFor();
  await page.locator("#topic").getByText(shown, { exact: true }).waitFor();
  await page.locator("#others").getByText(shown).first().waitFor();
  await isHarmless(page);
}
