/**
 * What makes the demo easy: nothing jumps, everything works from the keyboard, devices are seen to work and can be
 * exchanged, a hidden tab is heard, more time is a question of two clicks.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { callOf, Person, scene } from "./lib/people.mjs";
import { Raw } from "./lib/raw.mjs";
import { Server, until } from "./lib/server.mjs";

/** What moved by itself, as browsers count it (0.1 is "good" by Web Vitals). */
const SHIFT_MAX = 0.02;

async function play(people, story, sets = []) {
  const server = await Server.start(sets);
  await scene(server, () => people, () => story(server));
}

const focused = (person) =>
  person.page.evaluate(() => {
    const it = document.activeElement;
    return it?.dataset.testid ?? it?.getAttribute("aria-label") ?? it?.tagName;
  });

/** Presses Tab until the focus is there; the order of the page is what is walked. */
async function tabTo(person, testId, most = 40) {
  for (let press = 0; press < most; press += 1) {
    if ((await focused(person)) === testId) return;
    await person.page.keyboard.press("Tab");
  }
  assert.fail(`${testId} is not reached by Tab, the focus is on ${await focused(person)}`);
}

for (const width of [360, 1440]) {
  test(`cards that come and go move nothing at ${width} pixels`, { timeout: 120_000 }, async () => {
    const people = [];
    await play(people, async (server) => {
      people.push(await Person.open(server, "Ann", { width }));
      const [ann] = people;
      await ann.enter({ picture: false });
      await ann.page.evaluate(() => {
        window.__shifts = [];
        new PerformanceObserver((list) => {
          for (const it of list.getEntries()) {
            if (!it.hadRecentInput) window.__shifts.push({ value: it.value, what: it.sources.map(({ node }) => (node instanceof Element ? `${node.tagName}.${node.className}` : node?.textContent)) });
          }
        }).observe({ type: "layout-shift", buffered: false });
      });
      const count = () => ann.at("card").count();
      const crowd = [];
      for (let at = 0; at < 9; at += 1) {
        const raw = await Raw.open(server, ["Mia", "Jo", "Aleksandra-Konstantinopolitana"][at % 3]);
        await raw.ask("join");
        crowd.push(raw);
        await until("the card is there", async () => (await count()) === at + 1);
      }
      const places = () => ann.page.evaluate(() => [...document.querySelectorAll("[data-testid=card]")].map((it) => [it.dataset.user, it.parentElement.offsetLeft, it.parentElement.offsetTop]));
      const before = new Map((await places()).map(([user, ...at]) => [user, at.join()]));
      for (const at of [4, 0, 7]) await crowd[at].ask("leave");
      await until("three are gone", async () => (await count()) === 6);
      for (const [user, ...at] of await places()) assert.equal(at.join(), before.get(user), "nobody else moved");
      await crowd[4].ask("join");
      await until("one is back", async () => (await count()) === 7);
      const sum = (shifts) => shifts.reduce((all, it) => all + it.value, 0);
      const shifts = await ann.page.evaluate(() => window.__shifts);
      assert.ok(sum(shifts) <= SHIFT_MAX, `${sum(shifts)}: ${JSON.stringify(shifts)}`);
      console.log(`layout shift at ${width} pixels: ${sum(shifts)}`);
      // And it is seen when something does move.
      await ann.page.evaluate(() => document.querySelector(".grid").before(Object.assign(document.createElement("p"), { textContent: "moved", style: "height: 200px" })));
      await until("a jump is measured", async () => sum(await ann.page.evaluate(() => window.__shifts)) > SHIFT_MAX);
      for (const raw of crowd) raw.close();
    });
  });
}

