/**
 * How the demo looks, at the widths of a phone, a tablet and a desk. What can be measured is measured: nothing is wider than the
 * page, everything that can be pressed is on it and large enough for a finger, axe finds nothing in either colour scheme. The pictures go to `DUOLOGUE_SHOTS`, for eyes.
 */

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { film } from "./lib/film.mjs";
import { Person, scene } from "./lib/people.mjs";
import { Raw } from "./lib/raw.mjs";
import { Server, until } from "./lib/server.mjs";

const SIZES = [
  { width: 360, height: 740, colorScheme: "dark" },
  { width: 768, height: 1024, colorScheme: "light" },
  { width: 1440, height: 900, colorScheme: "dark" },
];
const SHOTS = process.env.DUOLOGUE_SHOTS;
/** The smallest side of what a finger presses, CSS pixels (WCAG 2.2, 2.5.8). */
const FINGER = 24;

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let films;
before(async () => {
  films = await mkdtemp(join(tmpdir(), "duologue-films-"));
  await film(join(films, "ann.mjpeg"), { wall: 60, shirt: 20, skin: "#c98f6b", hair: "#3a2318" });
  await film(join(films, "max.mjpeg"), { wall: 220, shirt: 165, skin: "#e8b998", hair: "#8a4a22" });
});
after(() => rm(films, { recursive: true, force: true }));

