/** WebTransport in a real browser: by the protocol's page alone, bytes on a stream; and under the SDK, with the way back to WebSocket. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { callOf, Person, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

/** In the page: opens a session as the server tells it, says hello in the binary form, and gives what comes back. */
async function speak({ token, bytes, wait }) {
  const told = await (await fetch("/v1/quic")).json();
  const value = (hex) => new Uint8Array(hex.match(/../g).map((byte) => parseInt(byte, 16)));
  const session = new WebTransport(`https://${location.hostname}:${told.port}${told.webtransport}`, {
    serverCertificateHashes: told.certificate_sha256.map((hash) => ({ algorithm: "sha-256", value: value(hash) })),
  });
  await session.ready;
  const { readable, writable } = await session.createBidirectionalStream();
  const writer = writable.getWriter();
  const text = new TextEncoder().encode(token);
  // `hello` with nothing but a token: kind 0, the token with its length, no client, no resume, not exclusive, no sdp.
  const hello = bytes ? new Uint8Array(bytes) : new Uint8Array([6 + text.length, 0, text.length, ...text, 0, 0, 0, 0]);
  await writer.write(hello);
  const reader = readable.getReader();
  const first = await reader.read();
  const answer = [...(first.value ?? [])];
  if (wait) {
    const end = await session.closed;
    return { answer, code: end.closeCode };
  }
  session.close();
  return { answer, code: null };
}

test("a browser says hello over WebTransport and is welcomed; nonsense is told by its code", { timeout: 120_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const ann = await Person.open(server, "Ann");
    people.push(ann);
    const token = await ann.page.evaluate(async () => {
      const answer = await fetch("/v1/guests", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "Ann" }),
      });
      return (await answer.json()).token;
    });
    const { answer } = await ann.page.evaluate(speak, { token });
    const name = new TextEncoder().encode("Ann");
    assert.ok(Buffer.from(answer).includes(Buffer.from(name)), `a welcome with her own card: ${answer}`);

    const nonsense = await ann.page.evaluate(speak, { token, bytes: [5, 104, 101, 108, 108, 111], wait: true });
    assert.equal(nonsense.code, 4106);
    assert.ok(nonsense.answer.length > 0, "a closing comes before the close");
    const unknown = await ann.page.evaluate(speak, { token: "x".repeat(43), wait: true });
    assert.equal(unknown.code, 4103);
  });
});

/** How many connections the server has over QUIC. */
async function overQuic(server) {
  const text = await (await fetch(new URL("metrics", server.url))).text();
  const line = text.split("\n").find((line) => line.startsWith('duologue_quic_connections{stage="open"}'));
  return line === undefined ? null : Number(line.split(" ")[1]);
}

test("two pages meet over WebTransport: ring, call, chat, hang up", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name, { query: "?carrier=auto" })))));
    const [ann, bob] = people;
    await Promise.all([ann.enter(), bob.enter()]);
    assert.equal(await overQuic(server), 2);
    await ann.ring(bob);
    await bob.at("accept-button").click();
    await Promise.all([ann.inCall(), bob.inCall()]);
    await Promise.all([ann.sees(), bob.sees()]);
    await ann.page.evaluate(() => window.__duologue.duo.call.chat("over QUIC"));
    await bob.page.getByText("over QUIC").waitFor();
    await bob.at("hangup-button").click();
    await Promise.all([ann.at("after-call").waitFor(), bob.at("after-call").waitFor()]);
    assert.equal(await overQuic(server), 2);
  });
});

test("a tab that crashes over WebTransport is lost, not gone: the other waits for it; one that leaves is gone at once", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const [ann, bob] = await callOf(server, people, { options: { query: "?carrier=auto" } });
    assert.equal(await overQuic(server), 2);
    await bob.crash();
    await ann.at("call-status").filter({ hasText: "Bob is reconnecting" }).waitFor();
    assert.ok(await ann.call(), "the call goes on");
    // Who says goodbye has no grace.
    await ann.page.evaluate(() => window.__duologue.duo.leave());
    await until("nobody is waited for but Bob", async () => {
      const { live, graced } = (await server.get("/health")).connections;
      return live === 0 && graced === 1;
    });
  });
});

test("where WebTransport cannot be had a WebSocket takes its place", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const ann = await Person.open(server, "Ann", { query: "?carrier=auto" });
    people.push(ann);
    // A port where nobody answers, as in a network that lets no UDP through.
    await ann.page.route("**/v1/quic", async (route) => {
      const told = await (await route.fetch()).json();
      await route.fulfill({ json: { ...told, port: 9 } });
    });
    await ann.enter();
    assert.equal(await overQuic(server), 0);
  });
});
