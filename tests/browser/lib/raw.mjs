/** A raw client, by the protocol's page: for those who do not use our SDK, and not for good. */

import { WebSocket } from "ws";
import { PATIENCE_MS } from "./server.mjs";

export class Raw {
  #socket;
  #next = 1;
  #waiting = new Map();
  /** Everything that was heard but answers. */
  heard = [];
  user;

  /** A new guest with a connection past `welcome`. */
  static async open(server, name) {
    const made = await fetch(new URL("/v1/guests", server.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name }),
    });
    const { user, token } = await made.json();
    const raw = new Raw();
    raw.user = user.user;
    raw.#socket = new WebSocket(new URL("/v1/ws", server.url.replace("http", "ws")), "duologue.v1.json");
    await new Promise((opened, failed) => raw.#socket.once("open", opened).once("error", failed));
    const welcome = new Promise((said) => raw.#waiting.set("welcome", said));
    raw.#socket.on("message", (data) => {
      const message = JSON.parse(data);
      const key = message.re ?? message.t;
      const waiting = raw.#waiting.get(key);
      if (!waiting) return raw.heard.push(message);
      raw.#waiting.delete(key);
      waiting(message);
    });
    raw.#socket.send(JSON.stringify({ t: "hello", token }));
    await welcome;
    return raw;
  }

  /** Sends a command and gives its answer. */
  ask(command, fields = {}) {
    const id = this.#next++;
    return new Promise((answered, failed) => {
      const late = setTimeout(() => failed(new Error(`no answer to ${command}`)), PATIENCE_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(late);
        answered(answer);
      });
      this.#socket.send(JSON.stringify({ t: command, id, ...fields }));
    });
  }

  close() {
    this.#socket.terminate();
  }
}