test("the keyboard alone: in, ring, accept, talk, hang up", { timeout: 180_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name)))));
    const [ann, bob] = people;
    for (const person of people) {
      await until("one writes at once", async () => (await focused(person)) === "name-input");
      await person.page.keyboard.type(person.name);
      await person.page.keyboard.press("Enter");
      await person.at("lobby").waitFor();
    }

    // A menu opens, closes with Escape, and the focus is where it was.
    await tabTo(ann, "me-button");
    await ann.page.keyboard.press("Enter");
    await ann.at("forget-button").waitFor();
    await tabTo(ann, "forget-button");
    await ann.page.keyboard.press("Escape");
    await ann.at("forget-button").waitFor({ state: "hidden" });
    assert.equal(await focused(ann), "me-button");

    await ann.cardOf(bob);
    await tabTo(ann, "length-slider");
    await ann.page.keyboard.press("ArrowRight");
    await tabTo(ann, "ring-button");

    // Whoever presses a key in that moment has not accepted.
    await bob.page.evaluate(() => {
      window.__hasty = 0;
      new MutationObserver((_, observer) => {
        const accept = document.querySelector("[data-testid=accept-button]");
        if (!accept) return;
        observer.disconnect();
        accept.click();
        window.__hasty += 1;
      }).observe(document.body, { childList: true, subtree: true });
    });
    await ann.page.keyboard.press("Enter");

    // Escape takes back nothing and declines nothing; what lies under the dialog is out of reach.
    await bob.at("ring-dialog").waitFor();
    await until("the dialog has the focus", async () => (await focused(bob)) === "accept-button");
    await until("its buttons are at rest", () => bob.page.evaluate(() => !document.querySelector(".ring.is-new")));
    assert.equal(await bob.page.evaluate(() => window.__hasty), 1);
    assert.equal(await bob.at("ring-dialog").isVisible(), true);
    await until("a reader hears who", () => bob.page.evaluate(() => [...document.querySelectorAll("[aria-live]")].some((it) => /Ann is ringing, and would like to talk for 6 minutes/.test(it.textContent))));
    await bob.page.keyboard.press("Escape");
    assert.equal(await focused(bob), "decline-button");
    assert.equal(await ann.at("ring-dialog").isVisible(), true);
    const walked = new Set();
    for (let press = 0; press < 8; press += 1) {
      await bob.page.keyboard.press("Tab");
      walked.add(await focused(bob));
    }
    assert.deepEqual([...walked].sort(), ["accept-button", "callee-length", "decline-button"]);
    await tabTo(bob, "accept-button");
    await bob.page.keyboard.press("Enter");
    await Promise.all([ann.inCall(), bob.inCall()]);
    for (const person of people) await until("the keyboard is among the buttons of the call", async () => (await focused(person)) === "mute-button");

    await tabTo(bob, "menu-button");
    await bob.page.keyboard.press("Enter");
    await until("the sheet has the focus", async () => (await focused(bob)) === "devices-button");
    await bob.page.keyboard.press("Escape");
    assert.equal(await focused(bob), "menu-button");
    await tabTo(bob, "chat-input");
    await bob.page.keyboard.type("no mouse");
    await bob.page.keyboard.press("Enter");
    await ann.reads("no mouse");
    await tabTo(ann, "hangup-button");
    await ann.page.keyboard.press("Enter");
    await Promise.all(people.map((person) => person.at("after-call").waitFor()));
    await until("the way back has the focus", async () => (await focused(ann)) === "after-close");
    await ann.page.keyboard.press("Escape");
    await ann.at("after-call").waitFor({ state: "detached" });
    assert.equal(await focused(ann), "meet-button");
  });
});

test("too many from one network are told when to try again", { timeout: 60_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann"));
    const [ann] = people;
    await ann.page.route("**/v1/guests", (route) => route.fulfill({ status: 429, contentType: "application/problem+json", body: JSON.stringify({ code: "rate_limited", retry_after_ms: 90_000 }) }));
    await ann.at("name-input").fill("Ann");
    await ann.at("no-camera-button").click();
    await ann.page.getByRole("alert").filter({ hasText: "Many have come in from your network. Try again in 2 minutes." }).waitFor();
  });
});

