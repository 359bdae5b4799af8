/** When a server that says nothing counts as gone, and how long its answers take. */

import {
  CLIENT_ANSWER_SILENCE_S,
  CLIENT_RETRY_AFTER_S_MAX,
  CLIENT_SILENCE_S,
} from "../protocol/limits.ts";
import type { ClientMessage } from "../protocol/messages.ts";

/** How long a server has for its answer when the page wakes up: somebody is looking, and a socket
 * that says that it is open may be dead for an hour. */
export const WAKE_ANSWER_S = 3;

/**
 * A broken connection may look like a quiet one for ever; only the clock tells them apart. A server
 * that owes an answer is gone sooner.
 */
export class Silence {
  private heardAt = 0;
  private owedSince: number | undefined; // Since when, at least, something is unanswered and nothing was heard.
  private deaf = false;
  private excusedUntil = 0;
  private wakeUntil: number | undefined;

  /** The server has said something, or the connection has just been made. */
  heard(now: number): void {
    this.heardAt = now;
    this.wakeUntil = undefined;
    if (this.owedSince !== undefined) this.owedSince = now;
  }

  /** Whether the server owes an answer. */
  owes(now: number, owing: boolean): void {
    this.owedSince = owing ? (this.owedSince ?? now) : undefined;
  }

  /** The server has said that it answers nothing before then. */
  excuse(until: number): void {
    this.excusedUntil = Math.min(until, this.heardAt + CLIENT_RETRY_AFTER_S_MAX);
  }

  /** We read no more for a while: silence says nothing about the server now. */
  stopListening(): void {
    this.deaf = true;
  }

  listen(now: number): void {
    this.deaf = false;
    this.excusedUntil = 0;
    this.heard(now);
  }

  /** While we slept nothing could be heard, so that the silence begins now; but it is a short one.
   * False if it has begun already. */
  wake(now: number): boolean {
    if (this.wakeUntil !== undefined) return false;
    this.heard(now);
    this.wakeUntil = Math.max(now, this.excusedUntil) + WAKE_ANSWER_S;
    return true;
  }

  /** When the server is gone if nothing is heard until then; undefined if we do not listen. */
  get goneAt(): number | undefined {
    if (this.deaf) return undefined;
    const quietUntil = Math.max(this.heardAt, this.excusedUntil) + CLIENT_SILENCE_S;
    const owedUntil =
      this.owedSince === undefined
        ? Infinity
        : Math.max(this.owedSince, this.excusedUntil) + CLIENT_ANSWER_SILENCE_S;
    return Math.min(quietUntil, owedUntil, this.wakeUntil ?? Infinity);
  }
}

/** Measured by every ping that goes there anyway. */
export class Latency {
  /** What the last ping on this connection took; undefined before its first answer. */
  seconds: number | undefined;

  private readonly sentAt = new Map<number, number>();

  sent(message: ClientMessage, now: number): void {
    if (message.kind === "ping" && (message.target ?? "gateway") === "gateway") {
      this.sentAt.set(message.id, now);
    }
  }

  answered(id: number, now: number): void {
    const sentAt = this.sentAt.get(id);
    if (sentAt === undefined) return;
    this.sentAt.delete(id);
    this.seconds = now - sentAt;
  }

  connectionLost(): void {
    this.seconds = undefined;
    this.sentAt.clear();
  }
}
