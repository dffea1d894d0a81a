/** The path between two pages breaks, or becomes another one, and their call goes on. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { callOf, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

/** What there is of a page's path: its peer connection's state, the names of its ends (RFC 8445, 5.3), and the call. */
const pathOf = (person) =>
  person.page.evaluate(() => {
    const connection = window.__duologue.peerConnection();
    const { id, epoch, weakness } = window.__duologue.duo.call;
    const ufrag = connection?.localDescription?.sdp.match(/ice-ufrag:(\S+)/)?.[1];
    return { state: connection?.connectionState, ufrag, id, epoch, weakness };
  });

/** Ann and Bob in a call, over a path that can be broken at Ann's end. */
const meet = (server, people) => callOf(server, people, { prepared: (ann) => ann.loses(0) });

test("a path that breaks is looked for again within the epoch, and the call goes on over the new one", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const [ann, bob] = await meet(server, people);
    const before = await pathOf(ann);
    await ann.loses(100);
    await until("no picture comes through", async () => {
      const { frames } = await ann.media();
      await new Promise((go) => setTimeout(go, 700));
      return (await ann.media()).frames === frames;
    });
    await until("the page notices", async () => (await pathOf(ann)).weakness === "silence");
    await until("it looks for another path by itself", async () => (await pathOf(ann)).ufrag !== before.ufrag);
    assert.equal((await pathOf(ann)).weakness, "silence", "as long as there is none");
    await ann.loses(0);
    await Promise.all([ann.sees(), bob.sees()]);
    const after = await pathOf(ann);
    assert.deepEqual([after.id, after.epoch], [before.id, before.epoch]);
    await until("all is well again", async () => (await pathOf(ann)).weakness === null);
  });
});

test("a path that stays broken for long is made anew under another epoch, in the same call", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const [ann, bob] = await meet(server, people);
    const before = await pathOf(ann);
    await ann.loses(100);
    await until("the two begin again", async () => (await pathOf(ann)).epoch > before.epoch && (await pathOf(bob)).epoch > before.epoch);
    await ann.loses(0);
    await Promise.all([ann.sees(), bob.sees()]);
    assert.equal((await pathOf(ann)).id, before.id);
    assert.equal((await pathOf(bob)).id, before.id);
  });
});

test("a network that is there again is looked at at once, and the picture does not stop meanwhile", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const [ann, bob] = await meet(server, people);
    const [hers, his] = [await pathOf(ann), await pathOf(bob)];
    await bob.page.evaluate(() => {
      window.states = [];
      const connection = window.__duologue.peerConnection();
      connection.addEventListener("connectionstatechange", () => window.states.push(connection.connectionState));
    });
    await bob.blinks();
    await until("both ends have new names", async () => (await pathOf(ann)).ufrag !== hers.ufrag && (await pathOf(bob)).ufrag !== his.ufrag);
    await Promise.all([ann.sees(), bob.sees()]);
    const after = await pathOf(bob);
    assert.deepEqual([after.id, after.epoch], [his.id, his.epoch]);
    assert.deepEqual(await bob.page.evaluate(() => window.states), []);
  });
});
