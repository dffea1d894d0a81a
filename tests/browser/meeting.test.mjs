/** Two people meet in the served demo, in real browsers, with pictures. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

test("two people meet, talk, come back after a reload, and part until tomorrow", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(await Person.open(server, "Ann"), await Person.open(server, "Bob"));
    const [ann, bob] = people;
    await Promise.all([ann.enter(), bob.enter()]);

    // Each sees the other's card; she rings for ten minutes, he has four: seven it is.
    await bob.cardOf(ann);
    await ann.setSlider("length-slider", 10);
    await ann.ring(bob);
    await bob.at("ring-dialog").waitFor();
    await bob.setSlider("callee-length", 4);
    await bob.at("accept-button").click();
    await Promise.all([ann.inCall(), bob.inCall()]);
    const { deadline, id } = await ann.call();
    const started = await ann.page.evaluate(() => window.__duologue.duo.call.started);
    assert.equal(deadline - started, 420_000);
    await Promise.all([ann.sees(), bob.sees()]);

    await ann.chat("hello <b>Bob</b>");
    await bob.reads("hello <b>Bob</b>");
    await bob.chat("hello Ann");
    await ann.reads("hello Ann");

    // A reload is back in the same call, with picture, clock and what was said.
    await bob.page.reload();
    await bob.inCall();
    await until("the same call is here again", async () => (await bob.call())?.here);
    assert.deepEqual([(await bob.call()).id, (await bob.call()).deadline], [id, deadline]);
    await Promise.all([ann.sees(), bob.sees()]);
    await bob.reads("hello <b>Bob</b>");
    await ann.chat("back again?");
    await bob.reads("back again?");

    // The end is told to both, the card says until when, and a second ring is not offered, nor taken by the server.
    await bob.hangUp();
    await Promise.all([ann.at("after-call").waitFor(), bob.at("after-call").waitFor()]);
    await ann.at("after-close").click();
    const card = await ann.cardOf(bob);
    await card.getByTestId("cooldown").waitFor();
    assert.match(await card.getByTestId("cooldown").innerText(), /again tomorrow/i);
    assert.equal(await card.getByTestId("ring-button").isVisible(), false);
    const refused = await ann.page.evaluate(async (user) => {
      try {
        await window.__duologue.duo.lobby.invite({ user }, { seconds: 60 });
        return null;
      } catch (error) {
        return error.code;
      }
    }, await bob.user());
    assert.equal(refused, "cooldown");
  });
});

test("somebody who closes the tab and comes again at once sees who is there", { timeout: 120_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(await Person.open(server, "Ann"), await Person.open(server, "Bob"));
    const [ann, bob] = people;
    await Promise.all([ann.enter(), bob.enter()]);
    await ann.cardOf(bob);
    // Within the grace she is in the lobby still; the window went with the tab.
    const old = ann.page;
    const user = await ann.user();
    ann.page = await old.context().newPage();
    await old.close();
    await ann.page.goto(server.url);
    await ann.enter({ picture: false });
    assert.equal(await ann.user(), user, "this device remembers her");
    await ann.cardOf(bob);
    await bob.cardOf(ann);
  });
});
