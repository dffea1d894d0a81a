/** `--https`: a phone beside the laptop. Each comes by another address of the same machine. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

/** How many connections the server has over QUIC, asked by a page of its own. */
const overQuic = (person) =>
  person.page.evaluate(async () => {
    const text = await (await fetch("/metrics")).text();
    return Number(/duologue_quic_connections\{stage="open"\} (\d+)/.exec(text)?.[1]);
  });

test("a phone opens the page by the address it is told, sees its camera, and rings the laptop", { timeout: 240_000 }, async () => {
  const server = await Server.start([], ["--https"]);
  const people = [];
  await scene(server, () => people, async () => {
    // A machine without a network has no address to tell; its name leads to it all the same.
    const url = server.others[0] ? `${server.others[0]}/` : `https://localhost:${server.port}/`;
    assert.notEqual(url, server.url);
    people.push(await Person.open({ url }, "Pia", { phone: true }), await Person.open(server, "Lars", { query: "?carrier=auto" }));
    const [pia, lars] = people;
    for (const person of people) assert.equal(await person.page.evaluate(() => isSecureContext), true);
    assert.equal(await pia.page.evaluate(() => innerWidth), 360);
    await pia.page.locator(".preview.is-on").waitFor();
    await until("her picture moves before anybody rings", () => pia.page.evaluate(() => document.querySelector(".preview video").currentTime > 0));

    await pia.at("name-input").fill("Pia");
    await pia.at("enter-button").tap();
    await pia.at("lobby").waitFor();
    await lars.enter();
    assert.equal(await overQuic(lars), 1, "WebTransport believes the same certificate by its hash");
    await (await pia.cardOf(lars)).getByTestId("ring-button").tap();
    await lars.at("accept-button").click();
    await Promise.all([pia.inCall(), lars.inCall()]);
    await Promise.all([pia.sees(), lars.sees()]);
    await pia.at("hangup-button").tap();
    await Promise.all([pia.at("after-call").waitFor(), lars.at("after-call").waitFor()]);
  });
});
