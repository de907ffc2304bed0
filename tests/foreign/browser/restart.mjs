// The server is killed and comes back: what was typed meanwhile arrives once, and
// nothing that was shown is missing or double.

import assert from "node:assert/strict";
import { Person, box, enter, message, messages, person, say, test } from "./support.mjs";

await test(
  async ({ server, visit }) => {
    const [john, zoe, mia] = [await visit(), await visit(), await visit()];
    await enter(john, server, "John", "games");
    await enter(zoe, server, "Zoë", "games");
    await enter(mia, server, "Mia", "games");
    await say(john, "/join lobby");
    await go(john, "games");
    await say(john, "before");
    for (const page of [john, zoe, mia]) await message(page, "before").waitFor();

    await server.kill();
    await john.getByText(/^Connection lost: the server cannot be reached/).waitFor();
    await john.getByText(/^Next try in \d+ s/).waitFor();
    await say(john, "meanwhile");
    await say(john, "/me waits");
    await say(john, "/msg Zoë a secret");
    await go(john, "games");
    await box(john).fill("a draft");
    assert.equal(await john.locator("#pending").getByText("Waiting for the connection").count(), 2);
    await say(mia, "before a reload");
    await mia.locator("#pending").getByText("Waiting for the connection").waitFor();
    // There is nobody to load the page from.
    await mia.reload().catch(() => {});
    await mia.waitForURL(/^chrome-error:/);

    await server.again();
    await mia.goto(`${server.url}#games`);
    for (const page of [zoe, john]) await isBack(page);
    await person(zoe, "John").waitFor();
    await person(zoe, "Mia").waitFor();
    for (const text of ["meanwhile", "waits", "before a reload"]) {
      for (const page of [john, zoe, mia]) await message(page, text).waitFor();
    }
    await zoe.getByRole("navigation").getByRole("button", { name: /^John 1 unread/ }).click();
    await message(zoe, "a secret").waitFor();
    await go(zoe, "games");

    // Nothing twice, nothing gone; that this server remembers nothing is said.
    await say(zoe, "after");
    for (const page of [john, zoe, mia]) await message(page, "after").waitFor();
    for (const page of [john, zoe]) {
      const texts = await messages(page).allTextContents();
      assert.deepEqual(texts.toSorted(), ["after", "before", "before a reload", "meanwhile", "waits"]);
      assert.deepEqual([texts[0], texts.at(-1)], ["before", "after"]);
      await page.locator(".rule").getByText("Some messages may be missing here.").waitFor();
    }
    assert.equal(await box(john).inputValue(), "a draft");
    for (const page of [john, zoe, mia]) assert.equal(await page.locator("#pending > li").count(), 0);
    // All rooms are there again, too.
    await go(john, "lobby");
    await person(john, "John").waitFor();
    await go(john, "games");

    await aBrokenConnectionIsResumed(server, await visit(), zoe);
  },
  // A browser tells of each connection that fails.
  { expected: /WebSocket connection to|net::ERR_|status of 409/ },
);

async function go(page, room) {
  await page.getByRole("navigation").getByRole("button", { name: new RegExp(`^${room}`) }).first().click();
  await page.getByRole("textbox", { name: `Message #${room}` }).waitFor();
}

/** Does not wait for the next try. */
async function isBack(page) {
  await page.getByRole("button", { name: "Try now" }).click({ timeout: 1_000 }).catch(() => {});
  await page.locator("#connection").waitFor({ state: "hidden" });
}

/** The network breaks, the server stays: it tells what was missed, and knows what it got. */
async function aBrokenConnectionIsResumed(server, kim, zoe) {
  const line = { isDown: false, isDeaf: false };
  await kim.routeWebSocket(/\/ws/, (page) => {
    if (line.isDown) return page.close({ code: 1001 });
    const upstream = page.connectToServer();
    line.cut = (code, reason) => Promise.all([page.close({ code, reason }), upstream.close()]);
    upstream.onMessage((data) => line.isDeaf || page.send(data));
  });
  await enter(kim, server, "Kim", "games");
  await say(kim, "I am on a train");
  await message(zoe, "I am on a train").waitFor();

  // The server gets this, and its answer is lost with the connection.
  line.isDeaf = true;
  await say(kim, "in a tunnel");
  await message(zoe, "in a tunnel").waitFor();
  await kim.locator("#pending").getByText("in a tunnel").waitFor();
  line.isDown = true;
  await line.cut(1001);
  await zoe.locator(".presence").getByText("left").last().waitFor();
  for (const text of ["one", "two", "three"]) await say(zoe, text);
  await say(kim, "still in it");
  Object.assign(line, { isDown: false, isDeaf: false });
  await isBack(kim);
  await message(zoe, "still in it").waitFor();
  await message(kim, "still in it").waitFor();
  const said = ["I am on a train", "in a tunnel", "one", "two", "three", "still in it"];
  for (const page of [kim, zoe]) {
    assert.deepEqual((await messages(page).allTextContents()).slice(-said.length), said);
  }
  assert.equal(await kim.locator("#pending > li").count(), 0);
  await kim.locator(".rule").getByText("Back again: 4 messages since").waitFor();
  assert.equal(await kim.locator(".rule").getByText("missing").count(), 0);

  // The first that is said in a room is not missed either.
  await say(kim, "/join quiet");
  await person(kim, "Kim").waitFor();
  line.isDown = true;
  await line.cut(1001);
  const pat = await Person.comes(server, "Pat", "quiet");
  pat.says("the very first");
  line.isDown = false;
  await isBack(kim);
  await message(kim, "the very first").waitFor();
  await kim.locator(".rule").getByText("Back again: one message since").waitFor();
  pat.leaves();
  await go(kim, "games");

  // Who is sent away does not come back unasked.
  await line.cut(1008, "kicked for shouting");
  await kim.getByText("You are disconnected: kicked for shouting.").waitFor();
  await say(kim, "sorry");
  await kim.getByRole("button", { name: "Rejoin" }).click();
  await message(zoe, "sorry").waitFor();
}
