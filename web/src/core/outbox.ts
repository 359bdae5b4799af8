/** Requests without an answer yet: sent, and sent again, so that none is lost or overtaken. */

import { CLIENT_QUEUE_MAX, CLIENT_RETRY_S, SESSION_REQUESTS_MAX } from "../protocol/limits.ts";
import { isCommand } from "../protocol/messages.ts";
import type {
  DeleteAccount,
  Draft,
  LogOutEverywhere,
  Request,
  RevokeDevice,
} from "../protocol/messages.ts";
import { nonce, numberOf } from "../protocol/nonces.ts";

/** Once it is done there is no session any more. */
export type Parting = LogOutEverywhere | DeleteAccount;

export function isParting(request: Request): request is Parting {
  return request.kind === "log_out_everywhere" || request.kind === "delete_account";
}

/** Too many requests wait for an answer; the text says how many. */
export class QueueFull extends Error {}

/** A command that has a nonce keeps that: it was drawn when the command was kept, in this page or in
 * an earlier one, and may have been sent by it. */
export type Submitted = Draft & { readonly nonce?: Uint8Array };

/**
 * Keeps every request from its submission to its answer, in order.
 *
 * Requests are sent in the order of their ids, and a command that must be repeated takes all later
 * unanswered commands with it: the server knows them by their nonces, so repeating costs little, and
 * nothing can overtake.
 */
export class Outbox {
  /** When the postponed ones are due again, in the core's seconds. */
  retryAt: number | undefined;

  private id = 0;
  private readonly sentNow = new Map<number, Request>(); // On this connection, oldest first.
  private waiting: Request[] = []; // Oldest first; all later than what was sent.
  private readonly postponed = new Set<number>(); // Sent, and told "not now" by the server.
  private readonly delayed = new Set<number>(); // Those of which the application was told so.
  private holding = false;

  /** `number` is that of the last nonce of this prefix, by whichever page it was drawn. */
  constructor(
    private readonly noncePrefix: Uint8Array,
    private number = 0,
  ) {}

  get length(): number {
    return this.sentNow.size + this.waiting.length;
  }

  /** How many of them were to change something; with an unanswered query nothing is lost. */
  get commands(): number {
    return [...this.sentNow.values(), ...this.waiting].filter((each) => isCommand(each)).length;
  }

  nextId(): number {
    this.id += 1;
    return this.id;
  }

  /** Numbers the draft, and keeps it. Throws `QueueFull`. */
  add(draft: Submitted): Request {
    if (this.length >= CLIENT_QUEUE_MAX) {
      const count = this.length.toLocaleString("en");
      throw new QueueFull(`${count} requests are not answered yet; wait for some of them`);
    }
    const id = this.nextId();
    const request = { ...draft, id, ...(isCommand(draft) && { nonce: this.nonceOf(draft) }) };
    this.waiting.push(request as Request);
    return request as Request;
  }

  /** What may be sent now, in order; it counts as sent from here on. */
  toSend(): readonly Request[] {
    if (this.holding) return [];
    // With more of them unanswered a gateway reads nothing from us, not even a ping.
    const batch = this.waiting.splice(0, Math.max(0, SESSION_REQUESTS_MAX - this.sentNow.size));
    for (const request of batch) this.sentNow.set(request.id, request);
    return batch;
  }

  sent(id: number): Request | undefined {
    return this.sentNow.get(id);
  }

  /** It is answered for good. */
  settle(id: number): void {
    this.sentNow.delete(id);
    this.delayed.delete(id);
    this.postponed.delete(id);
    if (this.postponed.size === 0) this.retryOver();
  }

  /**
   * It is to be repeated later; with `hold` nothing newer is sent before. True if the application
   * should hear of it, which is the first time only.
   */
  postpone(id: number, now: number, hold: boolean): boolean {
    this.postponed.add(id);
    this.holding ||= hold;
    this.retryAt ??= now + CLIENT_RETRY_S;
    const isNews = !this.delayed.has(id);
    this.delayed.add(id);
    return isNews;
  }

  tick(now: number): void {
    if (this.retryAt === undefined || now < this.retryAt) return;
    const first = Math.min(...this.postponed);
    const again = [...this.sentNow.values()].filter((each) => each.id >= first && isCommand(each));
    for (const request of again) this.sentNow.delete(request.id);
    this.waiting = [...again, ...this.waiting];
    this.retryOver();
  }

  /** Everything without an answer is sent again on the next connection, oldest first. */
  connectionLost(): void {
    this.waiting = [...this.sentNow.values(), ...this.waiting];
    this.sentNow.clear();
    this.retryOver();
  }

  /** The oldest command without an answer that may have ended the session, if there is one. */
  takeParting(): Parting | RevokeDevice | undefined {
    const found = this.waiting.find(
      (each): each is Parting | RevokeDevice => isParting(each) || each.kind === "revoke_device",
    );
    if (found) this.waiting.splice(this.waiting.indexOf(found), 1);
    return found;
  }

  private nonceOf(draft: { readonly nonce?: Uint8Array }): Uint8Array {
    if (draft.nonce) {
      // What is drawn here later comes after it.
      this.number = Math.max(this.number, numberOf(draft.nonce, this.noncePrefix) ?? 0);
      return draft.nonce;
    }
    this.number = Math.max(this.number + 1, this.id);
    return nonce(this.noncePrefix, this.number);
  }

  private retryOver(): void {
    this.postponed.clear();
    this.holding = false;
    this.retryAt = undefined;
  }
}