test("a long name is shortened and nothing else", { timeout: 60_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Wolfeschlegelsteinhausen", { width: 320 }));
    const [ann] = people;
    await ann.enter({ picture: false });
    for (const width of [320, 360, 390]) {
      await ann.page.setViewportSize({ width, height: 740 });
      const { wide, face, name } = await ann.page.evaluate(() => {
        const face = document.querySelector(".me .avatar").getBoundingClientRect();
        const name = document.querySelector(".me-name");
        return { wide: document.documentElement.scrollWidth, face: [face.width, face.height], name: name.scrollWidth > name.clientWidth && name.clientWidth > 40 };
      });
      assert.ok(wide <= width, `${wide} of ${width}`);
      assert.ok(Math.abs(face[0] - face[1]) < 0.01, `a face is round, not ${face}`);
      assert.ok(name, "the name is what gives way, and its beginning is read");
    }
  });
});

test("who fits nobody here is told so and shown everybody; who has met everybody waits for somebody new", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann"));
    const [ann] = people;
    await ann.enter({ picture: false });
    await ann.page.getByText("Quiet here, for now").waitFor();
    const kim = await Raw.open(server, "Kim");
    await kim.ask("profile", { gender: "male" });
    await kim.ask("join");
    const card = ann.page.locator(`[data-testid=card][data-user="${kim.user}"]`);
    await card.waitFor();
    await ann.page.getByText("Women").click();
    await ann.page.getByText("None of those here fit").waitFor();
    await ann.at("show-all-button").click();
    await card.waitFor();
    assert.equal(await focused(ann), "INPUT");

    await card.getByTestId("ring-button").click();
    await ann.at("cancel-ring-button").click();
    await card.getByTestId("cooldown").waitFor();
    await ann.at("meet-button").click();
    await ann.page.getByText("You have met everybody who is here, for today").waitFor();
    kim.close();
  });
});

test("a ring is seen whole on a phone that lies on its side", { timeout: 60_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann", { width: 844, height: 390 }));
    const [ann] = people;
    await ann.enter({ picture: false });
    const kim = await Raw.open(server, "Kim");
    await kim.ask("join");
    await kim.ask("invite", { to: await ann.user(), seconds: 300 });
    await ann.at("ring-dialog").waitFor();
    await until("it has come to rest", () => ann.page.evaluate(() => document.querySelector(".ring").getAnimations().every((it) => it.playState === "finished")));
    for (const part of [ann.at("ring-dialog"), ann.page.locator(".ring-face"), ann.at("accept-button")]) {
      const { y, height } = await part.boundingBox();
      assert.ok(y >= 0 && y + height <= 390, `${y} to ${y + height}`);
    }
    kim.close();
  });
});

test("Escape closes the chat on a phone, and the way to it has the focus", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    const [ann] = await callOf(server, people, { options: { width: 360, height: 740 } });
    await ann.at("chat-button").click();
    await ann.at("chat-input").waitFor();
    await ann.page.keyboard.press("Escape");
    await ann.at("chat-input").waitFor({ state: "hidden" });
    assert.equal(await focused(ann), "chat-button");
    assert.ok(await ann.at("call").isVisible());
  });
});

test("who wishes less motion has none", { timeout: 60_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann"));
    const [ann] = people;
    const moving = () => ann.page.evaluate(() => document.getAnimations().filter((it) => it.playState === "running").length);
    await ann.enter({ picture: false });
    await ann.at("meet-button").click();
    await ann.page.getByText("Looking for somebody").waitFor();
    assert.ok((await moving()) > 0);
    await ann.page.emulateMedia({ reducedMotion: "reduce" });
    await until("nothing moves", async () => (await moving()) === 0);
  });
});

