/**
 * Pictures of people, from one's camera to others' eyes: taken at the door, seen on the card and in the ring, exchanged and taken
 * off in the lobby; and what is said where no pictures are kept.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

async function play(people, story, sets = []) {
  const server = await Server.start(sets);
  await scene(server, () => people, () => story(server));
}

/** The width in pixels of what an image shows, once it is there and seen. */
const shown = (locator) => locator.evaluate((it) => (it.complete && it.classList.contains("is-there") ? it.naturalWidth : 0)).catch(() => 0);

/** Takes a picture at the door. */
async function snapped(person) {
  await person.page.locator(".preview.is-on").waitFor();
  await until("the camera shows something", () => person.page.evaluate(() => document.querySelector(".preview video").videoWidth > 0));
  await person.at("snap-button").click();
  await person.at("portrait-still").waitFor();
}

const selfie = (person) => person.page.evaluate(() => window.__duologue.duo.me.selfie);

test("a picture taken at the door is seen on the card, in the ring and by oneself; another one takes its place, and none does", { timeout: 180_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name)))));
    const [ann, bob] = people;
    await snapped(ann);
    // Taken again, left out, and taken after all.
    const first = await ann.at("portrait-still").getAttribute("src");
    await ann.at("snap-button").filter({ hasText: "Again" }).click();
    await until("it is another one", async () => (await ann.at("portrait-still").getAttribute("src")) !== first);
    assert.equal(await ann.at("portrait-still").getAttribute("alt"), "The picture for your card");
    await ann.at("unsnap-button").click();
    await ann.at("portrait-still").waitFor({ state: "hidden" });
    assert.equal(await ann.at("unsnap-button").isVisible(), false);
    await snapped(ann);
    await Promise.all([ann.enter(), bob.enter()]);

    const old = await selfie(ann);
    assert.match(old, new RegExp(`^${await ann.user()}/[0-9a-f]{16}\\.jpg$`));
    assert.equal(await selfie(bob), undefined);
    const card = await bob.cardOf(ann);
    await until("he sees her on her card", async () => (await shown(card.locator("img"))) === 384);
    await until("she sees herself beside her name", async () => (await shown(ann.at("me-button").locator("img"))) === 384);
    await ann.ring(bob);
    await bob.at("ring-dialog").waitFor();
    await until("he sees who rings", async () => (await shown(bob.at("ring-dialog").locator(".ring-face img"))) === 384);
    await ann.at("cancel-ring-button").click();
    await bob.at("ring-dialog").waitFor({ state: "hidden" });

    // Another one, from the lobby; the one before is nowhere any more.
    await ann.at("me-button").click();
    await ann.at("portrait-button").click();
    await ann.at("portrait-dialog").waitFor();
    await until("she sees herself", () => ann.page.evaluate(() => document.querySelector(".portrait-dialog video").videoWidth > 0));
    await ann.at("portrait-take").filter({ hasText: "Take it" }).click();
    await ann.at("portrait-again").click();
    await ann.at("portrait-take").filter({ hasText: "Take it" }).click();
    await ann.at("portrait-take").filter({ hasText: "Use this one" }).click();
    await ann.at("portrait-dialog").waitFor({ state: "detached" });
    const now = await selfie(ann);
    assert.notEqual(now, old);
    const src = new URL(`media/${now}`, server.url).href;
    await until("he sees the new one", async () => (await shown((await bob.cardOf(ann)).locator(`img[src="${src}"]`))) === 384);
    assert.equal((await fetch(new URL(`media/${old}`, server.url))).status, 404);

    await ann.at("me-button").click();
    await ann.at("portrait-button").click();
    await ann.at("portrait-remove").click();
    await ann.at("portrait-dialog").waitFor({ state: "detached" });
    await until("he sees her initials", async () => (await (await bob.cardOf(ann)).locator("img").count()) === 0);
    await until("it is nowhere any more", async () => (await fetch(src)).status === 404);

    // Escape closes it, and it is no obstacle to a ring.
    await ann.at("me-button").click();
    await ann.at("portrait-button").click();
    await ann.at("portrait-dialog").waitFor();
    await ann.page.keyboard.press("Escape");
    await ann.at("portrait-dialog").waitFor({ state: "detached" });
    await ann.at("me-button").click();
    await ann.at("portrait-button").click();
    await bob.ring(ann);
    await ann.at("accept-button").waitFor();
    await ann.at("portrait-dialog").waitFor({ state: "detached" });
  }, ['cooldowns.rescind="1ms"']);
});

