// The server is killed and comes back with the log that it had: nothing is missing, nothing
// is said or shown twice, and everybody is who they were.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { box, enter, message, messages, person, say, test } from "./support.mjs";

const folder = mkdtempSync(join(tmpdir(), "chinwag-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

await test(
  async ({ server, visit }) => {
    const [john, zoe, mia] = [await visit(), await visit(), await visit()];
    const line = await lineOf(john);
    await enter(john, server, "John", "games");
    await enter(zoe, server, "Zoë", "games");
    await enter(mia, server, "Mia", "games");
    await say(john, "before");
    for (const page of [john, zoe, mia]) await message(page, "before").waitFor();

    // It is in the log, and John does not hear so.
    line.isDeaf = true;
    await say(john, "just in time");
    await message(zoe, "just in time").waitFor();
    await john.locator("#pending").getByText("just in time").waitFor();
    line.isDown = true;
    await server.kill();
    await line.cut();
    await john.getByText(/^Connection lost/).waitFor();
    await say(john, "meanwhile");
    await say(mia, "before a reload");
    await mia.locator("#pending").getByText("before a reload").waitFor();
    await mia.reload().catch(() => {});
    await mia.waitForURL(/^chrome-error:/);

    await server.again();
    Object.assign(line, { isDeaf: false, isDown: false });
    await mia.goto(`${server.url}#games`);
    for (const page of [john, zoe]) await isBack(page);
    for (const name of ["John", "Zoë", "Mia"]) await person(zoe, name).waitFor();
    for (const text of ["meanwhile", "before a reload"]) {
      for (const page of [john, zoe, mia]) await message(page, text).waitFor();
    }
    await say(zoe, "after");
    for (const page of [john, zoe, mia]) await message(page, "after").waitFor();

    // Who comes now sees what the log has.
    const pat = await visit();
    await enter(pat, server, "Pat", "games");
    await message(pat, "after").waitFor();
    const log = await messages(pat).allTextContents();
    assert.deepEqual(log.toSorted(), ["after", "before", "before a reload", "just in time", "meanwhile"]);
    assert.deepEqual([log[0], log[1], log.at(-1)], ["before", "just in time", "after"]);
    for (const page of [john, zoe, mia]) {
      assert.deepEqual(await messages(page).allTextContents(), log);
      assert.equal(await page.getByText("may be missing").count(), 0);
      assert.equal(await page.locator("#pending > li").count(), 0);
      assert.equal(await box(page).inputValue(), "");
    }
  },
  { serverArgs: ["--store", `sqlite:${folder}/chat.db`], expected: /WebSocket connection to|net::ERR_|status of 409/ },
);

/** John's line to the server. */
async function lineOf(page) {
  const line = { isDown: false, isDeaf: false };
  await page.routeWebSocket(/\/ws/, (client) => {
    if (line.isDown) return client.close({ code: 1001 });
    const upstream = client.connectToServer();
    line.cut = () => client.close({ code: 1001 }).catch(() => {});
    upstream.onMessage((data) => line.isDeaf || client.send(data));
  });
  return line;
}

/** Does not wait for the next try. */
async function isBack(page) {
  await page.getByRole("button", { name: "Try now" }).click({ timeout: 1_000 }).catch(() => {});
  await page.locator("#connection").waitFor({ state: "hidden" });
}
