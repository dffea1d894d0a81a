/** A lone page with `--with-people`: a lobby that lives, a call with somebody made up who says so, in a real browser. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

test("who is alone finds company, that says what it is", { timeout: 240_000 }, async () => {
  const server = await Server.start([], ["--with-people", "12"]);
  const people = [];
  await scene(server, () => people, async () => {
    const ann = await Person.open(server, "Ann");
    people.push(ann);
    await ann.enter();

    const cards = ann.at("card");
    await until("a lobby that lives", async () => (await cards.count()) >= 5);
    const marks = await ann.at("made-up").allInnerTexts();
    assert.ok(marks.length >= 5 && marks.every((text) => text === "made up"), marks.join());

    await cards.first().getByTestId("ring-button").click();
    await ann.inCall();
    const picture = ann.at("drawn-picture");
    await picture.waitFor();
    const look = () => picture.evaluate((canvas) => canvas.toDataURL());
    const first = await look();
    await until("the drawn picture moves", async () => (await look()) !== first);
    assert.match(await ann.at("call-status").innerText(), /made up/);

    // Their first line says it; then they answer.
    await ann.reads("made up");
    await ann.chat("what is your name?");
    await ann.reads("And you are Ann.");
    await ann.hangUp();
    await ann.at("after-call").waitFor();
    await ann.at("after-close").click();
    await ann.at("lobby").waitFor();
  });
});

test("who looks for somebody is found, and who waits is rung", { timeout: 240_000 }, async () => {
  const server = await Server.start(["company.pause=1s"], ["--with-people", "4"]);
  const people = [];
  await scene(server, () => people, async () => {
    const ann = await Person.open(server, "Ann");
    people.push(ann);
    await ann.enter({ picture: false });
    await ann.at("ring-dialog").waitFor();
    assert.match(await ann.at("ring-dialog").innerText(), /would like to talk[^]*made up/);
    await ann.at("accept-button").click();
    await ann.inCall();
    await ann.at("drawn-picture").waitFor();
    await ann.reads("made up");
    await ann.hangUp();
    await ann.at("after-call").waitFor();
  });
});