/** What axe finds, in this state and this colour scheme. */
async function axe(person) {
  if (!(await person.page.evaluate(() => "axe" in window))) await person.page.evaluate(AXE);
  return person.page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map((it) => `${it.impact} ${it.id}: ${it.nodes.map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
  });
}

/** Movements come to their end before anybody judges. */
async function settled(person) {
  await person.page.evaluate(() =>
    Promise.race([
      Promise.all(document.getAnimations().filter((it) => Number.isFinite(it.effect?.getComputedTiming().endTime)).map((it) => it.finished.catch(() => undefined))),
      new Promise((go) => setTimeout(go, 1_500)),
    ]),
  );
}

/** All that is found in a story, told at its end. */
const found = [];

async function look(person, what) {
  await settled(person);
  const { width } = person.page.viewportSize();
  if (SHOTS) {
    await mkdir(SHOTS, { recursive: true });
    for (const colorScheme of ["dark", "light"]) {
      await person.page.emulateMedia({ colorScheme });
      await settled(person);
      await person.page.screenshot({ path: join(SHOTS, `${what}-${width}-${colorScheme}.png`) });
    }
  }
  const faults = await person.page.evaluate((finger) => {
    const faults = [];
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) faults.push(`the page is ${page.scrollWidth} wide, of ${page.clientWidth}`);
    for (const element of document.querySelectorAll("button, input, a, [role=slider]")) {
      const style = getComputedStyle(element);
      if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || style.pointerEvents === "none" || element.closest("[inert]")) continue;
      const box = (element.matches("input[type=radio]") ? element.closest("label") : element).getBoundingClientRect();
      const name = element.dataset.testid ?? element.getAttribute("aria-label") ?? element.textContent;
      if (box.left < -1 || box.right > page.clientWidth + 1) faults.push(`${name} is beside the page: ${box.left} to ${box.right}`);
      if (Math.min(box.width, box.height) < finger) faults.push(`${name} is ${box.width} by ${box.height}`);
    }
    return faults;
  }, FINGER);
  faults.push(...(await axe(person)));
  found.push(...faults.map((fault) => `${what} at ${width}: ${fault}`));
}

for (const size of SIZES) {
  const { width } = size;
  test(`nothing is beside the page and everything can be pressed at ${width} pixels`, { timeout: 480_000 }, async () => {
    // It is looked at for as long as that takes.
    const server = await Server.start(["rates.guests={ per = 0 }", 'invites.ring="90s"']);
    const people = [];
    const crowd = [];
    await scene(server, () => people, async () => {
      people.push(
        await Person.open(server, "Ann", { ...size, film: join(films, "ann.mjpeg") }),
        await Person.open(server, "Maximiliane Wolkenstein", { ...size, film: join(films, "max.mjpeg") }),
      );
      const [ann, max] = people;
      await ann.page.waitForFunction(() => document.querySelector(".preview.is-on"));
      await look(ann, "arrive");
      for (const person of people) {
        await until("the camera shows something", () => person.page.evaluate(() => document.querySelector(".preview video").videoWidth > 0));
        await person.at("snap-button").click();
        await person.at("portrait-still").waitFor();
      }
      await look(ann, "arrive-picture");
      await ann.enter();
      await look(ann, "lobby-empty");
      for (const name of ["Mia", "Jo", "Aleksandra-Konstantinopolitana", "陈伟", "محمد", "Zoë", "Ulf", "Søren"]) {
        const raw = await Raw.open(server, name);
        await raw.ask("profile", { tags: ["lang:en", "topic:chess"], gender: "other" });
        await raw.ask("join");
        crowd.push(raw);
      }
      await max.enter();
      await until("all of them are shown", async () => (await ann.at("card").count()) === crowd.length + 1);
      await look(ann, "lobby");
      await ann.at("me-button").click();
      await look(ann, "lobby-menu");
      await ann.at("portrait-button").click();
      await until("she sees herself", () => ann.page.evaluate(() => document.querySelector(".portrait-dialog video").videoWidth > 0));
      await look(ann, "lobby-picture");
      await ann.at("portrait-take").click();
      await ann.at("portrait-again").waitFor();
      await look(ann, "lobby-picture-taken");
      await ann.page.keyboard.press("Escape");
      await ann.at("meet-button").click();
      await ann.page.getByText("Looking for somebody").waitFor();
      await look(ann, "lobby-waiting");
      await ann.at("meet-button").click();

      // Two ring at once; one is turned to.
      await max.ring(ann);
      await crowd[0].ask("invite", { to: await ann.user(), seconds: 600 });
      await ann.at("ring-dialog").waitFor();
      await ann.page.getByText("also ringing").waitFor();
      await look(ann, "rung");
      await look(max, "ringing");
      await ann.at("accept-button").click();
      await Promise.all([ann.inCall(), max.inCall()]);
      await Promise.all([ann.sees(), max.sees()]);
      // She is in a call, not Mia, whose ring is over for that.
      assert.equal(await ann.page.getByText("Mia is in a call").count(), 0);
      await look(ann, "call");
      await max.chat("Hello! Do you hear me? I do not hear you.");
      await ann.chat("Yes, and I like your picture. It is very green, and it moves: what is it?");
      await ann.reads("Do you hear me");
      await look(ann, "call-chat");
      if (width < 1080) await ann.at("chat-button").click();
      await ann.at("menu-button").click();
      await look(ann, "call-menu");
      await ann.at("report-button").click();
      await look(ann, "call-report");
      await ann.page.keyboard.press("Escape");
      await ann.at("more-button").click();
      await look(ann, "call-more");
      await ann.page.keyboard.press("Escape");
      // No path on one machine is weak: it is said to be, for the look of it.
      await ann.page.evaluate(() => Object.defineProperties(window.__duologue.duo.call, { weakness: { value: "loss_to_them", configurable: true }, isWeak: { value: true, configurable: true } }));
      await ann.at("call-status").filter({ hasText: "weak connection: Maximiliane may not hear all of you" }).waitFor();
      await look(ann, "call-weak");
      await ann.page.evaluate(() => {
        delete window.__duologue.duo.call.weakness;
        delete window.__duologue.duo.call.isWeak;
      });
      await ann.at("menu-button").click();
      await ann.at("devices-button").click();
      await look(ann, "call-devices");
      await ann.page.keyboard.press("Escape");
      await max.page.evaluate(() => window.__duologue.duo.call.extend(300));
      await ann.at("extend-accept").waitFor();
      await ann.at("camera-button").click();
      await ann.at("mute-button").click();
      await look(ann, "call-asked");
      await look(max, "call-without-picture");
      await server.kill();
      await ann.at("reconnecting").waitFor();
      await look(ann, "call-reconnecting");
      await server.restart();
      await until("he has the seat again", async () => (await max.call())?.here);
      await until("she too", async () => (await ann.call())?.here);
      await ann.at("reconnecting").waitFor({ state: "hidden" });
      await max.hangUp();
      await ann.at("after-call").waitFor();
      await look(ann, "after");
      await ann.at("after-close").click();
      await (await ann.cardOf(max)).getByTestId("cooldown").waitFor();
      await look(ann, "lobby-cooldown");
      await server.kill();
      await ann.at("reconnecting").waitFor();
      await look(ann, "lobby-reconnecting");
      for (const raw of crowd) raw.close();
      assert.deepEqual(found.splice(0), []);
    });
  });
}

test("what is wrong with a camera is said in words", { timeout: 120_000 }, async () => {
  const server = await Server.start();
  const people = [];
  await scene(server, () => people, async () => {
    for (const size of SIZES) {
      const bob = await Person.open(server, "Bob", { camera: false, ...size });
      people.push(bob);
      await bob.at("name-input").fill("Bob");
      await bob.at("enter-button").click();
      await bob.page.getByRole("alert").filter({ hasText: /camera/i }).waitFor();
      await look(bob, "arrive-no-camera");
      await bob.close();
      people.pop();
    }
    assert.deepEqual(found.splice(0), []);
  });
});
