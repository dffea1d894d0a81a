/**
 * A native program and a browser see and hear each other (tests/native-peer): its engine is the Rust client's, its WebRTC another
 * one's. It sends a drawn picture and two tones, and says how much of hers has come. The browser has a WebSocket, whatever the program
 * has.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Person, scene } from "./lib/people.mjs";
import { Coturn } from "./lib/coturn.mjs";
import { Server, until } from "./lib/server.mjs";

const BUILT = join(dirname(fileURLToPath(import.meta.url)), "../../target/debug/duologue-native-peer");

/** The program, and the last that it said. */
class Native {
  #child;
  said = {};
  errors = "";

  static async open(server, ...words) {
    const path = process.env.DUOLOGUE_NATIVE_PEER ?? BUILT;
    if (!existsSync(path)) throw new Error(`${path} is not there: cargo build -p duologue-native-peer`);
    const native = new Native();
    native.#child = spawn(path, ["--server", server.url, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    native.#child.stderr.on("data", (data) => (native.errors += data));
    createInterface({ input: native.#child.stdout }).on("line", (line) => Object.assign(native.said, JSON.parse(line)));
    await until("the program is in the lobby", () => native.said.here);
    return native;
  }

  /** Waits until more of her picture and sound has come; her microphone beeps, and is silent between. */
  async sees() {
    const from = await until("the program is connected", () => this.said.connected && this.said.video_packets > 0 && { ...this.said });
    await until("packets and frames come", () => {
      const { connected, video_packets, video_frames, audio_packets, audible_packets } = this.said;
      return connected && video_packets > from.video_packets + 20 && video_frames > from.video_frames + 3 && audio_packets > from.audio_packets + 10 && audible_packets > from.audible_packets;
    });
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** What the statistics of her peer connection say: the sound that came, and the kinds of the addresses that media go between. */
function statistics(person) {
  return person.page.evaluate(async () => {
    const all = [...(await window.__duologue.peerConnection().getStats()).values()];
    const of = (type) => all.filter((it) => it.type === type);
    const sound = of("inbound-rtp").find((it) => it.kind === "audio");
    const pair = all.find((it) => it.id === of("transport")[0]?.selectedCandidatePairId);
    const kind = (id) => all.find((it) => it.id === id)?.candidateType;
    return {
      energy: sound?.totalAudioEnergy ?? 0,
      level: sound?.audioLevel ?? 0,
      concealed: sound?.concealedSamples ?? 0,
      samples: sound?.totalSamplesReceived ?? 0,
      path: pair && [kind(pair.localCandidateId), kind(pair.remoteCandidateId)],
      told: of("remote-candidate").map((it) => it.candidateType),
    };
  });
}

/** Waits until she hears the tones: half a second of them, as loud as they are. */
async function hears(person) {
  const from = await until("sound comes", async () => {
    const sound = await statistics(person);
    return sound.energy > 0 && sound;
  });
  // A sine of 0.4 has an energy of 0.08 a second.
  await until("she hears the tones", async () => {
    const { energy, level } = await statistics(person);
    return energy > from.energy + 0.04 && level > 0.2;
  });
}

/** What a page sends of descriptions from now on. */
function described(person) {
  const sent = [];
  person.page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const message = JSON.parse(payload);
      if (message.t === "description") sent.push(message);
    }),
  );
  return sent;
}

/** Ann in a browser and the program, with what it is started with. */
async function meeting(words, story, { sets = [], options = {} } = {}) {
  const server = await Server.start(sets);
  const people = [];
  let native;
  try {
    await scene(server, () => people, async () => {
      native = await Native.open(server, ...words);
      const ann = await Person.open(server, "Ann", options);
      people.push(ann);
      const sent = described(ann);
      await ann.enter();
      try {
        await story({ ann, native, sent });
      } catch (error) {
        console.error(`the program: ${JSON.stringify(native.said)} ${native.errors}`);
        throw error;
      }
    });
  } finally {
    await native?.close();
  }
}

for (const carrier of ["ws", "quic"]) {
  test(`a browser calls a native program over ${carrier}; both see and hear, descriptions are compact`, { timeout: 240_000 }, async () => {
    await meeting(["--carrier", carrier], async ({ ann, native, sent }) => {
      assert.equal(native.said.carrier, carrier);
      await ann.page.locator(`[data-testid=card][data-user="${native.said.here}"]`).getByTestId("ring-button").click();
      await ann.inCall();
      await Promise.all([ann.sees(), hears(ann), native.sees()]);
      const [offer] = sent;
      assert.equal(offer.kind, "offer");
      assert.match(offer.sdp, /^~1\./);
      assert.equal((await ann.call()).epoch, 1);
      await ann.chat("hello");
      await ann.reads("I heard: hello");

      // A reload is another epoch: a new peer connection on both sides.
      await ann.page.reload();
      await ann.inCall();
      await until("the same call is here again", async () => (await ann.call())?.here);
      await Promise.all([ann.sees(), hears(ann), native.sees()]);
      await ann.hangUp();
      await until("the program has heard the end", () => native.said.ended === "hang_up");
    });
  });
}

test("a native program calls a browser, with plain descriptions", { timeout: 240_000 }, async () => {
  await meeting(["--plain", "--ring", "Ann", "--name", "Robbie", "--carrier", "quic"], async ({ ann, native, sent }) => {
    await ann.at("accept-button").click();
    await ann.inCall();
    await Promise.all([ann.sees(), hears(ann), native.sees()]);
    const [answer] = sent;
    assert.equal(answer.kind, "answer");
    for (const { sdp } of sent) assert.match(sdp, /^v=0/);
  });
});

/** A call through what a TURN server gives: what the program tells of itself, and how the browser goes. */
async function overServers(kind, relayed, story) {
  const turn = await Coturn.start("north of everything");
  const sets = [`stun.urls=["stun:127.0.0.1:${turn.port}"]`, `turn.urls=["turn:127.0.0.1:${turn.port}?transport=udp"]`, "turn.secret=north of everything"];
  try {
    await meeting(
      ["--candidates", kind, "--ring", "Ann"],
      async ({ ann, native }) => {
        await ann.at("accept-button").click();
        await ann.inCall();
        await Promise.all([ann.sees(), hears(ann), native.sees()]);
        await story(await statistics(ann));
      },
      { sets, options: { relayed } },
    );
  } finally {
    await turn.stop();
  }
}

test("SIG 6: a native program that has an address at a relay only, and a browser that has no other", { timeout: 240_000 }, async () => {
  await overServers("relay", true, ({ path, told }) => {
    assert.deepEqual(path, ["relay", "relay"]);
    assert.deepEqual([...new Set(told)], ["relay"]);
  });
});

test("SIG 6: a native program tells the address by which a STUN server sees it", { timeout: 240_000 }, async () => {
  await overServers("srflx", false, ({ told }) => {
    assert.ok(told.includes("srflx"), told.join());
    assert.ok(!told.includes("relay") && !told.includes("host"), told.join());
  });
});
