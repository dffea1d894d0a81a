/** What is compressed on its way, as others read it: Node's zlib, the `ws` package, Chromium. Not one of them is ours. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { WebSocket } from "ws";

import { Person, scene } from "./lib/people.mjs";
import { Raw } from "./lib/raw.mjs";
import { Server } from "./lib/server.mjs";

const AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** The answer with its bytes as they came. */
async function fetched(server, path, encoding) {
  const headers = encoding ? { "accept-encoding": encoding } : {};
  const [answer] = await once(get(new URL(path, server.url), { headers }), "response");
  const bytes = Buffer.concat(await answer.toArray());
  return { bytes, status: answer.statusCode, headers: answer.headers };
}

test("answers from 1 KiB on come as small as the client can read them", { timeout: 120_000 }, async () => {
  const server = await Server.start();
  try {
    const page = (await fetched(server, "/")).bytes.toString();
    const script = page.match(/\/duologue-\w+\.js/)[0];
    for (const path of [script, "/metrics"]) {
      const plain = await fetched(server, path);
      assert.equal(plain.headers["content-encoding"], undefined, path);
      const kinds = [
        ["gzip", "gzip", gunzipSync],
        ["br", "br", brotliDecompressSync],
        ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
        ["br;q=0, gzip;q=0.5", "gzip", gunzipSync],
      ];
      for (const [offer, encoding, opened] of kinds) {
        const small = await fetched(server, path, offer);
        assert.equal(small.headers["content-encoding"], encoding, `${path}, ${offer}`);
        assert.match(small.headers.vary, /accept-encoding/i);
        assert.ok(small.bytes.length * 2 < plain.bytes.length, `${path}, ${offer}: ${small.bytes.length} of ${plain.bytes.length}`);
        if (path === script) assert.deepEqual(opened(small.bytes), plain.bytes);
        else assert.match(opened(small.bytes).toString(), /^# HELP duologue_/);
      }
    }
    // Too small to win, and what a browser has already.
    assert.equal((await fetched(server, "/favicon.svg", "gzip, br")).headers["content-encoding"], undefined);
    const { headers } = await fetched(server, script, "br");
    const again = await fetch(new URL(script, server.url), { headers: { "if-none-match": headers.etag } });
    assert.equal(again.status, 304);
  } finally {
    await server.stop();
  }
});

test("another's client deflates every message, and hears a window deflated", { timeout: 120_000 }, async () => {
  const server = await Server.start();
  const crowd = [];
  try {
    for (let n = 0; n < 20; n++) {
      const raw = await Raw.open(server, `Somebody number ${n}`);
      assert.equal((await raw.ask("join")).t, "ok");
      crowd.push(raw);
    }
    const made = await fetch(new URL("/v1/guests", server.url), { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"Mia"}' });
    const { token } = await made.json();
    const socket = new WebSocket(new URL("/v1/ws", server.url.replace("http", "ws")), "duologue.v1.json", { perMessageDeflate: { threshold: 0 } });
    const [[upgrade]] = await Promise.all([once(socket, "upgrade"), once(socket, "open")]);
    assert.equal(upgrade.headers["sec-websocket-extensions"], AGREED);
    const heard = [];
    const until = (t) =>
      new Promise((came) => {
        const look = () => {
          const found = heard.find(([, message]) => message.t === t);
          if (found) came(found);
          else socket.once("message", () => setImmediate(look));
        };
        look();
      });
    socket.on("message", (data) => heard.push([data.length, JSON.parse(data)]));
    // "hello" is deflated too by this client: the server reads it all the same.
    socket.send(JSON.stringify({ t: "hello", token }));
    await until("welcome");
    const before = socket._socket.bytesRead;
    socket.send(JSON.stringify({ t: "join", id: 1 }));
    socket.send(JSON.stringify({ t: "window", id: 2, size: 20 }));
    const [size, view] = await until("window");
    assert.equal(view.places.length, 20);
    const read = socket._socket.bytesRead - before;
    assert.ok(size > 1_500 && read < size, `${read} bytes for a window of ${size} and two answers`);
    socket.terminate();
  } finally {
    for (const raw of crowd) raw.close();
    await server.stop();
  }
});

test("the welcome is not deflated, however long it is: it carries a secret", { timeout: 120_000 }, async () => {
  const server = await Server.start();
  const callers = [];
  try {
    const made = await fetch(new URL("/v1/guests", server.url), { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"Mia"}' });
    const { user, token } = await made.json();
    const open = async () => {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      const bytes = [];
      socket.on("data", (data) => bytes.push(data));
      const read = async (enough) => {
        while (!enough(Buffer.concat(bytes))) await once(socket, "data");
        return Buffer.concat(bytes);
      };
      socket.write(
        `GET /v1/ws HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
          "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-extensions: permessage-deflate\r\n\r\n",
      );
      const head = await read((all) => all.includes("\r\n\r\n"));
      assert.ok(head.includes(AGREED));
      const say = (message) => {
        const text = Buffer.from(JSON.stringify(message));
        const length = Buffer.from([0xfe, text.length >> 8, text.length & 0xff]);
        socket.write(Buffer.concat([Buffer.from([0x81]), length, Buffer.alloc(4), text]));
      };
      say({ t: "hello", token });
      const frame = (all) => all.subarray(all.indexOf("\r\n\r\n") + 4);
      const first = frame(await read((all) => frame(all).length >= 4));
      return { socket, say, read, frame, first };
    };
    const phone = await open();
    phone.say({ t: "join", id: 1 });
    await phone.read((all) => all.includes('"ok"'));
    for (let n = 0; n < 6; n++) {
      const caller = await Raw.open(server, `A caller with a long name, number ${n}`);
      callers.push(caller);
      assert.equal((await caller.ask("join")).t, "ok");
      assert.equal((await caller.ask("invite", { to: user.user, seconds: 300 })).t, "ok");
    }
    const laptop = await open();
    // A text of at least 1,024 bytes, whole and plain.
    assert.deepEqual([laptop.first[0], laptop.first[1]], [0x81, 126]);
    const length = laptop.first.readUInt16BE(2);
    assert.ok(length >= 1_024, `${length}`);
    const all = laptop.frame(await laptop.read((bytes) => laptop.frame(bytes).length >= 4 + length));
    const welcome = JSON.parse(all.subarray(4, 4 + length));
    assert.deepEqual([welcome.t, welcome.state.invites.length], ["welcome", 6]);
    phone.socket.destroy();
    laptop.socket.destroy();
  } finally {
    for (const caller of callers) caller.close();
    await server.stop();
  }
});

test("Chromium's own offer is taken", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    const ann = await Person.open(server, "Ann", { camera: false });
    people.push(ann);
    const session = await ann.page.context().newCDPSession(ann.page);
    await session.send("Network.enable");
    const answered = new Promise((came) => session.on("Network.webSocketHandshakeResponseReceived", ({ response }) => came(response)));
    await ann.enter({ picture: false });
    const { headers } = await answered;
    const found = Object.entries(headers).find(([name]) => name.toLowerCase() === "sec-websocket-extensions");
    assert.equal(found?.[1], AGREED);
  });
});