test("camera and microphone are seen to work before anybody rings, and are exchanged before the call and in it", { timeout: 180_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(await Person.open(server, "Ann", { cameras: 3 }), await Person.open(server, "Bob"));
    const [ann, bob] = people;
    await ann.page.locator(".preview.is-on").waitFor();
    await until("the beep of the microphone is seen", () => ann.page.evaluate(() => document.querySelectorAll(".preview .level .is-lit").length > 0));
    const camera = () => ann.page.evaluate(() => window.__duologue.duo?.media.video?.getSettings().deviceId);
    const shown = () => ann.page.evaluate(() => document.querySelector(".preview video").srcObject.getVideoTracks()[0].getSettings().deviceId);
    const select = ann.page.locator(".preview").getByTestId("camera-select");
    await select.waitFor();
    // The fake camera in between gives depths, which no browser sends.
    const [first, , second] = await select.locator("option").evaluateAll((all) => all.map((it) => it.value));
    assert.equal(await shown(), first);
    await select.selectOption(second);
    await until("the other one is shown", async () => (await shown()) === second);
    await Promise.all([ann.enter(), bob.enter()]);
    assert.equal(await camera(), second);

    await ann.ring(bob);
    await bob.at("accept-button").click();
    await Promise.all([ann.inCall(), bob.inCall()]);
    await bob.sees();
    await ann.at("menu-button").click();
    await ann.at("devices-button").click();
    await ann.page.locator(".sheet").getByTestId("camera-select").selectOption(first);
    await until("the first one is sent again", async () => (await camera()) === first);
    await bob.sees();

    // A phone opens one camera at a time: there the old one is closed first.
    await ann.page.evaluate(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wish) =>
        wish.video && window.__duologue.duo.media.video?.readyState === "live" ? Promise.reject(new DOMException("one at a time", "NotReadableError")) : real(wish);
    });
    await ann.page.locator(".sheet").getByTestId("camera-select").selectOption(second);
    await until("the other one is sent", async () => (await camera()) === second);
    await bob.sees();

    // Pulled out in the middle: it is said, and the sound goes on.
    await ann.page.keyboard.press("Escape");
    await ann.page.evaluate(() => {
      const track = window.__duologue.duo.media.video;
      track.stop();
      track.dispatchEvent(new Event("ended"));
    });
    await ann.page.getByText("The camera is gone").first().waitFor();
    assert.equal(await camera(), undefined);
    await until("he is told that there is no picture", () => bob.page.evaluate(() => window.__duologue.duo.call.peerSending?.picture === false));
  });
});

test("a camera that is missing, or busy, is said before the ring, with the way on without a picture", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    // No device at all: what the browser says by itself.
    people.push(await Person.open(server, "Ann", { cameras: 0 }));
    const [ann] = people;
    await ann.at("name-input").fill("Ann");
    await ann.at("enter-button").click();
    await ann.page.getByRole("alert").filter({ hasText: "We found no camera and no microphone" }).waitFor();
    assert.equal(await ann.at("lobby").count(), 0);
    assert.equal(await ann.at("sound-text").isVisible(), false, "said once");
    await ann.at("no-camera-button").click();
    await ann.at("lobby").waitFor();

    people.push(await Person.open(server, "Bob"));
    const [, bob] = people;
    // Another program has it: a machine without one can only be told so.
    await bob.page.addInitScript(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wish) => (wish.video ? Promise.reject(new DOMException("in use", "NotReadableError")) : real(wish));
    });
    await bob.page.reload();
    await bob.page.getByRole("alert").filter({ hasText: "The camera is busy" }).waitFor();
    await until("the microphone is seen all the same", () => bob.page.evaluate(() => document.querySelectorAll(".preview .level .is-lit").length > 0));
    await bob.enter({ picture: false });
  });
});

