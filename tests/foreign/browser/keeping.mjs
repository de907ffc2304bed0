// What the server's store makes of what is said: the page shows what is not kept, offers
// what was refused, asks again where the server is unsure, and says nothing twice.

import assert from "node:assert/strict";
import { Person, box, enter, message, messages, say, test } from "./support.mjs";

await test(
  async ({ server, visit }) => {
    const [john, zoe] = [await visit(), await visit()];
    const store = await standBetween(john);
    await enter(john, server, "John", "games");
    await enter(zoe, server, "Zoë", "games");

    await isRefusedAndSentAgain(john, zoe, store);
    await isAskedAgainInOrder(john, zoe, store);
    await isNotKept(john, zoe, store);
    await isKeptAndReloaded(john, zoe, store);
    await isRecognizedInAnotherSession(server, john, zoe, store);
  },
  { expected: /WebSocket connection to|net::ERR_/ },
);

/** A store that fails: what the server says is changed on its way to the page. */
async function standBetween(page) {
  const store = { asked: [], fail: undefined, hear: (event) => event };
  await page.routeWebSocket(/\/ws/, (client) => {
    if (store.isDown) return client.close({ code: 1001 });
    const upstream = client.connectToServer();
    store.cut = () => Promise.all([client.close({ code: 1001 }), upstream.close()]);
    client.onMessage((data) => {
      const request = JSON.parse(data);
      if (request.type !== "say") return upstream.send(data);
      store.asked.push(`${request.text} ${request.id}`);
      const code = store.fail?.(request);
      if (code) client.send(JSON.stringify({ type: "error", code, reason: "the store is full", id: request.id }));
      else upstream.send(data);
    });
    upstream.onMessage((data) => {
      const event = store.hear(JSON.parse(data));
      if (event) client.send(JSON.stringify(event));
    });
  });
  return store;
}

function pending(page, text) {
  return page.locator("#pending > li").filter({ hasText: text });
}

function isEmpty(page) {
  return page.waitForFunction(() => document.querySelectorAll("#pending > li").length === 0);
}

async function isRefusedAndSentAgain(john, zoe, store) {
  store.fail = () => "not_kept";
  await say(john, "refused for now");
  await pending(john, "Not sent: the store is full").waitFor();
  store.fail = undefined;
  await pending(john, "refused for now").getByRole("button", { name: "Send again" }).click();
  await message(zoe, "refused for now").waitFor();
  await message(john, "refused for now").waitFor();
  await isEmpty(john);
  assert.equal(new Set(store.asked).size, 1, "sent again under the same id");
  // What is refused for good is for a person to change.
  store.fail = () => "muted";
  await say(john, "refused for good");
  await pending(john, "Not sent").getByRole("button", { name: "Discard" }).waitFor();
  assert.equal(await john.getByRole("button", { name: "Send again" }).count(), 0);
  await john.getByRole("button", { name: "Discard" }).click();
  store.fail = undefined;
}

async function isAskedAgainInOrder(john, zoe, store) {
  store.asked = [];
  store.fail = ({ text }) => {
    const times = store.asked.filter((asked) => asked.startsWith(text)).length;
    // What is sent again and not taken may be on its way all the same.
    return text === "doubtful" ? ["unsure", "not_kept"][times - 1] : undefined;
  };
  await say(john, "doubtful");
  await pending(john, "Not confirmed yet").waitFor();
  await say(john, "behind it");
  await message(zoe, "behind it").waitFor();
  await isEmpty(john);
  const texts = store.asked.map((asked) => asked.split(" ").slice(0, -1).join(" "));
  assert.deepEqual(texts.slice(0, 2), ["doubtful", "doubtful"]);
  assert.equal(new Set(store.asked.filter((asked) => asked.startsWith("doubtful"))).size, 1);
  for (const page of [john, zoe]) {
    const shown = await messages(page).allTextContents();
    assert.equal(shown.filter((text) => text === "doubtful").length, 1);
  }
  store.fail = undefined;
}

async function isNotKept(john, zoe, store) {
  let id;
  store.hear = (event) => {
    if (event.type === "ack") return undefined;
    if (event.type === "message" && event.from === "John") id = event.id;
    return event.type === "message" ? { ...event, pos: undefined } : event;
  };
  await say(john, "mine, not kept");
  await say(zoe, "yours, not kept");
  for (const text of ["mine, not kept", "yours, not kept"]) {
    const item = john.locator("#messages > .message").filter({ hasText: text });
    await item.getByText("Not kept", { exact: true }).waitFor();
  }
  await isEmpty(john);
  assert.ok(id);
  assert.equal(await john.locator(".unkept").count(), 2, "and nothing else is marked");
  // They got into the log after all, and come once more with what was missed.
  store.hear = (event) => event;
  await store.cut();
  await john.waitForFunction(() => document.querySelectorAll(".unkept").length === 0);
  await say(zoe, "kept");
  await message(john, "kept").waitFor();
  const texts = await messages(john).allTextContents();
  assert.deepEqual(texts.slice(-3), ["mine, not kept", "yours, not kept", "kept"]);
}

/** Acknowledged, and reloaded before one's own copy came: it is in the log, and is not sent again. */
async function isKeptAndReloaded(john, zoe, store) {
  store.hear = (event) => (event.type === "message" && event.text === "acked" ? undefined : event);
  store.asked = [];
  await say(john, "acked");
  await john.locator("#pending > .kept").waitFor();
  store.hear = (event) => event;
  await john.reload();
  await message(john, "acked").waitFor();
  await isEmpty(john);
  assert.equal(store.asked.length, 1);
  await message(zoe, "acked").waitFor();
  assert.equal((await messages(john).allTextContents()).filter((text) => text === "acked").length, 1);
}

/** The server has forgotten the session: what was missed tells what it had taken in. */
async function isRecognizedInAnotherSession(server, john, zoe, store) {
  const pat = await Person.comes(server, "Pat", "games");
  // Neither the copy nor the ack of the first comes, and the second does not arrive.
  store.hear = (event) => (["ack", "message"].includes(event.type) ? undefined : event);
  await say(john, "arrived");
  await message(zoe, "arrived").waitFor();
  store.fail = () => "unsure";
  await say(john, "lost");
  await pending(john, "Not confirmed yet").waitFor();
  store.isDown = true;
  await store.cut();
  await zoe.locator(".presence").getByText("left").last().waitFor();
  pat.says("meanwhile");
  await message(zoe, "meanwhile").waitFor();
  Object.assign(store, { isDown: false, fail: undefined, hear: anotherSession, asked: [] });
  await john.getByRole("button", { name: "Try now" }).click();
  await john.locator("#connection").waitFor({ state: "hidden" });
  await message(zoe, "lost").waitFor();
  await message(john, "lost").waitFor();
  await isEmpty(john);
  assert.deepEqual(store.asked.map((asked) => asked.split(" ")[0]), ["lost"]);
  for (const page of [john, zoe]) {
    const texts = await messages(page).allTextContents();
    assert.deepEqual(texts.slice(-3), ["arrived", "meanwhile", "lost"]);
  }
  assert.equal(await box(john).inputValue(), "");
  pat.leaves();
}

/** The server does know it, but says that it does not. */
function anotherSession(event) {
  return event.type === "welcome" ? { ...event, session: "another" } : event;
}
