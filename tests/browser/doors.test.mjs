/** The other ways into a call: letting oneself be paired, coming without a camera, saying no. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

test("two who let themselves be paired see each other at once", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name)))));
    const [ann, bob] = people;
    await Promise.all([ann.enter(), bob.enter()]);
    await ann.at("meet-button").click();
    await ann.page.getByText("Looking for somebody").waitFor();
    await bob.at("meet-button").click();
    await Promise.all([ann.inCall(), bob.inCall()]);
    await Promise.all([ann.sees(), bob.sees()]);
    // Mute and camera are told to the other.
    await ann.at("camera-button").click();
    await until("he is shown no frozen picture", () => bob.page.evaluate(() => !document.querySelector("[data-testid=call]").classList.contains("has-remote")));
    await ann.at("camera-button").click();
    await until("and then the picture again", () => bob.page.evaluate(() => document.querySelector("[data-testid=call]").classList.contains("has-remote")));
    // Leaving the page on purpose ends the call for the other.
    await bob.at("menu-button").click();
    await bob.at("block-button").click();
    await bob.at("block-confirm").click();
    await Promise.all([ann.at("after-call").waitFor(), bob.at("after-call").waitFor()]);
    const user = await bob.user();
    await ann.at("after-close").click();
    await until("blocked is hidden, both ways", async () => (await ann.at("card").count()) === 0 && (await bob.at("card").count()) === 0);
    assert.equal(await ann.page.locator(`[data-user="${user}"]`).count(), 0);
  });
});

test("somebody who refuses the camera is told what that means, comes in without a picture, and sees the other", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(await Person.open(server, "Ann"), await Person.open(server, "Bob", { camera: false }));
    const [ann, bob] = people;
    await ann.enter();
    await bob.at("name-input").fill("Bob");
    await bob.at("enter-button").click();
    await bob.page.getByRole("alert").filter({ hasText: "Camera and microphone are blocked for this page" }).waitFor();
    assert.equal(await bob.at("lobby").count(), 0, "what is broken is said before anybody rings");
    await bob.enter({ picture: false });
    await bob.ring(ann);
    await ann.at("accept-button").click();
    await Promise.all([ann.inCall(), bob.inCall()]);
    await bob.sees();
    await until("she is connected", async () => (await ann.media())?.state === "connected");
    assert.equal((await ann.media()).frames, 0);
    await bob.chat("I have no camera");
    await ann.reads("I have no camera");
  });
});

test("a no is a no for a day", { timeout: 120_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name)))));
    const [ann, bob] = people;
    await Promise.all([ann.enter({ picture: false }), bob.enter({ picture: false })]);
    await ann.ring(bob);
    await bob.at("decline-button").click();
    await ann.page.getByText(/said no/).first().waitFor();
    for (const [one, other] of [[ann, bob], [bob, ann]]) {
      const card = await one.cardOf(other);
      await card.getByTestId("cooldown").waitFor();
      assert.equal(await card.getByTestId("ring-button").isVisible(), false);
    }
  });
});
