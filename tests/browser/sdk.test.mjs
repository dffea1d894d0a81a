/** A stranger with the SDK's README: its page and its ten lines, on an origin of their own, are a call. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { test } from "node:test";
import { compile, example, project } from "../../web/sdk/test/packed.mjs";
import { Person, scene } from "./lib/people.mjs";
import { Server, until } from "./lib/server.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript" };
/** Serves a folder, as any web server does. */
async function host(folder) {
  const pages = createServer(async (request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    try {
      const body = await readFile(join(folder, path === "/" ? "index.html" : path));
      response.writeHead(200, { "content-type": TYPES[extname(path) || ".html"] ?? "text/plain" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  return { url: `http://127.0.0.1:${pages.address().port}/`, close: () => pages.close() };
}

/** Who this page is, and which call it carries. */
const seat = (person) =>
  person.page.evaluate(() => ({
    user: JSON.parse(sessionStorage.getItem("duologue.guest") ?? "null")?.guest.user.user,
    call: JSON.parse(sessionStorage.getItem("duologue") ?? "null")?.seat,
  }));

async function sees(person) {
  const at = () => person.page.evaluate(() => document.querySelector("video")?.currentTime ?? 0);
  await until(`${person.name} sees a picture`, async () => (await person.page.evaluate(() => document.querySelector("video")?.videoWidth ?? 0)) > 0);
  const before = await at();
  await until("it moves", async () => (await at()) > before);
}

test("two pages with the ten lines of the README see each other, and a reload is the same person in the same call", { timeout: 240_000 }, async () => {
  const { folder } = await project();
  const pages = await host(folder);
  const server = await Server.start([`http.origins=["${new URL(pages.url).origin}"]`]);
  const people = [];
  try {
    await scene(server, () => people, async () => {
      const text = await example("ts");
      assert.match(text, /http:\/\/127\.0\.0\.1:8080/);
      await writeFile(join(folder, "main.ts"), text.replace("http://127.0.0.1:8080", server.url));
      await compile(folder);
      const [page, map] = await Promise.all([example("html"), example("html", 1)]);
      await writeFile(join(folder, "index.html"), page.replace("<video", `${map}\n<video`));
      people.push(...(await Promise.all(["Ann", "Bob"].map((name) => Person.open(pages, name)))));
      for (const person of people) await sees(person);

      const [ann, bob] = people;
      const before = await seat(ann);
      assert.ok(before.user && before.call, JSON.stringify(before));
      assert.equal((await seat(bob)).call, before.call);
      await ann.page.reload();
      await sees(ann);
      await sees(bob);
      assert.deepEqual([await seat(ann), (await seat(bob)).call], [before, before.call]);
    });
  } finally {
    pages.close();
    await rm(folder, { recursive: true, force: true });
  }
});
