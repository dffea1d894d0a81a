// In which form a page speaks: the one that was agreed on, and the same for as long as the link goes on.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Duologue, type FormName, type SocketLike } from "../src/index.js";
import { readClient } from "../src/postcard/messages.js";
import vectors from "../../../tests/vectors/server.jsonl?raw";
import { FakeStorage } from "./fakes.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** What the server says in bytes, by its golden vector. */
function vector(name: string): ArrayBuffer {
  const { postcard } = JSON.parse(vectors.split("\n").find((line) => line.startsWith(`{"name":"${name}"`))!) as { postcard: string };
  return Uint8Array.from(postcard.match(/../g)!, (byte) => parseInt(byte, 16)).buffer;
}

class Socket implements SocketLike {
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  binaryType?: BinaryType;
  readonly said: (string | Uint8Array)[] = [];

  /** `speaks`: what the other end agrees to. */
  constructor(readonly offered: string, readonly form: FormName | undefined, readonly protocol: string) {}

  send(data: string | Uint8Array): void {
    this.said.push(data);
  }

  close(): void {}

  read(at: number): Record<string, unknown> {
    const data = this.said.at(at)!;
    return (typeof data === "string" ? JSON.parse(data) : readClient(data)) as Record<string, unknown>;
  }
}

function open(form: FormName | undefined, speaks: (offered: string) => string): { duo: Duologue; sockets: Socket[] } {
  const sockets: Socket[] = [];
  const duo = Duologue.open({
    url: "http://server.test", token: "token", storage: new FakeStorage(), random: () => 0, ...(form ? { form } : {}),
    createSocket: (_url, offered, form) => {
      sockets.push(new Socket(offered, form, speaks(offered)));
      return sockets.at(-1)!;
    },
  });
  return { duo, sockets };
}

const POSTCARD = "duologue.v1.postcard";

test("a page that asks for postcard offers it, and speaks and hears bytes", async () => {
  const { duo, sockets } = open("postcard", (offered) => offered);
  const [socket] = sockets;
  expect([socket!.offered, socket!.form, socket!.binaryType]).toEqual([POSTCARD, "postcard", "arraybuffer"]);
  socket!.onopen!(undefined as never);
  expect(socket!.said[0]).toBeInstanceOf(Uint8Array);
  expect(socket!.read(0)).toMatchObject({ t: "hello", token: "token", sdp: 1 });
  socket!.onmessage!({ data: vector("welcome") });
  await expect(duo.ready).resolves.toBe(duo);
  expect(duo.me.name).toBe('Ann "é" \\');
  void duo.lobby.join();
  expect(socket!.read(-1)).toEqual({ t: "join", id: 13, lobby: "main" });
});

test("without a wish it is JSON, also where no sub-protocol was agreed on", () => {
  const { sockets } = open(undefined, () => "");
  expect([sockets[0]!.offered, sockets[0]!.form]).toEqual(["duologue.v1.json", undefined]);
  sockets[0]!.onopen!(undefined as never);
  expect(sockets[0]!.said[0]).toMatch(/^\{"t":"hello"/);
});

test("a carrier may choose, and what was spoken first is asked for when the link is made again", async () => {
  const { sockets } = open(undefined, () => POSTCARD);
  sockets[0]!.onopen!(undefined as never);
  expect(sockets[0]!.read(0)).toMatchObject({ t: "hello" });
  expect(sockets[0]!.said[0]).toBeInstanceOf(Uint8Array);
  sockets[0]!.onclose!({ code: 1006 });
  await vi.advanceTimersByTimeAsync(1);
  expect([sockets[1]!.offered, sockets[1]!.form]).toEqual([POSTCARD, "postcard"]);
});

test("what cannot be said is refused as the server would, and what follows is said", async () => {
  const { duo, sockets } = open("postcard", (offered) => offered);
  const [socket] = sockets;
  socket!.onopen!(undefined as never);
  socket!.onmessage!({ data: vector("welcome") });
  const before = socket!.said.length;
  const refused = expect(duo.command("invite", { to: "nobody", seconds: 60 })).rejects.toMatchObject({ code: "bad_message", field: "to" });
  await refused;
  expect(socket!.said).toHaveLength(before);
  void duo.command("leave", {});
  expect(socket!.read(-1)).toEqual({ t: "leave", id: 14 });
});

test("text on a link of bytes, bytes on one of text, and nonsense are as if they had not come", () => {
  for (const [form, data] of [["postcard", "{}"], ["postcard", new ArrayBuffer(0)], ["postcard", Uint8Array.of(9, 9).buffer], ["json", vector("welcome")], ["json", "{"]] as const) {
    const { duo, sockets } = open(form, (offered) => offered);
    sockets[0]!.onopen!(undefined as never);
    sockets[0]!.onmessage!({ data });
    expect(duo.linkStatus).toBe("connecting");
    sockets[0]!.onmessage!({ data: form === "json" ? '{"t":"pong","now":0}' : vector("welcome") });
    expect(duo.linkStatus).toBe(form === "json" ? "connecting" : "open");
  }
});
