// Two pages and a terminal talk: messages, whispers, rooms, names.

import assert from "node:assert/strict";
import { Person, Server, Terminal, box, enter, message, messages, person, say, test } from "./support.mjs";

await test(
  async ({ server, visit }) => {
    const john = await visit();
    const zoe = await visit();
    await enter(john, server, "John");
    await enter(zoe, server, "Zoë");
    await person(john, "Zoë").waitFor();
    const adam = await Terminal.comes(server, "Adam");

    // All three hear each other, once.
    await say(john, "Hi all, 你好 👋");
    await adam.hears("Received: John says: Hi all, 你好 👋");
    adam.says("hello from a terminal");
    await message(john, "hello from a terminal").waitFor();
    await say(zoe, "/me waves");
    await john.locator(".deed").getByText("waves").waitFor();
    for (const page of [john, zoe]) {
      await page.locator(".deed").waitFor();
      assert.deepEqual(await messages(page).allTextContents(), ["Hi all, 你好 👋", "hello from a terminal", "waves"]);
      assert.equal(await page.locator("#pending > li").count(), 0);
    }
    assert.equal(await john.locator(".message.own").count(), 1);

    await whispersAreForTwo(john, zoe, adam);
    await roomsHaveLinksAndNews(server, john, zoe);
    await commandsAnswerInPlace(john, zoe);
    await aNameThatIsTakenIsExplained(server, visit, john);
    await whatIsRememberedIsNotAskedAgain(server, john);
    await whatIsRefusedStaysInTheBox(john);
    await aSecretGoesToNobodyElse(server, john);
    await aBadLinkLeavesOneIn(server, john);
    await whatIsTooLongStaysInTheBox(await visit());
    await whatIsRememberedWronglyCountsAsNothing(server, await visit());

    await adam.leaves();
    await john.locator(".presence").getByText("Adam left.").waitFor();
  },
  // The browser itself tells of a refused connection.
  { expected: /40[09]|WebSocket connection to/ },
);

async function whispersAreForTwo(john, zoe, adam) {
  await say(zoe, "/msg John psst");
  const conversation = john.getByRole("navigation").getByRole("button", { name: /^Zoë 1 unread/ });
  await conversation.click();
  await message(john, "psst").waitFor();
  await john.getByRole("navigation").getByText("unread").waitFor({ state: "detached" });
  await john.getByRole("textbox", { name: "Whisper to Zoë" }).fill("yes?");
  await box(john).press("Enter");
  await message(zoe, "yes?").waitFor();
  // A click on a name begins a conversation; a text client takes part.
  await john.getByRole("button", { name: "lobby" }).first().click();
  await john.getByRole("complementary").getByRole("button", { name: /Adam/ }).click();
  await say(john, "and you?");
  await adam.hears("Received: John whispers: and you?");
  adam.says("/reply me too");
  await message(john, "me too").waitFor();
  await john.getByRole("button", { name: "lobby" }).first().click();
  await zoe.getByRole("button", { name: "lobby" }).first().click();
  assert.equal(await message(john, "psst").count(), 0);
  assert.equal(await message(zoe, "and you?").count(), 0);
}

async function roomsHaveLinksAndNews(server, john, zoe) {
  await say(zoe, "/join games");
  await zoe.waitForURL(`${server.url}#games`);
  // A link brings one in, and the address tells where one is.
  await john.evaluate(() => (location.hash = "#games"));
  await john.getByRole("heading", { name: "games" }).waitFor();
  await person(john, "Zoë").waitFor();
  await say(zoe, "chess?");
  await message(john, "chess?").waitFor();
  await john.getByRole("navigation").getByRole("button", { name: "lobby", exact: true }).click();
  await john.waitForURL(`${server.url}#lobby`);
  await say(zoe, "or go?");
  await john.getByRole("navigation").getByRole("button", { name: /^games 1 unread/ }).waitFor();
  await say(zoe, "/topic board games");
  await john.getByRole("navigation").getByRole("button", { name: /^games/ }).first().click();
  await message(john, "or go?").waitFor();
  await john.locator("#topic").getByText("board games").waitFor();
  await say(john, "/leave");
  await zoe.locator(".presence").getByText("left").waitFor();
  await zoe.getByRole("navigation").getByRole("button", { name: /^lobby/ }).first().click();
}

