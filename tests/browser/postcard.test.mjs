/** The binary form in real browsers: who speaks in bytes meets who speaks in JSON, and the same over WebTransport. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, scene } from "./lib/people.mjs";
import { Server } from "./lib/server.mjs";

/** Which kinds of frames a page sends and hears over its WebSockets from now on. */
function framesOf(person) {
  const kinds = { sent: new Set(), heard: new Set() };
  const kind = ({ payload }) => (typeof payload === "string" ? "text" : "bytes");
  person.page.on("websocket", (socket) => {
    socket.on("framesent", (frame) => kinds.sent.add(kind(frame)));
    socket.on("framereceived", (frame) => kinds.heard.add(kind(frame)));
  });
  return kinds;
}

/** From the ring to the end of the call, with a line of text each way and a reload. */
async function talk(ann, bob) {
  await ann.ring(bob);
  await bob.at("accept-button").click();
  await Promise.all([ann.inCall(), bob.inCall()]);
  await Promise.all([ann.sees(), bob.sees()]);
  await ann.chat("in bytes \u{1f600}");
  await bob.reads("in bytes \u{1f600}");
  await bob.chat("in words");
  await ann.reads("in words");
  await ann.page.reload();
  await ann.inCall();
  await Promise.all([ann.sees(), bob.sees()]);
  await bob.hangUp();
  await Promise.all([ann.at("after-call").waitFor(), bob.at("after-call").waitFor()]);
}

test("a page on postcard and one on JSON meet: ring, call, chat, reload, hang up", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(await Person.open(server, "Ann", { query: "?form=postcard" }), await Person.open(server, "Bob"));
    const [ann, bob] = people;
    const [hers, his] = [framesOf(ann), framesOf(bob)];
    await Promise.all([ann.enter(), bob.enter()]);
    await talk(ann, bob);
    assert.deepEqual([[...hers.sent], [...hers.heard]], [["bytes"], ["bytes"]]);
    assert.deepEqual([[...his.sent], [...his.heard]], [["text"], ["text"]]);
  });
});

test("a page on postcard comes back after a lost link with what it missed, and is refused in words", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    // The socket is held, so that the test can cut it as a network does.
    people.push(await Person.open(server, "Ann", { query: "?form=postcard" }));
    const [ann] = people;
    await ann.page.evaluate(() => {
      const Real = window.WebSocket;
      window.WebSocket = class extends Real {
        constructor(...words) {
          super(...words);
          window.lastSocket = this;
        }
      };
    });
    await ann.enter();
    const recovered = await ann.page.evaluate(async () => {
      const welcome = window.__duologue.duo.once("welcome");
      window.lastSocket.close(4000);
      return (await welcome).recovered;
    });
    assert.equal(recovered, true);
    const code = await ann.page.evaluate(() =>
      window.__duologue.duo.command("rejoin", { call: 1 }).then(() => "ok", (error) => error.code),
    );
    assert.equal(code, "unknown_call");
  });
});

test("over WebTransport it is postcard unless JSON is asked for, and the two meet", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(await Person.open(server, "Ann", { query: "?carrier=auto" }), await Person.open(server, "Bob", { query: "?carrier=auto&form=json" }));
    const addresses = async (person) => person.page.evaluate(() => window.sessions.map((url) => new URL(url).search));
    for (const person of people) {
      await person.page.evaluate(() => {
        const Real = window.WebTransport;
        window.sessions = [];
        window.WebTransport = class extends Real {
          constructor(url, options) {
            super(url, options);
            window.sessions.push(url);
          }
        };
      });
    }
    const [ann, bob] = people;
    await Promise.all([ann.enter(), bob.enter()]);
    assert.deepEqual([await addresses(ann), await addresses(bob)], [[""], ["?form=json"]]);
    await talk(ann, bob);
  });
});
