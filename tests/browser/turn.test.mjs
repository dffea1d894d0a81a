/** SIG 6: media over a relay of others (coturn), with the credentials that the server hands out. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Coturn } from "./lib/coturn.mjs";
import { callOf, scene } from "./lib/people.mjs";
import { Server } from "./lib/server.mjs";

const SECRET = "north of everything";

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
