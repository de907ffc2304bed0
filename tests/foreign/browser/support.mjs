// What the browser tests share: a server that can be killed, pages that report
// what went wrong in them, and people without a browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import WebSocket from "ws";

/** The longest that anything may take before a test fails. */
export const PATIENCE = 20_000;

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const [, , serverProgram, clientProgram] = process.argv;

/** chat-server, as a program of its own. */
export class Server {
  #args;

  static async start(...args) {
    const server = new Server();
    server.#args = args;
    process.on("exit", () => server.process.kill("SIGKILL"));
    await server.#run("127.0.0.1:0");
    return server;
  }

  async #run(address) {
    // Scripts talk faster than people.
    const args = ["--listen", address, "-qqq", "--message-rate", "off", ...this.#args];
    this.process = spawn(serverProgram, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface(this.process.stdout), "line", { signal: AbortSignal.timeout(PATIENCE) });
    [, this.scheme, this.address] = /^listening on ws(s?):\/\/(.*)\/$/.exec(line);
  }

  get url() {
    return `http${this.scheme}://${this.address}/`;
  }

  /** As by a power cut. */
  async kill() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }

  /** On the same port again. */
  async again() {
    await this.#run(this.address);
  }
}

/** Any Chromium that is here. */
export function browserPath() {
  const path = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
  assert(path, `no browser at ${BROWSERS}: run tests/run`);
  return path;
}

/** A browser without a window. */
export function launch() {
  return chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu"] });
}

/** Runs a test with a browser and a server, and ends both. */
export async function test(run, { serverArgs = [], expected = /(?!)/ } = {}) {
  const browser = await launch();
  const server = await Server.start(...serverArgs);
  const problems = [];
  try {
    await run({ browser, server, visit: (options) => visit(browser, problems, options) });
    const unexpected = problems.filter((problem) => !expected.test(problem));
    assert.deepEqual(unexpected, [], "what a page complained about");
  } catch (error) {
    await describe(browser, problems);
    throw error;
  } finally {
    await server.kill();
    await browser.close();
  }
}

/** Prints what was to be seen when a test failed. */
async function describe(browser, problems) {
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    const text = await page.locator("body").innerText({ timeout: 2_000 }).catch(String);
    console.log(`${page.url()}\n${text.slice(-1_500).replaceAll(/^/gm, "  | ")}`);
  }
  console.log(problems.join("\n").slice(-2_000));
}

/** A new page in a browser that knows nothing yet. Its complaints are collected. */
async function visit(browser, problems, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 700 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  context.on("page", (page) => {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.stack));
    page.on("dialog", (dialog) => {
      // "Leave the page?", where something is not sent yet.
      if (dialog.type() === "beforeunload") return dialog.accept();
      problems.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
  });
  return context.newPage();
}

/** Comes in as a person does: fills the form. */
export async function enter(page, server, name, room = "lobby") {
  await page.goto(`${server.url}#${room}`);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("textbox", { name: `Message #${room}` }).waitFor();
  await person(page, name).waitFor({ state: "attached" });
}

export const box = (page) => page.locator("#box");
export const messages = (page) => page.locator("#messages > .message .text, #messages > .whisper .text");
export const message = (page, text) => page.locator("#messages .text").getByText(text, { exact: true });
export const person = (page, name) => page.locator("#people .name").getByText(name, { exact: true });

/** Types a line and sends it. */
export async function say(page, text) {
  await box(page).fill(text);
  await box(page).press("Enter");
}

/** Where an item is on the screen. */
export const placeOf = async (locator) => (await locator.boundingBox()).y;

/** Somebody who speaks chinwag.v1 without a browser. */
export class Person {
  static async comes(server, name, room = "lobby") {
    const person = new Person();
    const query = new URLSearchParams({ name, room });
    person.room = room;
    person.heard = [];
    person.socket = new WebSocket(`ws://${server.address}/ws?${query}`, "chinwag.v1");
    person.socket.on("message", (data) => {
      person.heard.push(JSON.parse(data));
      person.socket.emit("heard");
    });
    await person.hears("welcome");
    return person;
  }

  ask(request) {
    this.socket.send(JSON.stringify(request));
  }

  says(text) {
    this.ask({ type: "say", room: this.room, text });
  }

  /** The next event of this type that `fits`; drops those before it. */
  async hears(type, fits = () => true) {
    const signal = AbortSignal.timeout(PATIENCE);
    for (;;) {
      const event = this.heard.shift();
      if (event?.type === type && fits(event)) return event;
      if (!event) await once(this.socket, "heard", { signal });
    }
  }

  leaves() {
    this.socket.close(1000);
  }
}

/** A person at a terminal: chat-client. */
export class Terminal {
  static async comes(server, name) {
    const terminal = new Terminal();
    terminal.process = spawn(clientProgram, ["--name", name, `ws://${server.address}/`], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    terminal.lines = createInterface(terminal.process.stdout)[Symbol.asyncIterator]();
    await terminal.hears(`Received: Welcome ${name}.`);
    return terminal;
  }

  /** Reads up to this line. */
  async hears(wanted) {
    const timer = setTimeout(() => this.process.kill(), PATIENCE);
    for (;;) {
      const { value, done } = await this.lines.next();
      assert(!done, `the terminal ended before it heard: ${wanted}`);
      if (value === wanted) return clearTimeout(timer);
    }
  }

  says(line) {
    this.process.stdin.write(`${line}\n`);
  }

  async leaves() {
    const ended = once(this.process, "exit");
    this.process.stdin.end();
    await ended;
  }
}
