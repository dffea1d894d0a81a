/** SIG 6: media over a relay of others (coturn), with the credentials that the server hands out, and the command that checks it. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { Coturn } from "./lib/coturn.mjs";
import { callOf, scene } from "./lib/people.mjs";
import { Server, binary, environment } from "./lib/server.mjs";

const SECRET = "north of everything";

const checkTurn = (turn, secret) =>
  new Promise((go) => {
    const urls = ["udp", "tcp"].map((carrier) => `"turn:127.0.0.1:${turn.port}?transport=${carrier}"`);
    const words = ["check-turn", "--set", `turn.urls=[${urls}]`, "--set", `turn.secret=${secret}`];
    execFile(binary(), words, { env: environment() }, (error, stdout, stderr) => go({ code: error?.code ?? 0, lines: stdout.trim().split("\n"), stderr }));
  });

test("check-turn: a relay over UDP and TCP, and what is wrong where there is none", { timeout: 120_000 }, async () => {
  const turn = await Coturn.start(SECRET);
  try {
    const good = await checkTurn(turn, SECRET);
    assert.equal(good.code, 0, JSON.stringify(good));
    for (const line of good.lines) assert.match(line, /^ok +turn:127\.0\.0\.1:\d+\?transport=(udp|tcp): a relay at 127\.0\.0\.1:\d+, in \d+ ms$/);
    assert.equal(good.lines.length, 2);
    const wrong = await checkTurn(turn, "south");
    assert.equal(wrong.code, 1);
    for (const line of wrong.lines) assert.match(line, /^FAILED .*refused the credential/);
  } finally {
    await turn.stop();
  }
});

test("two who reach each other over the relay only see each other", { timeout: 180_000 }, async () => {
  const turn = await Coturn.start(SECRET);
  const server = await Server.start([`turn.urls=["turn:127.0.0.1:${turn.port}?transport=udp"]`, `turn.secret=${SECRET}`]);
  const people = [];
  try {
    await scene(server, () => people, async () => {
      const [ann] = await callOf(server, people, { options: { relayed: true } });
      const pair = await ann.page.evaluate(async () => {
        const stats = [...(await window.__duologue.peerConnection().getStats()).values()];
        const { selectedCandidatePairId } = stats.find((it) => it.type === "transport");
        const pair = stats.find((it) => it.id === selectedCandidatePairId);
        return [pair.localCandidateId, pair.remoteCandidateId].map((id) => stats.find((it) => it.id === id).candidateType);
      });
      assert.deepEqual(pair, ["relay", "relay"]);
    });
  } finally {
    await turn.stop();
  }
});
