/** Compact descriptions in real browsers (SIG 5): few bytes between two who read them, and plain words to who does not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, scene } from "./lib/people.mjs";
import { Server } from "./lib/server.mjs";

/** What a page sends over its WebSockets from now on, of one kind. */
function sentBy(person, t) {
  const sent = [];
  person.page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const message = JSON.parse(payload);
      if (message.t === t) sent.push(message);
    }),
  );
  return sent;
}

/** Rings, and waits until both see each other. */
async function meet(ann, bob) {
  await Promise.all([ann.enter(), bob.enter()]);
  await ann.ring(bob);
  await bob.at("accept-button").click();
  await Promise.all([ann.inCall(), bob.inCall()]);
  await Promise.all([ann.sees(), bob.sees()]);
}

const local = (person) => person.page.evaluate(() => window.__duologue.peerConnection().localDescription.sdp);
const remote = (person) => person.page.evaluate(() => window.__duologue.peerConnection().remoteDescription.sdp);
/** A description, but for what its browser adds to it afterwards. */
const head = (sdp) => sdp.split("\r\n").filter((line) => /^a=(ice-ufrag|ice-pwd|fingerprint|msid|ssrc|rtpmap|fmtp|mid)/.test(line));

test("sig_5 two pages meet with compact descriptions", { timeout: 240_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name)))));
    const [ann, bob] = people;
    const [hellos, described, candidates] = ["hello", "description", "candidates"].map((t) => sentBy(ann, t));
    const answered = sentBy(bob, "description");
    await meet(ann, bob);
    assert.equal(hellos[0].sdp, 1);
    const [offer] = described;
    assert.equal(offer.kind, "offer");
    assert.match(offer.sdp, /^~1\./);
    assert.ok(offer.sdp.length < 300, `an offer of ${offer.sdp.length} bytes`);
    assert.match(answered[0].sdp, /^~1\./);
    assert.ok(answered[0].sdp.length < 300, `an answer of ${answered[0].sdp.length} bytes`);
    for (const { candidate } of candidates.flatMap((batch) => batch.candidates)) assert.match(candidate, /^~1\./);
    // It was the same text when it was read.
    assert.deepEqual(head(await remote(bob)), head(await local(ann)));
    assert.deepEqual(head(await remote(ann)), head(await local(bob)));
    assert.equal((await ann.call()).epoch, 1);

    // A reload is another epoch, with a new end of everything on one side.
    await bob.page.reload();
    await bob.inCall();
    await Promise.all([ann.sees(), bob.sees()]);
    for (const { sdp } of [...described, ...answered]) assert.match(sdp, /^~1\./);
  });
});

for (const [index, who] of ["caller", "callee"].entries()) {
  test(`sig_5 a page that reads compact descriptions meets one that does not: the ${who} is plain`, { timeout: 240_000 }, async () => {
    const server = await Server.start();
    const people = [];
    await scene(server, () => people, async () => {
      const queries = index === 0 ? ["?compact=off", ""] : ["", "?compact=off"];
      people.push(...(await Promise.all(["Ann", "Bob"].map((name, at) => Person.open(server, name, { query: queries[at] })))));
      const [ann, bob] = people;
      const plain = people[index];
      const hellos = sentBy(plain, "hello");
      const offers = sentBy(ann, "description");
      const answers = sentBy(bob, "description");
      await meet(ann, bob);
      assert.equal("sdp" in hellos[0], false);
      // Whoever reads it offers so once, is refused, and offers again under the next epoch.
      assert.deepEqual(offers.map(({ sdp, epoch }) => [sdp.slice(0, 3), epoch]), index === 0 ? [["v=0", 1]] : [["~1.", 1], ["v=0", 2]]);
      assert.deepEqual(answers.map(({ sdp }) => sdp.slice(0, 3)), ["v=0"]);
    });
  });
}
