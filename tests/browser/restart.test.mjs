/** The server dies in the middle of a call. CALL 12: the media goes on, the clock goes on, both pages come back by themselves. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { callOf, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

test("the server is killed in mid-call: the picture goes on, and both are back by themselves", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const [ann, bob] = await callOf(server, people);
    await ann.chat("before");
    await bob.reads("before");
    const before = await ann.call();

    await server.kill();
    await Promise.all([ann.at("reconnecting").waitFor(), bob.at("reconnecting").waitFor()]);
    await Promise.all([ann.sees(), bob.sees()]);
    assert.ok(await ann.at("call").isVisible(), "the call stays on the page");
    await server.restart();
    await Promise.all([ann.at("reconnecting").waitFor({ state: "hidden" }), bob.at("reconnecting").waitFor({ state: "hidden" })]);
    for (const person of [ann, bob]) {
      await until(`${person.name} has the seat again`, async () => {
        const call = await person.call();
        return call?.here && call.epoch > before.epoch;
      });
    }
    assert.deepEqual([(await ann.call()).id, (await ann.call()).deadline], [before.id, before.deadline]);
    await Promise.all([ann.sees(), bob.sees()]);
    await bob.chat("after");
    await ann.reads("after");
    await ann.reads("before");

    await ann.hangUp();
    await bob.at("after-call").waitFor();
    await ann.at("after-close").click();
    // Both declared their place in the lobby again.
    await (await ann.cardOf(bob)).getByTestId("cooldown").waitFor();
  });
});

test("hung up while the server is away: over at once on both sides of the wire, and for the other when it is back", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const [ann, bob] = await callOf(server, people);
    await server.kill();
    await Promise.all([ann.at("reconnecting").waitFor(), bob.at("reconnecting").waitFor()]);
    // What is written meanwhile stands there, and says that it is on its way.
    await bob.chat("are you there?");
    await bob.page.locator(".chat-line.is-sending").filter({ hasText: "are you there?" }).waitFor();

    await ann.page.evaluate(() => (window.__connection = window.__duologue.peerConnection()));
    await ann.hangUp();
    await ann.at("after-call").filter({ hasText: "That was your call" }).waitFor();
    assert.equal(await ann.at("call").count(), 0);
    assert.equal(await ann.page.evaluate(() => window.__connection.connectionState), "closed");
    const { frames } = await bob.media();
    await new Promise((go) => setTimeout(go, 500));
    assert.ok((await bob.media()).frames - frames <= 3, "nothing of her is seen any more");
    assert.ok(await bob.at("call").isVisible(), "he has not been told so far");

    await server.restart();
    await bob.at("after-call").waitFor();
    await ann.at("reconnecting").waitFor({ state: "hidden" });
    assert.equal(await ann.call(), null);
    await ann.at("after-close").click();
    await (await ann.cardOf(bob)).getByTestId("cooldown").waitFor();
    assert.equal(await ann.at("call").count(), 0, "it does not come back");
  });
});
