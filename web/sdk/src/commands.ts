/**
 * Commands and their answers: each has a number and one effect, however often it is sent.
 *
 * It owns what is unanswered. A command gets its number when it is first sent, which is never before a welcome, for only
 * then is it known which numbers this client has used. After every welcome all that is unanswered is sent again, in
 * order, under the same numbers. At most 64 may be unanswered at the server; the rest waits here.
 */

import { DuologueError } from "./errors.js";
import type { AnswerMessage } from "./wire.js";

const UNANSWERED_MAX = 60;

interface Pending {
  message: Record<string, unknown>;
  resolve(answer: AnswerMessage): void;
  reject(error: DuologueError): void;
}

export class CommandBook {
  #last = 0;
  #open = false;
  readonly #sent = new Map<number, Pending>();
  #waiting: Pending[] = [];
  readonly #send: (message: object) => void;

  constructor(send: (message: object) => void) {
    this.#send = send;
  }

  /** The answer to a command; a refusal rejects. */
  submit(t: string, fields: object): Promise<AnswerMessage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message: { t, ...withoutEmpty(fields) }, resolve, reject });
      this.#flush();
    });
  }

  onWelcome(lastId: number): void {
    this.#open = true;
    this.#last = Math.max(this.#last, lastId);
    for (const [id, pending] of this.#sent) this.#send({ ...pending.message, id });
    this.#flush();
  }

  onLost(): void {
    this.#open = false;
  }

  onAnswer(answer: AnswerMessage): void {
    const pending = this.#sent.get(answer.re);
    if (!pending) return;
    this.#sent.delete(answer.re);
    if (answer.t === "ok") pending.resolve(answer);
    else pending.reject(new DuologueError(answer.code ?? "bad_message", answer));
    this.#flush();
  }

  /** The link has ended for good. A new client begins at one again. */
  fail(code: string): void {
    const all = [...this.#sent.values(), ...this.#waiting];
    this.#sent.clear();
    this.#waiting = [];
    this.#open = false;
    this.#last = 0;
    for (const pending of all) pending.reject(new DuologueError(code));
  }

  #flush(): void {
    while (this.#open && this.#sent.size < UNANSWERED_MAX) {
      const pending = this.#waiting.shift();
      if (!pending) return;
      const id = ++this.#last;
      this.#sent.set(id, pending);
      this.#send({ ...pending.message, id });
    }
  }
}

function withoutEmpty(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