async function commandsAnswerInPlace(john, zoe) {
  await say(john, "/jion games");
  await john.getByRole("alert").getByText("There is no command /jion. Did you mean /join?").waitFor();
  assert.equal(await box(john).inputValue(), "/jion games");
  await say(john, "//etc/hosts");
  await message(zoe, "/etc/hosts").waitFor();
  await say(john, "/whois zoë");
  await john.locator(".info").getByText("Zoë is in #").waitFor();
  await say(john, "/who");
  await john.locator(".info").getByText("3 in #lobby: Adam, John, Zoë").waitFor();
  await say(zoe, "/away lunch");
  await john.locator(".info").getByText("Zoë is away: lunch").waitFor();
  await say(zoe, "/back");
  await say(john, "/ignore Zoë");
  await john.locator(".info").getByText("You ignore Zoë.").waitFor();
  await say(zoe, "unheard");
  await say(zoe, "/nick Zoe");
  await john.locator(".info").getByText("Zoë is Zoe now.").waitFor();
  assert.equal(await message(john, "unheard").count(), 0);
  // Under both names, until one takes that back.
  await say(john, "/unignore Zoë");
  await say(john, "/unignore Zoe");
  await john.locator(".info").getByText("You ignore nobody.").waitFor();
  await say(john, "/help");
  await john.locator(".info").getByText("/msg NAME TEXT").waitFor();
}

async function aNameThatIsTakenIsExplained(server, visit, john) {
  // A second tab of the same browser does not steal the first one's name.
  const second = await john.context().newPage();
  await second.goto(server.url);
  await second.getByRole("alert").getByText(/taken/).waitFor();
  await second.getByLabel("Your name").fill("Johnny");
  await second.keyboard.press("Enter");
  await person(second, "Johnny").waitFor();
  await second.close();
  await person(john, "John").waitFor();

  const stranger = await visit();
  await stranger.goto(`${server.url}#games`);
  assert.equal(await stranger.getByRole("textbox", { name: "Room" }).inputValue(), "games");
  await stranger.getByLabel("Your name").fill("x".repeat(33));
  await stranger.keyboard.press("Enter");
  await stranger.getByRole("alert").getByText(/longer than 32 characters/).waitFor();
  await stranger.close();
}

async function whatIsRememberedIsNotAskedAgain(server, john) {
  await john.evaluate(() => localStorage.setItem("chinwag.name", '"John"'));
  await box(john).fill("half a thought");
  await john.reload();
  await message(john, "/etc/hosts").waitFor();
  assert.equal(await box(john).inputValue(), "half a thought");
  await person(john, "John").waitFor();
  const greeter = await Person.comes(server, "Greeter");
  greeter.says("welcome back");
  await message(john, "welcome back").waitFor();
  greeter.leaves();
}

async function whatIsTooLongStaysInTheBox(page) {
  const server = await Server.start("--max-message-size", "2000");
  await enter(page, server, "Talker");
  const tooLong = async (text, over) => {
    await say(page, text);
    await page.getByRole("alert").getByText(over).waitFor();
    assert.equal(await box(page).inputValue(), text);
  };
  // A character that JSON writes in two bytes counts as two.
  await tooLong(`"`.repeat(8_000), /^Too long: \d{2} bytes over/);
  // What this server takes is known only after it refused one; nobody waits long for that.
  await say(page, "y".repeat(5_000));
  await page.locator("#pending").getByText("Not sent: it is too long for this server").waitFor();
  await tooLong("z".repeat(2_000), /^Too long: \d{2} bytes over/);
  await tooLong(`/msg Adam ${"z".repeat(2_000)}`, /^Too long/);
  await page.getByRole("button", { name: "Discard" }).click();
  await say(page, "short");
  await message(page, "short").waitFor();
  await page.close();
  await server.kill();
}

