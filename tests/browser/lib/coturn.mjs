/** A real TURN server, on this machine only: coturn, with the shared secret that the server's credentials are made with. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./server.mjs";

export class Coturn {
  #child;
  #folder;
  port;

  static async start(secret) {
    const turn = new Coturn();
    turn.#folder = await mkdtemp(join(tmpdir(), "duologue-turn-"));
    turn.port = await freePort();
    const words = [
      "--use-auth-secret", `--static-auth-secret=${secret}`, "--realm=duologue", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
      `--listening-port=${turn.port}`, "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "--log-file=coturn.log",
      `--pidfile=${join(turn.#folder, "pid")}`, `--userdb=${join(turn.#folder, "db")}`,
    ];
    turn.#child = spawn("turnserver", words, { cwd: turn.#folder, stdio: "ignore" });
    const failed = once(turn.#child, "error").then(([error]) => {
      throw new Error(`turnserver does not start (Debian's package coturn): ${error.message}`);
    });
    const ended = once(turn.#child, "exit").then(() => {
      throw new Error("turnserver ended before it listened");
    });
    failed.catch(() => undefined);
    ended.catch(() => undefined);
    const listens = until("coturn listens", () => isOpen(turn.port));
    await Promise.race([listens, failed, ended]);
    return turn;
  }

  async stop() {
    if (this.#child.exitCode === null) {
      this.#child.kill("SIGKILL");
      await once(this.#child, "exit");
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function isOpen(port) {
  return new Promise((go) => {
    const socket = connect(port, "127.0.0.1", () => go(true)).on("error", () => go(false)).on("close", () => go(false));
    socket.on("connect", () => socket.destroy());
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