test("more time is asked by one, agreed by the other, and both clocks have it", { timeout: 180_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    const [ann, bob] = await callOf(server, people);
    const { deadline } = await ann.call();
    await ann.at("more-button").click();
    await ann.page.locator("[data-testid=extend-minutes][data-minutes='5']").click();
    await ann.at("call-status").filter({ hasText: "asked for more time" }).waitFor();
    await bob.at("extend-accept").click();
    for (const person of [ann, bob]) {
      await until("the deadline is later by five minutes", async () => (await person.call()).deadline === deadline + 300_000);
      await person.page.getByText("You have more time").first().waitFor();
    }
    // The statistics of a good path are no weak connection.
    assert.equal(await ann.page.evaluate(() => window.__duologue.duo.call.weakness), null);
  });
});

test("the last thirty seconds are seen and read out", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name)))));
    const [ann, bob] = people;
    await Promise.all(people.map((person) => person.enter({ picture: false })));
    await ann.page.evaluate((user) => window.__duologue.duo.lobby.invite({ user }, { seconds: 33 }), await bob.user());
    await bob.at("ring-dialog").waitFor();
    await bob.page.evaluate(() => window.__duologue.duo.invites.accept(window.__duologue.duo.invites.incoming[0].invite, { seconds: 33 }));
    await Promise.all([ann.inCall(), bob.inCall()]);
    await until("a reader hears it", () => ann.page.evaluate(() => [...document.querySelectorAll("[aria-live]")].some((it) => it.textContent === "Thirty seconds left.")));
    assert.equal(await ann.page.evaluate(() => document.querySelector("[data-testid=call]").classList.contains("is-late")), true);
    await ann.at("after-call").filter({ hasText: "Time is up" }).waitFor();
  }, ["invites.seconds_min=30"]);
});

test("where calls cannot be extended, that is said, and not offered again", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    const [ann] = await callOf(server, people);
    await ann.at("more-button").click();
    await ann.page.locator("[data-testid=extend-minutes]").first().click();
    await ann.page.getByText("This call ends when its time is over").first().waitFor();
    await ann.at("more-button").waitFor({ state: "hidden" });
  }, ["calls.extensions=0"]);
});

test("a hidden tab is heard: title, icon, notification", { timeout: 120_000 }, async () => {
  const people = [];
  await play(people, async (server) => {
    people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(server, name)))));
    const [ann, bob] = people;
    await Promise.all(people.map((person) => person.enter({ picture: false })));

    // Asked when one begins to wait, and once only.
    await bob.at("meet-button").click();
    await bob.page.getByText("Looking for somebody").waitFor();
    await bob.mayNotify("prompt");
    await bob.at("bell-button").waitFor();
    await bob.mayNotify("granted");
    await bob.page.evaluate(() => document.querySelector("[data-testid=bell-button]").click());
    await bob.page.getByText("We tell you when somebody rings").first().waitFor();
    await bob.mayNotify("prompt");
    await until("one is not asked twice", async () => (await bob.page.evaluate(() => Notification.permission)) === "default" && !(await bob.at("bell-button").isVisible()));
    await bob.mayNotify("granted");
    await bob.at("meet-button").click();
    await bob.page.getByText("Not sure whom to ring?").waitFor();

    // A headless browser shows each of its tabs: that this one is hidden is told to it.
    await bob.page.evaluate(() => {
      Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
      window.__notified = [];
      const Real = Notification;
      window.Notification = class extends Real {
        constructor(title, options) {
          super(title, options);
          window.__notified.push(`${title}. ${options.body}`);
        }
      };
    });
    const quiet = await bob.page.evaluate(() => document.querySelector("link[rel=icon]").href);
    await ann.ring(bob);
    await bob.page.waitForFunction(() => document.title === "Ann is ringing");
    assert.deepEqual(await bob.page.evaluate(() => window.__notified), ["Ann is ringing. For a call of 5 minutes"]);
    assert.notEqual(await bob.page.evaluate(() => document.querySelector("link[rel=icon]").href), quiet);
    await ann.at("cancel-ring-button").click();
    await bob.page.waitForFunction(() => document.title === "Duologue");
    assert.equal(await bob.page.evaluate(() => document.querySelector("link[rel=icon]").href), quiet);
  });
});
