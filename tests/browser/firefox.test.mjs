/** Chromium and Firefox in one call, each ringing the other: descriptions of both makers, compact on the wire, read by the other. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FirefoxPerson } from "./lib/firefox.mjs";
import { Person, scene } from "./lib/people.mjs";
import { Server } from "./lib/server.mjs";

for (const rings of ["Firefox", "Chromium"]) {
  test(`Firefox and Chromium see each other; ${rings} rings`, { timeout: 180_000 }, async () => {
    const server = await Server.start();
    const people = [];
    await scene(server, () => people, async () => {
      people.push(await FirefoxPerson.open(server, "Fiona"), await Person.open(server, "Chris"));
      await Promise.all(people.map((person) => person.enter()));
      const [caller, callee] = rings === "Firefox" ? people : people.toReversed();
      await caller.ring(callee);
      await callee.at("accept-button").click();
      await Promise.all(people.map((person) => person.inCall()));
      await Promise.all(people.map((person) => person.sees()));
      await caller.chat("Can you see me?");
      await callee.reads("Can you see me?");
      const calls = await Promise.all(people.map((person) => person.call()));
      assert.equal(calls[0].id, calls[1].id);
      await callee.hangUp();
      await caller.at("after-call").waitFor();
    });
  });
}
