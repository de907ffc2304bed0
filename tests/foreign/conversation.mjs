// The conversation of the article, held by npm's ws.
//
//     node conversation.mjs ws://127.0.0.1:9001/
//
// Asserts each line that each of the three hears, in order; what somebody should
// not have heard would stand in the place of the next line, or before the end.

import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import WebSocket from "ws";

const PATIENCE = 20_000;

const url = (query) => `${process.argv[2]}?${new URLSearchParams(query)}`;
const patience = () => ({ signal: AbortSignal.timeout(PATIENCE) });

class Person {
  static async joins(name) {
    const person = new Person();
    person.name = name;
    person.heard = [];
    person.socket = new WebSocket(url({ name }), { handshakeTimeout: PATIENCE });
    person.socket.on("message", (data, isBinary) => {
      person.heard.push(isBinary ? data : data.toString());
      person.socket.emit("heard");
    });
    // This client offers compression without being asked to.
    const [response] = await once(person.socket, "upgrade", patience());
    assert.equal(response.headers["sec-websocket-extensions"], undefined);
    assert.equal(response.headers["sec-websocket-protocol"], undefined);
    return person;
  }

  async hears(...lines) {
    for (const line of lines) {
      if (this.heard.length === 0) await once(this.socket, "heard", patience());
      assert.equal(this.heard.shift(), line, `heard by ${this.name}`);
    }
  }

  says(text) {
    this.socket.send(text);
  }

  /** Closes, and hears nothing more. */
  async leaves() {
    const closed = once(this.socket, "close", patience());
    this.socket.close(1000);
    const [code] = await closed;
    assert.equal(code, 1000);
    assert.deepEqual(this.heard, [], `heard by ${this.name} while leaving`);
  }
}

async function allHear(people, line) {
  for (const person of people) await person.hears(line);
}

async function isRefused(status, query) {
  const socket = new WebSocket(url(query), { handshakeTimeout: PATIENCE });
  const opened = once(socket, "open").then(() => assert.fail(`${JSON.stringify(query)} was let in`));
  const refused = once(socket, "unexpected-response", patience());
  const [request, response] = await Promise.race([refused, opened]);
  opened.catch(() => {});
  assert.match(request.getHeader("sec-websocket-extensions"), /permessage-deflate/);
  assert.equal(response.statusCode, status);
  assert.match(response.headers["content-type"], /^text\/plain/);
  const reason = await text(response);
  assert.match(reason, /^[^\n]+\n?$/);
  return reason;
}

assert.match(await isRefused(400, {}), /name/);
assert.match(await isRefused(400, { name: "   " }), /name/);
await isRefused(400, { name: "John", room: "no such room" });

const ronald = await Person.joins("Ronald");
await ronald.hears("Ronald joined.", "Welcome Ronald.");
const john = await Person.joins("John");
await john.hears("John joined.", "Welcome John.");
await ronald.hears("John joined.");
const adam = await Person.joins("Adam");
await adam.hears("Adam joined.", "Welcome Adam.");
const everyone = [ronald, john, adam];
await allHear([ronald, john], "Adam joined.");

// The holder of the name is asked whether it still lives, and does.
assert.match(await isRefused(409, { name: "John" }), /John/);
await isRefused(409, { name: " jOHN " });
await isRefused(409, { name: "J\u043ehn" });

ronald.says("Hi all!");
await allHear(everyone, "Ronald says: Hi all!");
john.says("Grüß Gott, 你好 👋");
await allHear(everyone, "John says: Grüß Gott, 你好 👋");
adam.says("");
await allHear(everyone, "Adam says: ");
adam.socket.send("in ", { fin: false });
adam.socket.send("three ", { fin: false });
adam.socket.send("fragments", { fin: true });
await allHear(everyone, "Adam says: in three fragments");
const long = "long enough that compression would pay. ".repeat(100);
ronald.says(long);
await allHear(everyone, `Ronald says: ${long}`);

// A command's answer is for the asker alone; the next line shows that.
john.says("/who");
await john.hears("3 here: Adam, John, Ronald");
john.says("//who is a command");
await allHear(everyone, "John says: /who is a command");

const pong = once(adam.socket, "pong", patience());
adam.socket.ping("are you there?");
assert.equal((await pong)[0].toString(), "are you there?");

await ronald.leaves();
await allHear([john, adam], "Ronald left.");
john.says("Bye, Adam.");
await allHear([john, adam], "John says: Bye, Adam.");
await john.leaves();
await adam.hears("John left.");

// A name is free again when its holder has left.
const again = await Person.joins("Ronald");
await again.hears("Ronald joined.", "Welcome Ronald.");
await adam.hears("Ronald joined.");
await again.leaves();
await adam.hears("Ronald left.");
await adam.leaves();
console.log("conversation held with ws");