async function whatIsRememberedWronglyCountsAsNothing(server, page) {
  const keys = ["name", "session", "room", "shown", "rooms", "whispers", "outbox", "notify", "alive", "hasQuit", "draft.rob.room:lobby"];
  const wrong = ["{}", "5", "[null]", "[5]", "[{}]", "null", "{", '[{"is":"whisper","peer":"a","from":"b","text":"c","time":1e99}]'];
  await page.goto(server.url);
  for (const value of wrong) {
    const spoil = ([keys, value]) => {
      for (const store of [localStorage, sessionStorage]) for (const key of keys) store.setItem(`chinwag.${key}`, value);
    };
    await page.evaluate(spoil, [keys, value]);
    await page.reload();
    await page.getByLabel("Your name").fill("Rob");
    await page.keyboard.press("Enter");
    await person(page, "Rob").waitFor();
    // Somebody who is known all the same is let in.
    await page.evaluate(spoil, [keys.filter((key) => !["name", "session"].includes(key)), value]);
    await page.reload();
    await page.getByRole("textbox", { name: "Message #lobby" }).waitFor();
    await say(page, `in with ${value}`);
    await message(page, `in with ${value}`).waitFor();
    await page.getByRole("button", { name: "Leave the chat" }).click();
  }
}

async function whatIsRefusedStaysInTheBox(page) {
  const isTold = async (line, problem) => {
    await say(page, line);
    await page.getByRole("alert").getByText(problem).waitFor();
    assert.equal(await box(page).inputValue(), line);
  };
  await isTold(`/topic ${"é".repeat(223)}`, "The topic is too long: 23 characters over 200.");
  await isTold(`/away ${"x".repeat(201)}`, "Why you are away is too long: 1 character over 200.");
  await isTold("/quit now", "Use it like this: /quit");
  await say(page, `/nick ${"n".repeat(33)}`);
  await page.locator(".info.error").getByText(/longer than 32/).waitFor();
  assert.equal(await box(page).inputValue(), `/nick ${"n".repeat(33)}`);
  await say(page, "/who #nowhere");
  await page.locator(".info").getByText("Nobody is in #nowhere.").waitFor();
  assert.equal(await page.getByRole("navigation").getByText("nowhere").count(), 0);
  assert.equal(await box(page).inputValue(), "");
}

/** A name with a space is known after its person left, too. */
async function aSecretGoesToNobodyElse(server, page) {
  const mary = await Person.comes(server, "Mary");
  const ann = await Person.comes(server, "Mary Ann");
  await person(page, "Mary Ann").waitFor();
  ann.leaves();
  await person(page, "Mary Ann").waitFor({ state: "detached" });
  await say(page, "/msg Mary Ann secret");
  await page.getByRole("alert").getByText("Do you mean Mary or Mary Ann? Say so with a colon: /msg NAME: TEXT").waitFor();
  assert.equal(await box(page).inputValue(), "/msg Mary Ann secret");
  await say(page, "/msg mary: Ann is gone");
  assert.equal((await mary.hears("whisper")).text, "Ann is gone");
  await page.getByRole("navigation").getByRole("button", { name: /^lobby/ }).first().click();
  mary.leaves();
}

async function aBadLinkLeavesOneIn(server, page) {
  const bad = `no${"o".repeat(200)}`;
  for (const go of [() => page.evaluate((bad) => (location.hash = bad), bad), () => page.goto(`${server.url}?again#${bad}`)]) {
    await go();
    await page.waitForURL(/#lobby$/);
    await page.locator(".info.error").getByText(/room/).last().waitFor();
    await page.getByRole("textbox", { name: "Message #lobby" }).waitFor();
    assert.equal(await page.getByRole("navigation").getByText("nooo").count(), 0);
  }
}
