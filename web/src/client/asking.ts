/**
 * What this tab has asked for, until it is answered, whichever tab leads meanwhile. What may wait for
 * long is written in the outbox; the rest is asked again of each tab that comes to lead, and its
 * nonce sees to it that nothing is done twice.
 */

import { RefusedError } from "../chat.ts";
import type { By } from "../model/news.ts";
import { NONCE_PREFIX_BYTES } from "../protocol/limits.ts";
import { isCommand, type Answer, type Draft } from "../protocol/messages.ts";
import { nonce } from "../protocol/nonces.ts";
import { words } from "../text/text.ts";
import type { Asked } from "./tabs.ts";

interface Call {
  /** Undefined for what the outbox has. */
  readonly asked: Asked | undefined;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class Asking {
  readonly #tab: string;
  readonly #send: (call: number, asked: Asked) => void;
  readonly #noncePrefix = crypto.getRandomValues(new Uint8Array(NONCE_PREFIX_BYTES));
  #nonceNumber = 0;
  #call = 0;
  readonly #calls = new Map<number, Call>();
  /** By their numbers in the outbox. */
  readonly #written = new Map<number, Call>();

  /** `tab` is this one; `send` hands a request to the tab that leads. */
  constructor(tab: string, send: (call: number, asked: Asked) => void) {
    this.#tab = tab;
    this.#send = send;
  }

  /** Asked of the server by whoever leads, without being written down. */
  ask(draft: Draft): Promise<Answer> {
    return new Promise((resolve, reject) => this.#ask(draft, { resolve, reject }));
  }

  /** The same; the number is that of a message that could not be written down. */
  say(draft: Draft, settle: (answer: Answer) => void): number {
    return -this.#ask(draft, { resolve: settle, reject: () => undefined });
  }

  /** Until what is in the outbox under this number is answered. */
  answerTo(number: number): Promise<Answer> {
    return new Promise((resolve, reject) =>
      this.#written.set(number, { asked: undefined, resolve, reject }),
    );
  }

  answered(by: By, answer: Answer): void {
    const [calls, number] =
      "number" in by
        ? ([this.#written, by.number] as const)
        : ([this.#calls, by.tab === this.#tab ? by.call : 0] as const);
    calls.get(number)?.resolve(answer);
    calls.delete(number);
  }

  /** Another tab leads now. */
  again(): void {
    for (const [call, { asked }] of this.#calls) if (asked) this.#send(call, asked);
  }

  /** Nobody will answer any more. */
  end(): void {
    const ended = new RefusedError("session_ended", words("chat.over"), 0);
    for (const { reject } of [...this.#calls.values(), ...this.#written.values()]) reject(ended);
    this.#calls.clear();
    this.#written.clear();
  }

  #ask(draft: Draft, call: Pick<Call, "resolve" | "reject">): number {
    this.#call += 1;
    const asked: Asked = isCommand(draft) ? { ...draft, nonce: this.#nextNonce() } : draft;
    this.#calls.set(this.#call, { asked, ...call });
    this.#send(this.#call, asked);
    return this.#call;
  }

  #nextNonce(): Uint8Array {
    this.#nonceNumber += 1;
    return nonce(this.#noncePrefix, this.#nonceNumber);
  }
}
