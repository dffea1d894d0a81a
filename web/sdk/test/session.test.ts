// What a page promises over losses, reloads and restarts: each test is one story, told with a scripted server.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DuologueError } from "../src/index.js";
import { callFacts, FakeStorage, MIA, Page, TOM } from "./fakes.js";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
  vi.stubGlobal("MediaStream", class {
    getTracks(): never[] {
      return [];
    }
    addTrack(): void {}
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test("the hello carries the token and a client of 32 hexadecimal digits, and connect answers at the welcome", async () => {
  const page = new Page().load();
  page.greet();
  expect(page.socket.said[0]).toMatchObject({ t: "hello", token: "token" });
  expect(page.socket.said[0]!.client).toMatch(/^[0-9a-f]{32}$/);
  expect(page.socket.said[0]).not.toHaveProperty("resume");
  await expect(page.duo.ready).resolves.toBe(page.duo);
  expect(page.duo.me).toEqual(MIA);
});

test("commands begin above last_id, and each gets its own answer", async () => {
  const page = new Page().load();
  const early = page.duo.lobby.join();
  page.greet({ last_id: 40 });
  expect(page.socket.last("join").id).toBe(41);
  const invite = page.duo.lobby.invite(TOM, { seconds: 120 });
  expect(page.socket.last("invite")).toMatchObject({ id: 42, to: TOM.user, seconds: 120 });
  page.socket.no("invite", "cooldown", { cooldown_until: 99 });
  page.socket.ok("join", { lobby: "main" });
  await early;
  expect(page.duo.lobby.name).toBe("main");
  await expect(invite).rejects.toMatchObject({ code: "cooldown", cooldownUntil: 99 });
  await expect(invite).rejects.toBeInstanceOf(DuologueError);
});

test("a picture of oneself goes over HTTP as it is, one's card has it afterwards, and none is said over the link", async () => {
  const page = new Page().load().greet();
  const changed = vi.fn();
  page.duo.on("change", changed);
  const picture = new Blob(["a picture"], { type: "image/jpeg" });
  const asked = vi.fn(async (..._request: [string, RequestInit]) => new Response(JSON.stringify({ user: { ...MIA, selfie: "a/b.jpg" } })));
  vi.stubGlobal("fetch", asked);
  await expect(page.duo.setSelfie(picture)).resolves.toEqual({ ...MIA, selfie: "a/b.jpg" });
  const [url, request] = asked.mock.calls[0]!;
  expect(url).toMatch(/\/v1\/me\/selfie$/);
  expect(request).toMatchObject({ method: "PUT", body: picture, headers: { "content-type": "image/jpeg", authorization: "Bearer token" } });
  expect(page.duo.me.selfie).toBe("a/b.jpg");
  await settle();
  expect(changed).toHaveBeenCalled();

  // A server that keeps none says so, and nothing has changed.
  asked.mockImplementation(async () => new Response(JSON.stringify({ title: "No pictures", status: 404, code: "unknown_path" }), { status: 404 }));
  await expect(page.duo.setSelfie(picture)).rejects.toMatchObject({ code: "unknown_path" });
  expect(page.duo.me.selfie).toBe("a/b.jpg");

  const none = page.duo.setSelfie(null);
  expect(page.socket.last("profile").selfie).toBeNull();
  page.socket.ok("profile", { user: MIA });
  await expect(none).resolves.toEqual(MIA);
});

test("a lost link resumes with token, last seq and window version; unanswered commands go again under their numbers", async () => {
  const page = new Page().load().greet();
  page.socket.hear({ t: "window", version: 17, size: 20, places: [], available: 1 });
  page.socket.hear({ t: "rang", seq: 1, invite: 5, from: TOM, seconds: 60, expires: Date.now() + 20_000 });
  const answered = page.duo.lobby.join();
  page.socket.ok("join", { lobby: "main" });
  await answered;
  const open = page.duo.invites.decline(5);
  const { id } = page.socket.last("decline");
  await page.loseLink();
  page.socket.open();
  expect(page.socket.last("hello").resume).toEqual({ token: "resume-1", seq: 1, window: 17 });
  page.greet({ recovered: true, seq: 1, last_id: id });
  expect(page.socket.all("join")).toHaveLength(0);
  expect(page.socket.last("decline").id).toBe(id);
  page.socket.ok("decline", { cooldown_until: 123 });
  await expect(open).resolves.toMatchObject({ cooldown_until: 123 });
});

test("a replayed event is told once", async () => {
  const page = new Page().load().greet();
  const rang = vi.fn();
  page.duo.on("rang", rang);
  const event = { t: "rang", seq: 1, invite: 5, from: TOM, seconds: 60, expires: Date.now() + 20_000 };
  page.socket.hear(event);
  await page.loseLink();
  page.greet({ recovered: true, seq: 1 });
  page.socket.hear(event);
  page.socket.hear({ ...event, seq: 2, invite: 6 });
  expect(rang).toHaveBeenCalledTimes(2);
});

test("events are acknowledged after a while, once for many", async () => {
  const page = new Page().load().greet();
  for (let seq = 1; seq <= 3; seq += 1) page.socket.hear({ t: "presence", seq, user: TOM.user, state: "online" });
  expect(page.socket.all("ack")).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(page.socket.all("ack")).toEqual([{ t: "ack", seq: 3 }]);
});

test("after a lost replay, unanswered commands go again and what the server forgot is declared again", async () => {
  const page = new Page().load().greet();
  void page.duo.lobby.join();
  page.socket.ok("join", { lobby: "main" });
  void page.duo.lobby.watch({ size: 12, filter: { genders: ["male"] } });
  page.socket.ok("window", { size: 12 });
  void page.duo.lobby.meet({ filter: { genders: ["male"] } });
  page.socket.ok("pair", { since: 1 });
  await settle();
  const chat = page.duo.command("read", { notification: 9 });
  const { id } = page.socket.last("read");
  await page.loseLink();
  page.greet({ recovered: false, seq: 0, last_id: id });
  expect(page.socket.last("read").id).toBe(id);
  expect(page.socket.last("join")).toMatchObject({ lobby: "main" });
  expect(page.socket.last("join").id).toBeGreaterThan(id);
  expect(page.socket.last("window")).toMatchObject({ size: 12, filter: { genders: ["male"] } });
  expect(page.socket.last("pair")).toMatchObject({ filter: { genders: ["male"] } });
  page.socket.ok("read");
  await chat;
});

test("intents that the server kept are not declared again, and those that it ended neither", async () => {
  const page = new Page().load().greet();
  void page.duo.lobby.join();
  page.socket.ok("join", { lobby: "main" });
  void page.duo.lobby.watch();
  page.socket.ok("window", { size: 20 });
  await settle();
  await page.loseLink();
  page.greet({ recovered: false, last_id: 2 }, { lobby: "main", window: 20 });
  expect(page.socket.all("join")).toHaveLength(0);
  expect(page.socket.all("window")).toHaveLength(0);
  page.socket.hear({ t: "left", seq: 1, lobby: "main", why: "away" });
  expect(page.duo.lobby.name).toBeNull();
  await page.loseLink();
  page.greet({ recovered: false, last_id: 2 });
  expect(page.socket.all("join")).toHaveLength(0);
});

test("an intent that was refused is none; one refused for the moment is said again later", async () => {
  const page = new Page().load().greet();
  const join = page.duo.lobby.join();
  page.socket.no("join", "no_access");
  await expect(join).rejects.toMatchObject({ code: "no_access" });
  await page.loseLink();
  page.greet();
  expect(page.socket.all("join")).toHaveLength(0);

  void page.duo.lobby.join();
  page.socket.ok("join", { lobby: "main" });
  await settle();
  await page.loseLink();
  page.greet({ recovered: false, last_id: 2 });
  page.socket.no("join", "unavailable", { retry_after_ms: 1_500 });
  await vi.advanceTimersByTimeAsync(1_400);
  expect(page.socket.all("join")).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(page.socket.all("join")).toHaveLength(2);
});

test("a gap in the window's versions asks for a window once, and keeps the cards until it comes", async () => {
  const page = new Page().load().greet();
  void page.duo.lobby.watch({ size: 20 });
  page.socket.ok("window", { size: 20 });
  page.socket.hear({ t: "window", version: 3, size: 20, places: [[0, TOM]], available: 2 });
  page.socket.hear({ t: "window_delta", version: 5, set: [[1, MIA]] });
  page.socket.hear({ t: "window_delta", version: 6, set: [[0]] });
  expect(page.socket.all("window")).toHaveLength(2);
  expect(page.duo.lobby.places.get(0)?.card).toEqual(TOM);
  page.socket.ok("window", { size: 20 });
  page.socket.hear({ t: "window", version: 7, size: 20, places: [[4, TOM]], available: 2 });
  page.socket.hear({ t: "window_delta", version: 8, set: [[5, MIA, { cooldown_until: 1 }]], available: 3 });
  expect([...page.duo.lobby.places.keys()]).toEqual([4, 5]);
  expect(page.duo.lobby.places.get(5)?.marks.cooldown_until).toBe(1);
  expect(page.duo.lobby.available).toBe(3);
});

test("a reload keeps the client, resumes, and asks for a new epoch of its call", async () => {
  const storage = new FakeStorage();
  const before = new Page(storage).load().greet();
  before.socket.hear({ t: "call_started", seq: 1, ...callFacts() });
  const { client } = before.socket.last("hello");

  const after = new Page(storage).load();
  const started = vi.fn();
  after.duo.on("call_started", started);
  after.socket.open();
  expect(after.socket.last("hello")).toMatchObject({ client, resume: { token: "resume-1", seq: 1, window: 0 } });
  after.greet({ recovered: true, seq: 1, last_id: 3 }, { call: callFacts() });
  expect(started).toHaveBeenCalledTimes(1);
  expect(after.socket.last("renegotiate")).toMatchObject({ call: 7 });
  // Signals of the epoch before are for a page that is gone.
  after.socket.hear({ t: "description", seq: 2, call: 7, epoch: 1, kind: "offer", sdp: "old" });
  expect(after.peers).toHaveLength(0);
  after.socket.ok("renegotiate", { epoch: 2 });
  await settle();
  after.socket.ok("ice_servers", { servers: [], expires: Date.now() + 1 });
  await settle();
  expect(after.duo.call?.epoch).toBe(2);
  expect(after.peers).toHaveLength(1);
});

test("after a restart of the server the page asks for its seat again, and its media plays on meanwhile", async () => {
  const page = new Page().load().greet();
  page.socket.hear({ t: "call_started", seq: 1, ...callFacts() });
  page.socket.ok("ice_servers", { servers: [], expires: Date.now() + 1e6 });
  await settle();
  const [pc] = page.peers;
  const closed = vi.spyOn(pc!, "close");
  await page.loseLink();
  page.greet({ recovered: false, last_id: 1 }, { call: callFacts({ here: false }) });
  expect(page.socket.last("rejoin")).toMatchObject({ call: 7 });
  expect(closed).not.toHaveBeenCalled();
  page.socket.ok("rejoin");
  page.socket.hear({ t: "call_started", seq: 1, ...callFacts({ epoch: 2 }) });
  await settle();
  expect(page.duo.call?.epoch).toBe(2);
  expect(page.peers).toHaveLength(2);
});

test("a page that never had the seat shows the call, and does not take it", async () => {
  const page = new Page().load().greet({}, { call: callFacts({ here: false }) });
  await settle();
  expect(page.duo.call?.here).toBe(false);
  expect(page.socket.all("rejoin")).toHaveLength(0);
  page.socket.hear({ t: "call_ended", seq: 1, call: 7, why: "hang_up", seconds: 9, cooldown_until: 1 });
  expect(page.duo.call).toBeNull();
});

test("hung up while the server is away: over at once, told to the server later, and not taken up again", async () => {
  const page = new Page().load().greet();
  page.socket.hear({ t: "call_started", seq: 1, ...callFacts() });
  page.socket.ok("ice_servers", { servers: [], expires: Date.now() + 60_000 });
  await settle();
  const { call } = page.duo;
  const close = vi.spyOn(page.peers[0]!, "close");
  const ended = vi.fn();
  page.duo.on("call_ended", ended);
  page.socket.end(1006);
  const delivered = vi.fn();
  void call!.hangUp().then(delivered);
  await settle();
  expect(close).toHaveBeenCalledTimes(1);
  expect(page.duo.call).toBeNull();
  expect(ended.mock.calls).toEqual([[{ call: 7, why: "hang_up", seconds: 0, peer: TOM }]]);

  // The server, back without what it knew of this link, tells of the call as of one that goes on.
  while (page.sockets.length < 2) await vi.advanceTimersByTimeAsync(100);
  page.greet({ recovered: false }, { call: callFacts({ here: false }) });
  expect(page.socket.last("hang_up")).toMatchObject({ call: 7 });
  page.socket.hear({ t: "call_started", seq: 1, ...callFacts() });
  page.socket.hear({ t: "renegotiate", seq: 2, call: 7, epoch: 2 });
  await settle();
  expect(page.duo.call).toBeNull();
  expect(page.peers).toHaveLength(1);
  expect(page.socket.all("rejoin")).toHaveLength(0);
  expect(delivered).not.toHaveBeenCalled();
  page.socket.ok("hang_up");
  page.socket.hear({ t: "call_ended", seq: 3, call: 7, why: "hang_up", seconds: 1, cooldown_until: 99 });
  await settle();
  expect(delivered).toHaveBeenCalled();
  expect(ended, "told once").toHaveBeenCalledTimes(1);

  page.socket.hear({ t: "call_started", seq: 4, ...callFacts({ call: 8 }) });
  expect(page.duo.call?.id, "the next one is another one").toBe(8);
});

test("what is written while the link is lost stands there at once as being sent, and is gone if it is refused", async () => {
  const page = new Page().load().greet({}, { call: callFacts() });
  const { call } = page.duo;
  page.socket.end(1006);
  const first = call!.chat("hello?");
  const second = call!.chat("again");
  expect(call!.messages).toMatchObject([{ text: "hello?", mine: true, sending: true }, { text: "again", sending: true }]);
  while (page.sockets.length < 2) await vi.advanceTimersByTimeAsync(100);
  page.greet({ recovered: true }, { call: callFacts() });
  page.socket.no("chat", "rate_limited", { retry_after_ms: 100 });
  await expect(second).rejects.toMatchObject({ code: "rate_limited" });
  page.socket.hear({ t: "ok", re: page.socket.all("chat")[0]!.id, at: 123 });
  await first;
  expect(call!.messages).toEqual([{ from: MIA.user, text: "hello?", at: 123, mine: true }]);
});

test("hung up, and reloaded before the server could hear of it: the new page says it", async () => {
  const page = new Page().load().greet({}, { call: callFacts() });
  page.socket.end(1006);
  void page.duo.call!.hangUp();
  await settle();
  const again = new Page(page.storage).load().greet({ recovered: true, last_id: 3 }, { call: callFacts() });
  expect(again.duo.call).toBeNull();
  expect(again.socket.last("hang_up")).toMatchObject({ id: 4, call: 7 });
  again.socket.no("hang_up", "rate_limited", { retry_after_ms: 500 });
  await vi.advanceTimersByTimeAsync(600);
  expect(again.socket.last("hang_up").id, "until it is heard").toBe(5);
});

test("with the server there, the end is told once, with what it says of it; without an answer soon, without", async () => {
  const page = new Page().load().greet({}, { call: callFacts() });
  const ended = vi.fn();
  page.duo.on("call_ended", ended);
  void page.duo.call!.hangUp();
  expect(page.duo.call).toBeNull();
  page.socket.ok("hang_up");
  expect(ended).not.toHaveBeenCalled();
  page.socket.hear({ t: "call_ended", seq: 1, call: 7, why: "hang_up", seconds: 4, cooldown_until: 99 });
  expect(ended.mock.calls).toEqual([[expect.objectContaining({ seconds: 4, cooldown_until: 99, peer: TOM })]]);

  page.socket.hear({ t: "call_started", seq: 2, ...callFacts({ call: 8 }) });
  void page.duo.call!.hangUp();
  await vi.advanceTimersByTimeAsync(1_100);
  expect(ended).toHaveBeenCalledTimes(2);
  expect(ended.mock.lastCall).toEqual([expect.objectContaining({ call: 8, why: "hang_up", peer: TOM })]);
});

test("blocking ends the call at once too; if it is refused, the call is hung up", async () => {
  const page = new Page().load().greet({}, { call: callFacts() });
  const blocked = page.duo.call!.block();
  expect(page.duo.call).toBeNull();
  page.socket.no("block", "unavailable");
  await expect(blocked).rejects.toMatchObject({ code: "unavailable" });
  expect(page.socket.last("hang_up")).toMatchObject({ call: 7 });
});

test("a call that is gone after a lost replay is told as ended, and so is a ring", async () => {
  const page = new Page().load().greet();
  page.socket.hear({ t: "rang", seq: 1, invite: 5, from: TOM, seconds: 60, expires: Date.now() + 20_000 });
  page.socket.hear({ t: "call_started", seq: 2, ...callFacts() });
  const ended = vi.fn();
  page.duo.on("call_ended", ended);
  page.duo.on("invite_ended", ended);
  await page.loseLink();
  page.greet({ recovered: false });
  expect(ended).toHaveBeenCalledWith(expect.objectContaining({ invite: 5, why: "lost" }));
  expect(ended).toHaveBeenCalledWith(expect.objectContaining({ call: 7, why: "lost", peer: TOM }));
});

test("an answer that comes after the end of its invite does not bring it back", async () => {
  const page = new Page().load().greet();
  const invite = page.duo.lobby.invite(TOM, { seconds: 60 });
  const { id } = page.socket.last("invite");
  await page.loseLink();
  page.greet({ recovered: true, seq: 0, last_id: id });
  page.socket.hear({ t: "invite_ended", seq: 1, invite: 5, why: "declined", cooldown_until: 1 });
  page.socket.ok("invite", { invite: 5, expires: Date.now() + 10_000 });
  await invite;
  expect(page.duo.invites.outgoing).toEqual([]);
});

test("whoever is taken over stops, and comes back as a new client when asked to", async () => {
  const page = new Page().load().greet();
  const pending = page.duo.lobby.join();
  const { client } = page.socket.last("hello");
  const closed = vi.fn();
  page.duo.on("closed", closed);
  page.socket.hear({ t: "closing", code: "superseded", reconnect: false });
  page.socket.end(4101);
  await expect(pending).rejects.toMatchObject({ code: "superseded" });
  expect(closed).toHaveBeenCalledWith(expect.objectContaining({ code: "superseded" }));
  await vi.advanceTimersByTimeAsync(120_000);
  expect(page.sockets).toHaveLength(1);
  page.duo.start();
  page.greet();
  expect(page.sockets).toHaveLength(2);
  expect(page.socket.last("hello").client).not.toBe(client);
  expect(page.socket.last("hello")).not.toHaveProperty("resume");
});

test("a jump of the clock is a sleep: the link has to prove itself, and is taken up again if it cannot", async () => {
  const page = new Page().load().greet();
  page.socket.hear({ t: "pong", now: Date.now() });
  expect(page.socket.all("ping")).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1_000);
  vi.setSystemTime(Date.now() + 3_600_000);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(page.socket.all("ping")).toHaveLength(2);
  const asleep = page.socket;
  await vi.advanceTimersByTimeAsync(4_000);
  expect(asleep.closedWith).toBe(4000);
  expect(page.sockets).toHaveLength(2);
});

test("leaving for good closes with 1000 and forgets the client; a lost page closes with nothing of the kind", async () => {
  const storage = new FakeStorage();
  const page = new Page(storage).load().greet();
  page.duo.leave();
  expect(page.socket.closedWith).toBe(1000);
  expect(storage.map.size).toBe(0);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(page.sockets).toHaveLength(1);
});

test("at most sixty commands are under way, the others wait their turn", async () => {
  const page = new Page().load().greet();
  const all = Array.from({ length: 70 }, (_, index) => page.duo.command("read", { notification: index }));
  expect(page.socket.all("read")).toHaveLength(60);
  page.socket.hear({ t: "ok", re: page.socket.all("read")[0]!.id });
  expect(page.socket.all("read")).toHaveLength(61);
  await all[0];
  for (const pending of all) pending.catch(() => undefined);
});
