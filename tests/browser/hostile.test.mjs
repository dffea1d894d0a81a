/** A third who knows the ids of a call of two browsers acts on it. CALL 3, INV 4; S5, S6. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Raw } from "./lib/raw.mjs";
import { callOf, scene } from "./lib/people.mjs";
import { Server } from "./lib/server.mjs";

test("a third can neither end nor enter nor disturb the call of two browsers", { timeout: 240_000 }, async () => {
  const server = await Server.start(["rates.commands={ per = 0 }"]);
  const people = [];
  await scene(server, () => people, async () => {
    const [ann, bob] = await callOf(server, people);
    const before = await ann.call();
    const mallory = await Raw.open(server, "Mallory");
    await mallory.ask("join");
    const call = before.id;
    const acts = [
      ["hang_up", { call }],
      ["rejoin", { call }],
      ["renegotiate", { call }],
      ["chat", { call, text: "it is me" }],
      ["extend_call", { call, seconds: 600 }],
      ["ice_servers", { call }],
      ["share", { call, contacts: { mail: "me@example.org" } }],
      ["description", { call, epoch: before.epoch, kind: "offer", sdp: "v=0\r\n" }],
      ["candidates", { call, epoch: before.epoch, from: 0, candidates: [], done: true }],
    ];
    for (const [command, fields] of acts) {
      const answer = await mallory.ask(command, fields);
      assert.deepEqual([answer.t, answer.code], ["no", "not_member"], command);
    }
    for (const victim of [ann, bob]) {
      const user = await victim.user();
      assert.equal((await mallory.ask("report", { user, reason: "I say so", call })).code, "unknown_call");
      assert.equal((await mallory.ask("invite", { to: user, seconds: 60 })).code, "busy");
    }
    assert.deepEqual(mallory.heard, []);
    mallory.close();

    assert.deepEqual(await ann.call(), before);
    await Promise.all([ann.sees(), bob.sees()]);
    assert.equal(await ann.at("chat-line").count(), 0);
    await ann.chat("who was that?");
    await bob.reads("who was that?");
    assert.equal(await bob.at("chat-line").count(), 1);
  });
});
