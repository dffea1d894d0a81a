/**
 * People in front of browsers: each has a Chromium with a folder of its own, so that no two share storage, and acts on the
 * served demo through its `data-testid`s.
 */

import { chromium } from "playwright-core";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE_MS, until } from "./server.mjs";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--autoplay-policy=no-user-gesture-required",
];
/** A green picture with a clock and a beep. */
const CAMERA = "--use-fake-device-for-media-stream";
/** Whether the permission is given. With it ICE has real addresses, without it names that mDNS resolves: both work on one machine. */
const GRANTED = "--use-fake-ui-for-media-stream";
const DENIED = "--deny-permission-prompts";

/** The relay is on this machine. */
const LOOPBACK = "--allow-loopback-in-peer-connection";

export class Person {
  #folder;
  #context;
  #devtools;
  page;
  name;
  /** What the page's console and errors said. */
  said = [];

  /**
   * Opens a browser at the server's page. `camera: false` is somebody who refuses camera and microphone; `cameras` is how
   * many the machine has, and none is no microphone either; `film` is a file that the camera sees; `relayed` sends media
   * over TURN only; `phone` is a screen of 360 by 740 that one touches. Over HTTPS they go on to the page although nobody
   * knows its certificate.
   */
  static async open(
    server,
    name,
    { camera = true, cameras = 1, film, width = 1280, height = 800, colorScheme = "dark", query = "", relayed = false, phone = false } = {},
  ) {
    const person = new Person();
    person.name = name;
    person.#folder = await mkdtemp(join(tmpdir(), "duologue-page-"));
    person.#context = await chromium.launchPersistentContext(person.#folder, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [...FLAGS, ...(cameras > 0 ? [`${CAMERA}=device-count=${cameras}`] : []), ...(film ? [`--use-file-for-fake-video-capture=${film}`] : []), camera ? GRANTED : DENIED, ...(relayed ? [LOOPBACK] : [])],
      colorScheme,
      ignoreHTTPSErrors: server.url.startsWith("https:"),
      ...(phone ? { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true } : { viewport: { width, height } }),
      timeout: PATIENCE_MS,
    });
    if (camera) await person.#context.grantPermissions(["camera", "microphone"], { origin: new URL(server.url).origin });
    person.#context.setDefaultTimeout(PATIENCE_MS);
    if (relayed) {
      await person.#context.addInitScript(() => {
        const Real = RTCPeerConnection;
        window.RTCPeerConnection = function (configuration) {
          return new Real({ ...configuration, iceTransportPolicy: "relay" });
        };
      });
    }
    person.page = person.#context.pages()[0] ?? (await person.#context.newPage());
    person.page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") person.said.push(message.text());
    });
    person.page.on("pageerror", (error) => person.said.push(`uncaught: ${error.stack ?? error.message}`));
    await person.page.goto(server.url + query);
    return person;
  }

  async close() {
    await this.#context.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** "prompt", "granted" or "denied", as if the person had said so in the browser. */
  async mayNotify(setting) {
    await (await this.#session()).send("Browser.setPermission", { permission: { name: "notifications" }, setting, origin: new URL(this.page.url()).origin });
  }

  /**
   * How much of a call's packets is lost on their way from and to this page, in percent. Peer connections that are made before
   * it is said for the first time lose nothing.
   */
  async loses(packetLoss) {
    const devtools = await this.#session();
    await devtools.send("Network.enable");
    await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 1, downloadThroughput: -1, uploadThroughput: -1, packetLoss });
  }

  /** The page's process dies, as of a lack of memory: nothing of the page runs any more. */
  async crash() {
    const crashed = this.page.waitForEvent("crash");
    // The answer would be the page's.
    void (await this.#session()).send("Page.crash").catch(() => undefined);
    await crashed;
  }

  /** The network is gone for a moment, as the browser tells its pages. */
  async blinks() {
    await this.#context.setOffline(true);
    await this.#context.setOffline(false);
  }

  /** What a session has set is gone with it. */
  async #session() {
    return (this.#devtools ??= await this.#context.newCDPSession(this.page));
  }

  at(testId) {
    return this.page.getByTestId(testId);
  }

  /** Tells a name and comes into the lobby. */
  async enter({ picture = true } = {}) {
    await this.at("name-input").fill(this.name);
    await this.at(picture ? "enter-button" : "no-camera-button").click();
    await this.at("lobby").waitFor();
  }

  async user() {
    return this.page.evaluate(() => window.__duologue.duo.me.user);
  }

  /** The card of somebody, once it is shown. */
  async cardOf(other) {
    const card = this.page.locator(`[data-testid=card][data-user="${await other.user()}"]`);
    await card.waitFor();
    return card;
  }

  async ring(other) {
    await (await this.cardOf(other)).getByTestId("ring-button").click();
  }

  async setSlider(testId, minutes) {
    await this.at(testId).fill(String(minutes));
  }

  async inCall() {
    await this.at("call").waitFor();
  }

  /** The call as the page's SDK knows it. */
  async call() {
    return this.page.evaluate(() => {
      const call = window.__duologue.duo?.call;
      return call && { id: call.id, epoch: call.epoch, deadline: call.deadline, here: call.here, peer: call.peer.user };
    });
  }

  /** State and frames of the call's peer connection. */
  async media() {
    return this.page.evaluate(async () => {
      const connection = window.__duologue.peerConnection();
      if (!connection) return null;
      let frames = 0;
      let heard = 0;
      for (const report of (await connection.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.kind === "video") frames += report.framesDecoded ?? 0;
        if (report.type === "inbound-rtp" && report.kind === "audio") heard += report.packetsReceived ?? 0;
      }
      return { state: connection.connectionState, frames, heard };
    });
  }

  /** Waits until the other's picture moves. */
  async sees() {
    const from = await until(`${this.name} is connected`, async () => {
      const media = await this.media();
      return media?.state === "connected" && media;
    });
    await until(`${this.name} sees the picture move`, async () => {
      const media = await this.media();
      return media?.state === "connected" && media.frames > from.frames + 3 && media;
    });
  }

  async chat(text) {
    if (!(await this.at("chat-input").isVisible())) await this.at("chat-button").click();
    await this.at("chat-input").fill(text);
    await this.at("chat-send").click();
  }

  async reads(text) {
    await this.page.getByTestId("chat-line").filter({ hasText: text }).waitFor({ state: "attached" });
  }

  async hangUp() {
    await this.at("hangup-button").click();
  }

  /** What an error in the page would have said. */
  troubles() {
    return this.said.filter((text) => text.startsWith("uncaught"));
  }
}

