/** Connecting again, and after which refusals not. */

import {
  CLIENT_RECONNECT_S,
  CLIENT_RECONNECT_S_MAX,
  CLIENT_RETRY_AFTER_S_MAX,
} from "../protocol/limits.ts";
import type { RefusalCode, Refused } from "../protocol/messages.ts";

/** Up to this share of a wait is left to chance, so that a crowd does not come back as one. */
const JITTER = 0.5;

const TOKEN_REVOKED = "this client has been logged out: the server knows its token no more";

const TRY_AGAIN: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  "busy",
  "unavailable",
  "timed_out",
  // A client has one connection at a time, so what was taken for a newer one is a login of its own
  // that was delayed on its way through another gateway.
  "session_ended",
]);

/** Our own former session may still hold the name or the place, or is why we must wait. */
const TRY_AGAIN_TO_RESUME: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  ...TRY_AGAIN,
  "name_in_use",
  "limit_reached",
  "too_fast",
]);

/** Repeating what led to these would lead to them again. */
const CONNECTION_OVER: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  "malformed",
  "unsupported_version",
  "not_logged_in",
  // Whoever is put out is not let in again: the person has to read why, and until when.
  "banned",
  "suspended",
  "guests_not_allowed",
]);

/** Whether the refusal of a login, or of a whole connection, is the server's last word. */
export function endsClient(refused: Refused, loggingIn: boolean, resuming: boolean): boolean {
  if (!loggingIn) return CONNECTION_OVER.has(refused.code);
  // Other programs of the account have all the places, and one of them is free again soon.
  if (refused.code === "limit_reached" && refused.retry_after_ms > 0) return false;
  return !(resuming ? TRY_AGAIN_TO_RESUME : TRY_AGAIN).has(refused.code);
}

/** The same in words that fit a client that was logged in a moment ago. */
export function lastWord(refused: Refused, resuming: boolean): Refused {
  const isRevoked = resuming && refused.code === "password_required";
  return isRevoked ? { ...refused, reason: TOKEN_REVOKED } : refused;
}

/** The waits between attempts: doubling up to a bound, begun anew after each login. */
export class Reconnect {
  attempt = 0;
  dueAt = -Infinity;

  private waitS = CLIENT_RECONNECT_S;
  private atOnce = false;
  private leastS = 0;
  private notBefore = -Infinity; // As the server has said it.

  loggedIn(): void {
    this.waitS = CLIENT_RECONNECT_S;
  }

  /** The next wait is left out: nothing is wrong with the server. */
  wantAtOnce(): void {
    this.atOnce = true;
  }

  /** The server has said how long the next wait is. */
  waitAtLeast(seconds: number): void {
    this.leastS = Math.min(seconds, CLIENT_RETRY_AFTER_S_MAX);
  }

  disconnected(now: number, jitter: number): void {
    this.attempt += 1;
    if (this.atOnce) {
      this.atOnce = false;
      this.dueAt = now;
    } else {
      this.dueAt = now + this.waitS * (1 - JITTER * jitter);
      this.waitS = Math.min(2 * this.waitS, CLIENT_RECONNECT_S_MAX);
    }
    if (this.leastS > 0) {
      // Later than that by chance, as the others that were told so.
      const laterS = Math.min(this.leastS * JITTER, CLIENT_RECONNECT_S_MAX) * jitter;
      this.notBefore = now + this.leastS + laterS;
      this.dueAt = Math.max(this.dueAt, this.notBefore);
      this.leastS = 0;
    }
  }

  /** Somebody is looking again, or the network is back: the present wait is over, unless the server
   * has asked for it. */
  hurry(now: number): void {
    this.waitS = CLIENT_RECONNECT_S;
    this.dueAt = Math.min(this.dueAt, Math.max(now, this.notBefore));
  }
}
