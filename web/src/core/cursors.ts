/** How far each followed log has come, what is new in it, and what of it the user has read. */

import { CURSORS_MAX, SESSION_REQUESTS_MAX } from "../protocol/limits.ts";
import { endsFollowing } from "../protocol/membership.ts";
import type { Entry, LogState, MarkRead } from "../protocol/messages.ts";

export type Arrival = "next" | "double" | "gap";

/** `known` is where an earlier page stopped, by log. */
export class Cursors {
  readonly marks = new ReadMarks();

  private cursors: Map<string, number>;
  private heads = new Map<string, number>(); // At login: what is not beyond was missed, not live.

  constructor(known: ReadonlyMap<string, number>) {
    this.cursors = new Map(known);
  }

  get followed(): ReadonlySet<string> {
    return new Set(this.cursors.keys());
  }

  forLogin(): Record<string, number> {
    return Object.fromEntries([...this.cursors].slice(0, CURSORS_MAX));
  }

  /** The server's word is final: where its cursor differs, the user left and came back. */
  loggedIn(logs: readonly LogState[]): void {
    const known = this.cursors;
    this.cursors = new Map(logs.map((state) => [state.log, state.cursor]));
    this.heads = new Map(logs.map((state) => [state.log, state.head]));
    for (const log of this.marks.unsentLogs) {
      if (!this.hasMarker(log)) this.marks.drop(log);
    }
    for (const [log, cursor] of this.cursors) {
      // Also the beginning of an empty log: who comes back has missed what was said since.
      if ((known.get(log) ?? -1) < cursor) this.markRead(log, cursor);
    }
  }

  /** Moves the cursor of the entry's log if the entry is the next one; `name` is one's own. */
  take(entry: Entry, name: string): Arrival {
    const cursor = this.cursors.get(entry.log);
    // An entry of a log that is not followed yet begins to follow it: it was joined just there.
    if (cursor !== undefined) {
      if (entry.sequence <= cursor) return "double";
      if (entry.sequence > cursor + 1) return "gap";
    }
    if (endsFollowing(entry, name)) {
      this.cursors.delete(entry.log);
      this.marks.drop(entry.log);
    } else {
      this.cursors.set(entry.log, entry.sequence);
    }
    return "next";
  }

  isMissed(entry: Entry): boolean {
    return entry.sequence <= (this.heads.get(entry.log) ?? 0);
  }

  /** Rooms that are not followed have no marker. */
  markRead(log: string, sequence: number, back = false): void {
    if (this.hasMarker(log)) this.marks.mark(log, sequence, back);
  }

  private hasMarker(log: string): boolean {
    // Conversations have one each, and are in no log of their own.
    return this.cursors.has(log) || log.startsWith("@");
  }
}

// --- Read markers, collected until the server knows them ----------------------------------------
// It is told at most once a second, since each entry that is read moves one.

/** Read markers are collected for so long. */
export const MARK_READ_INTERVAL_S = 1;

/** With `back`, what comes after it is unread again, if it was read. */
interface Mark {
  readonly sequence: number;
  readonly back: boolean;
}

/** Both in one. */
function then(mark: Mark, later: Mark): Mark {
  if (later.back) return later;
  return { sequence: Math.max(mark.sequence, later.sequence), back: mark.back };
}

export class ReadMarks {
  private unsent = new Map<string, Mark>();
  private readonly sent = new Map<number, readonly [log: string, mark: Mark]>();
  private notBefore = 0;

  /** A marker moves back only where that is meant. */
  mark(log: string, sequence: number, back: boolean): void {
    const mark = { sequence, back };
    const before = this.unsent.get(log);
    this.unsent.set(log, before ? then(before, mark) : mark);
  }

  drop(log: string): void {
    this.unsent.delete(log);
  }

  get unsentLogs(): readonly string[] {
    return [...this.unsent.keys()];
  }

  /** When there is something to send. */
  get dueAt(): number {
    return this.unsent.size > 0 ? this.notBefore : Infinity;
  }

  /** As many as may be unanswered; each counts as sent from here on. */
  toSend(now: number, nextId: () => number): readonly MarkRead[] {
    if (this.unsent.size > 0) this.notBefore = now + MARK_READ_INTERVAL_S;
    const free = Math.max(0, SESSION_REQUESTS_MAX - this.sent.size);
    return [...this.unsent].slice(0, free).map(([log, mark]) => {
      const id = nextId();
      this.unsent.delete(log);
      this.sent.set(id, [log, mark]);
      const { sequence, back } = mark;
      return { kind: "mark_read", id, log, sequence, ...(back && { back }) };
    });
  }

  answered(id: number): void {
    this.sent.delete(id);
  }

  /** What is not answered is told again, before what came later. */
  connectionLost(): void {
    const later = this.unsent;
    this.unsent = new Map();
    for (const [log, { sequence, back }] of [...this.sent.values(), ...later]) {
      this.mark(log, sequence, back);
    }
    this.sent.clear();
  }
}
