/**
 * A native program and a browser see each other (tests/native-peer): its engine is the Rust client's, its WebRTC another one's. It
 * sends a drawn picture, and says how much of hers has come. The browser has a WebSocket, whatever the program has.
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

  /** Waits until more of her picture and sound has come. */
  async sees() {
    const from = await until("the program is connected", () => this.said.connected && this.said.video_packets > 0 && { ...this.said });
    await until("packets and frames come", () => {
      const { connected, video_packets, video_frames, audio_packets } = this.said;
      return connected && video_packets > from.video_packets + 20 && video_frames > from.video_frames + 3 && audio_packets > from.audio_packets + 10;
    });
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
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
async function meeting(words, story) {
  const server = await Server.start();
  const people = [];
  let native;
  try {
    await scene(server, () => people, async () => {
      native = await Native.open(server, ...words);
      const ann = await Person.open(server, "Ann");
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
  test(`a browser calls a native program over ${carrier}; both see, descriptions are compact`, { timeout: 240_000 }, async () => {
    await meeting(["--carrier", carrier], async ({ ann, native, sent }) => {
      assert.equal(native.said.carrier, carrier);
      await ann.page.locator(`[data-testid=card][data-user="${native.said.here}"]`).getByTestId("ring-button").click();
      await ann.inCall();
      await Promise.all([ann.sees(), native.sees()]);
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
      await Promise.all([ann.sees(), native.sees()]);
      await ann.hangUp();
      await until("the program has heard the end", () => native.said.ended === "hang_up");
    });
  });
}

test("a native program calls a browser, with plain descriptions", { timeout: 240_000 }, async () => {
  await meeting(["--plain", "--ring", "Ann", "--name", "Robbie", "--carrier", "quic"], async ({ ann, native, sent }) => {
    await ann.at("accept-button").click();
    await ann.inCall();
    await Promise.all([ann.sees(), native.sees()]);
    const [answer] = sent;
    assert.equal(answer.kind, "answer");
    for (const { sdp } of sent) assert.match(sdp, /^v=0/);
  });
});
