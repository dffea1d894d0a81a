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

export class Server {
  #child;
  #sets;
  #data;
  port = 0;
  errors = "";

  /** Starts it with settings as `--set` takes them. */
  static async start(sets = []) {
    const server = new Server();
    server.#sets = sets;
    server.#data = await mkdtemp(join(tmpdir(), "duologue-browser-"));
    await server.#run();
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  async #run() {
    // After a kill the pages come back to the same address.
    const words = ["serve", "--ready", "json", "--listen", `127.0.0.1:${this.port}`, "--data", join(this.#data, "data")];
    const sets = ['rates.exempt=["127.0.0.0/8"]', "calls.counted=1ms", "presence.coalesce=50ms", ...this.#sets];
    // What tests say to each other by the environment is no key of the server's.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("DUOLOGUE_")));
    this.#child = spawn(binary(), [...words, ...sets.flatMap((set) => ["--set", set])], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stderr.on("data", (data) => (this.errors += data));
    const lines = createInterface({ input: this.#child.stdout });
    const ended = once(this.#child, "exit").then(() => {
      throw new Error(`the server ended before it served: ${this.errors}`);
    });
    ended.catch(() => undefined);
    const [line] = await Promise.race([once(lines, "line"), ended]);
    this.port = Number(JSON.parse(line).http.split(":").at(-1));
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
