/**
 * The `duologue` binary as a process: started on a folder of its own, killed and started again by its id.
 *
 * `DUOLOGUE_BIN` says where the binary is, else it is the one of `cargo build`.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
export const PATIENCE_MS = 45_000;

/** Where the binary is. */
export function binary() {
  const path = process.env.DUOLOGUE_BIN ?? join(ROOT, "target/debug/duologue");
  if (!existsSync(path)) throw new Error(`${path} is not there: cargo build --bin duologue`);
  return path;
}

/** That of the tests, without what they say to each other by it: those are no keys of the server's. */
export const environment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("DUOLOGUE_")));

export class Server {
  #child;
  #sets;
  #words;
  #data;
  port = 0;
  /** With `--https`: the addresses that other devices reach, as it tells them. */
  others = [];
  errors = "";

  /** Starts it with settings as `--set` takes them, and other words of the command line. */
  static async start(sets = [], words = []) {
    const server = new Server();
    server.#sets = sets;
    server.#words = words;
    server.#data = await mkdtemp(join(tmpdir(), "duologue-browser-"));
    await server.#run();
    return server;
  }

  get url() {
    return `${this.#https ? "https" : "http"}://127.0.0.1:${this.port}/`;
  }

  get #https() {
    return this.#words.includes("--https");
  }

  async #run() {
    // After a kill the pages come back to the same address.
    const address = this.#https ? "0.0.0.0" : "127.0.0.1";
    const words = ["serve", "--ready", "json", "--listen", `${address}:${this.port}`, "--data", join(this.#data, "data"), ...this.#words];
    const sets = ['rates.exempt=["127.0.0.0/8"]', "calls.counted=1ms", "presence.coalesce=50ms", ...this.#sets];
    this.#child = spawn(binary(), [...words, ...sets.flatMap((set) => ["--set", set])], { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stderr.on("data", (data) => (this.errors += data));
    const lines = createInterface({ input: this.#child.stdout });
    const ended = once(this.#child, "exit").then(() => {
      throw new Error(`the server ended before it served: ${this.errors}`);
    });
    ended.catch(() => undefined);
    const [line] = await Promise.race([once(lines, "line"), ended]);
    const { http, others = [] } = JSON.parse(line);
    this.port = Number(http.split(":").at(-1));
    this.others = others;
  }

  /** `kill -9`. */
  async kill() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  /** On the same data, at the same port. */
  async restart() {
    await this.#run();
  }

  async stop() {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
  }

  async get(path, token) {
    const answer = await fetch(new URL(path, this.url), token ? { headers: { authorization: `Bearer ${token}` } } : {});
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }
}

/** Asks until the answer is true, for what no event tells. */
export async function until(what, ask, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${patience} ms: ${what} (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`);
    await new Promise((go) => setTimeout(go, 100));
  }
}