test("who comes without a picture has none, and a camera that was off is off again", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann"));
    const [ann] = people;
    await snapped(ann);
    await ann.enter({ picture: false });
    assert.equal(await selfie(ann), undefined);
    await ann.at("me-button").click();
    await ann.at("portrait-button").click();
    await ann.at("portrait-take").filter({ hasText: "Turn the camera on" }).click();
    await until("she sees herself", () => ann.page.evaluate(() => document.querySelector(".portrait-dialog video").videoWidth > 0));
    await ann.at("portrait-take").filter({ hasText: "Take it" }).click();
    await ann.at("portrait-take").filter({ hasText: "Use this one" }).click();
    await ann.at("portrait-dialog").waitFor({ state: "detached" });
    await until("she has one", async () => (await shown(ann.at("me-button").locator("img"))) === 384);
    assert.equal(await ann.page.evaluate(() => window.__duologue.duo.media.video), null);

    // Who is forgotten leaves no picture.
    const picture = new URL(`media/${await selfie(ann)}`, server.url);
    assert.equal((await fetch(picture)).status, 200);
    await ann.at("me-button").click();
    await ann.at("forget-button").click();
    await ann.at("forget-button").filter({ hasText: "Yes" }).click();
    await until("it is gone", async () => (await fetch(picture)).status === 404);
  });
});

test("where no pictures are kept that is said, and nobody stays outside for it", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann"));
    const [ann] = people;
    await snapped(ann);
    await ann.enter();
    await ann.page.locator(".note").filter({ hasText: "No pictures are kept here" }).waitFor();
    assert.equal(await selfie(ann), undefined);
    await ann.at("me-button").click();
    await ann.at("portrait-button").click();
    await until("she sees herself", () => ann.page.evaluate(() => document.querySelector(".portrait-dialog video").videoWidth > 0));
    await ann.at("portrait-take").filter({ hasText: "Take it" }).click();
    await ann.at("portrait-take").filter({ hasText: "Use this one" }).click();
    await until("it is said again", async () => (await ann.page.locator(".note").filter({ hasText: "No pictures are kept here" }).count()) > 1);
    assert.equal(await ann.at("portrait-dialog").isVisible(), true);
  }, ["media.store=none"]);
});

test("a picture that comes moves nothing", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann", { width: 360 }), await Person.open(server, "Bob"));
    const [ann, bob] = people;
    await ann.page.evaluate(() => {
      window.__shifts = [];
      new PerformanceObserver((list) => {
        // Those that follow a press are not excused either.
        for (const it of list.getEntries()) window.__shifts.push({ value: it.value, what: it.sources.map(({ node }) => `${node?.tagName}.${node?.className}`) });
      }).observe({ type: "layout-shift", buffered: false });
    });
    await snapped(ann);
    await ann.at("unsnap-button").click();
    await snapped(ann);
    const door = await ann.page.evaluate(() => window.__shifts);
    assert.ok(door.reduce((all, it) => all + it.value, 0) <= 0.02, JSON.stringify(door));
    await Promise.all([ann.enter(), bob.enter()]);
    const card = await ann.cardOf(bob);
    const place = () => card.evaluate((it) => [it.offsetLeft, it.offsetTop, it.offsetWidth, it.offsetHeight]);
    const before = await place();
    await ann.page.evaluate(() => (window.__shifts.length = 0));
    await bob.page.evaluate(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 200 });
      canvas.getContext("2d").fillRect(0, 0, 300, 200);
      await window.__duologue.duo.setSelfie(await new Promise((made) => canvas.toBlob(made, "image/webp")));
    });
    await until("his picture is there", async () => (await shown((await ann.cardOf(bob)).locator("img"))) === 384);
    assert.deepEqual(await (await ann.cardOf(bob)).evaluate((it) => [it.offsetLeft, it.offsetTop, it.offsetWidth, it.offsetHeight]), before);
    const shifts = await ann.page.evaluate(() => window.__shifts);
    assert.ok(shifts.reduce((all, it) => all + it.value, 0) <= 0.02, JSON.stringify(shifts));
  });
});
