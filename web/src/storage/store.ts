/**
 * What a browser keeps of one user of one cluster. `indexed.ts` has it in IndexedDB, where all tabs
 * find it; `memory.ts` where there is none, as in some private modes: then each tab is on its own.
 *
 * What is kept outlives the end of the tab and of the browser. Whether it outlives the power going
 * off a second later is left to the system: the disk is not waited for at each message.
 */

import type { Kept } from "../model/book.ts";
import type { Known } from "../model/continuity.ts";
import type { Key } from "../model/shapes.ts";
import type { Spoken } from "../model/waiting.ts";
import type { Draft, Entry } from "../protocol/messages.ts";
import type { Batch, Extent, Position } from "./ledger.ts";

/** A command that was written down before it was sent. Its number is the second half of its nonce. */
export interface Written {
  readonly number: number;
  readonly draft: Draft;
  /** How it is shown until its entry comes, if it says something. */
  readonly spoken: Omit<Spoken, "number" | "trouble"> | undefined;
  /** Why it was refused; empty while it waits. */
  readonly trouble: string;
}

export interface Loaded {
  readonly kept: Kept;
  readonly drafts: ReadonlyMap<Key, string>;
  /** What the user has chosen in this browser, by name. */
  readonly choices: ReadonlyMap<string, unknown>;
  /** The first half of all nonces of this store: 8 random bytes. */
  readonly prefix: Uint8Array<ArrayBuffer>;
  readonly guest: boolean;
  readonly standing: string;
  /** When the server was last heard, in milliseconds since 1970; 0 for never. */
  readonly heardAtMs: number;
}

/** Whoever leads now: what it writes with an older `term` is not taken. */
export interface Claim {
  readonly term: number;
  readonly position: Position;
}

/** Of one conversation, in order. */
export interface Page {
  readonly entries: readonly Entry[];
  /** What is kept of it in all; undefined for nothing. */
  readonly extent: Extent | undefined;
  /** Up to where each log was known when this was read: nothing that came later is in it. */
  readonly cursors: Known["cursors"];
}

export interface Store {
  /** Others can read what is written here. */
  readonly isShared: boolean;
  load(): Promise<Loaded>;
  claim(): Promise<Claim>;

  /** False if another tab leads meanwhile: then nothing was written. */
  write(term: number, batch: Batch, session: SessionFacts): Promise<boolean>;
  /** Drops the oldest entries of a conversation; the first one that is left. */
  drop(term: number, key: Key, count: number): Promise<number | undefined>;

  /** The last `limit` entries before the sequence. */
  before(key: Key, sequence: number, limit: number): Promise<Page>;
  /** The first `limit` entries from the sequence on. */
  from(key: Key, sequence: number, limit: number): Promise<Page>;
  entry(key: Key, sequence: number): Promise<Entry | undefined>;

  /** Draws the number and keeps the command, in one. */
  say(draft: Draft, spoken: Written["spoken"]): Promise<Written>;
  /** What waits and is newer than that, in order: some of it, `limit` at most, or none if there is none. */
  written(after: number, limit: number): Promise<readonly Written[]>;
  /** What was refused is said again, under a new number; undefined if it is not there any more. */
  again(number: number, atMs: number): Promise<Written | undefined>;
  giveUp(number: number): Promise<void>;

  /** None if `text` is empty. */
  keepDraft(key: Key, text: string): Promise<void>;
  choose(name: string, value: unknown): Promise<void>;

  close(): void;
  /** Forgets all of it, and closes. */
  forget(): Promise<void>;
}

export interface SessionFacts {
  /** When the server was last heard, in milliseconds since 1970. */
  readonly heardAtMs: number;
  /** If there was a login since the last writing. */
  readonly who: Who | undefined;
}

/** What the server has made of the user at the last login. */
export interface Who {
  readonly guest: boolean;
  readonly standing: string;
}
