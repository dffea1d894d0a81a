// The guest of a tab: the same person after a reload, somebody new once their time is over. And why nobody answers.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DuologueError, guest } from "../src/index.js";
import { FakeStorage, MIA } from "./fakes.js";

const URL = "http://server.test";
let storage: FakeStorage;
/** Tokens that sign in. */
let live: Set<string>;

beforeEach(() => {
  storage = new FakeStorage();
  live = new Set();
  vi.stubGlobal("fetch", async (url: string, { method, headers }: { method: string; headers: Record<string, string> }) => {
    if (method === "POST" && url === `${URL}/v1/guests`) {
      const token = `token-${live.size + 1}`;
      live.add(token);
      return Response.json({ user: MIA, token, expires: 1 });
    }
    if (url !== `${URL}/v1/me`) throw new TypeError("failed to fetch");
    const isLive = live.has(headers.authorization!.replace("Bearer ", ""));
    return isLive ? Response.json({ user: MIA }) : Response.json({ code: "expired_token" }, { status: 401 });
  });
});

afterEach(() => vi.unstubAllGlobals());

test("a reload is the same guest; another name, or a token that signs nobody in any more, is a new one", async () => {
  const first = await guest(URL, { name: "Mia" }, storage);
  expect((await guest(URL, { name: "Mia" }, storage)).token).toBe(first.token);
  const other = await guest(URL, { name: "Mo" }, storage);
  expect(other.token).not.toBe(first.token);
  live.delete(other.token);
  live.add("another");
  const later = await guest(URL, { name: "Mo" }, storage);
  expect(later.token).not.toBe(other.token);
  expect(await guest(URL, { name: "Mo" }, storage)).toEqual(later);
});

test("a server that does not answer makes nobody somebody else", async () => {
  const first = await guest(URL, { name: "Mia" }, storage);
  const answering = globalThis.fetch;
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed to fetch")));
  await expect(guest(URL, { name: "Mia" }, storage)).rejects.toMatchObject({ code: "unreachable" });
  vi.stubGlobal("fetch", answering);
  expect((await guest(URL, { name: "Mia" }, storage)).token).toBe(first.token);
});

test("without a storage, and with a full one, there is a guest each time", async () => {
  expect((await guest(URL, { name: "Mia" }, undefined)).token).toBeTruthy();
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  expect((await guest(URL, { name: "Mia" }, storage)).token).toBeTruthy();
});

test("a page of another origin is told that it may not be let in, and where that is said; one of the server's own is not", async () => {
  const sentence = async (origin: string): Promise<string> => {
    vi.stubGlobal("location", { origin, href: `${origin}/` });
    return guest("http://gone.test", { name: "Mia" }, storage).then(
      () => "",
      (error: DuologueError) => error.message,
    );
  };
  expect(await sentence("http://page.test")).toBe("The server cannot be reached, or does not let in pages of this origin (its key http.origins).");
  expect(await sentence("http://gone.test")).toBe("The server cannot be reached.");
});
