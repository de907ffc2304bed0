// The page over https://, and the chat over wss://.

import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { Server, browserPath, enter, message, person, say } from "./support.mjs";

const [, , , , certificate, key] = process.argv;

/** What Chromium knows a certificate by that it is to take, whoever signed it. */
function fingerprint() {
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  return createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64");
}

async function launch(...args) {
  return chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu", ...args] });
}

const server = await Server.start("--tls-cert", certificate, "--tls-key", key);
const browsers = [await launch(`--ignore-certificate-errors-spki-list=${fingerprint()}`), await launch()];
try {
  const problems = [];
  const pages = [];
  for (const name of ["John", "Adam"]) {
    const page = await browsers[0].newPage();
    page.on("pageerror", (error) => problems.push(error.stack));
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) problems.push(line.text());
    });
    page.sockets = [];
    page.on("websocket", (socket) => page.sockets.push(socket.url()));
    await enter(page, server, name);
    pages.push(page);
  }
  const [john, adam] = pages;
  await person(john, "Adam").waitFor({ state: "attached" });
  await say(john, "nobody listens in");
  await message(adam, "nobody listens in").waitFor();
  for (const page of pages) {
    assert(new URL(page.url()).protocol === "https:", page.url());
    assert(page.sockets.length > 0 && page.sockets.every((url) => url.startsWith(`wss://${server.address}/`)), `${page.sockets}`);
  }
  assert.deepEqual(problems, [], "what a page complained about");

  // Who does not trust the certificate is shown no page.
  const stranger = await browsers[1].newPage();
  await assert.rejects(stranger.goto(server.url), /ERR_CERT_AUTHORITY_INVALID/);
} finally {
  await server.kill();
  for (const browser of browsers) await browser.close();
}