/** Closes browsers and server, whatever has happened, and shows what pages and server said if something did. */
export async function scene(server, people, story) {
  try {
    await story();
    for (const person of people()) {
      const troubles = person.troubles();
      if (troubles.length > 0) throw new Error(`${person.name}: ${troubles.join("\n")}`);
    }
    if (/panicked|ERROR/.test(server.errors)) throw new Error("the server is not well");
  } catch (error) {
    console.error(`server: ${server.errors}`);
    for (const person of people()) {
      console.error(`${person.name}: ${person.said.join("\n")}`);
      const path = join(tmpdir(), `duologue-failed-${person.name}-${Date.now()}.png`);
      await person.page.screenshot({ path, timeout: 5_000 }).then(() => console.error(`${person.name} saw ${path}`), () => undefined);
    }
    throw error;
  } finally {
    await Promise.allSettled(people().map((person) => person.close()));
    await server.stop();
  }
}

/**
 * Ann and Bob with cameras, in a call of five minutes, both seeing each other. They are put into `people` as they come: opened with
 * `options`, and `prepared` before they enter.
 */
export async function callOf(server, people, { options = {}, prepared = async () => {} } = {}) {
  people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name, options)))));
  const [ann, bob] = people;
  await prepared(ann, bob);
  await Promise.all([ann.enter(), bob.enter()]);
  await ann.ring(bob);
  await bob.at("accept-button").click();
  await Promise.all([ann.inCall(), bob.inCall()]);
  await Promise.all([ann.sees(), bob.sees()]);
  return [ann, bob];
}
