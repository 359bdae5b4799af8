/** The store where nothing can be kept: all of it is gone with the tab, and no other tab sees it. */

import type { State } from "../model/book.ts";
import { NOTHING_KNOWN, type Known } from "../model/continuity.ts";
import type { Key } from "../model/shapes.ts";
import { NONCE_PREFIX_BYTES } from "../protocol/limits.ts";
import type { Draft, Entry } from "../protocol/messages.ts";
import { foldedEntry } from "../protocol/message_fold.ts";
import { nextNumber } from "../protocol/nonces.ts";
import type { Batch, Extent, Op } from "./ledger.ts";
import type { Claim, Loaded, Page, SessionFacts, Store, Who, Written } from "./store.ts";

export class MemoryStore implements Store {
  readonly isShared = false;
  readonly #prefix = crypto.getRandomValues(new Uint8Array(NONCE_PREFIX_BYTES));
  readonly #states = new Map<Key, State>();
  readonly #extents = new Map<Key, Extent>();
  /** By conversation, each in order. */
  readonly #entries = new Map<Key, Entry[]>();
  readonly #outbox = new Map<number, Written>();
  readonly #drafts = new Map<Key, string>();
  readonly #choices = new Map<string, unknown>();
  #known: Known = NOTHING_KNOWN;
  #who: Who = { guest: true, standing: "guest" };
  #term = 0;
  #number = 0;

  async load(): Promise<Loaded> {
    const spoken = [...this.#outbox.values()].flatMap(({ number, spoken, trouble }) =>
      spoken ? [{ number, trouble, ...spoken }] : [],
    );
    return {
      kept: { known: this.#known, states: [...this.#states.values()], spoken },
      drafts: new Map(this.#drafts),
      choices: new Map(this.#choices),
      prefix: this.#prefix,
      heardAtMs: 0,
      ...this.#who,
    };
  }

  async claim(): Promise<Claim> {
    this.#term += 1;
    return { term: this.#term, position: { known: this.#known, extents: this.#extents } };
  }

  async write(term: number, batch: Batch, { who }: SessionFacts): Promise<boolean> {
    if (term !== this.#term) return false;
    for (const op of batch.ops) this.#perform(op);
    this.#known = batch.known;
    if (who) this.#who = who;
    for (const state of batch.states) this.#states.set(state.key, state);
    for (const [key, extent] of batch.extents) {
      if (extent) this.#extents.set(key, extent);
      else this.#extents.delete(key);
    }
    for (const { number, trouble } of batch.settled) {
      const written = this.#outbox.get(number);
      if (trouble && written?.spoken) this.#outbox.set(number, { ...written, trouble });
      else this.#outbox.delete(number);
    }
    return true;
  }

  async drop(_term: number, key: Key, count: number): Promise<number | undefined> {
    const all = this.#entries.get(key) ?? [];
    const left = all.slice(count);
    const first = left[0]?.sequence;
    this.#entries.set(key, left);
    const next = first ?? (all.at(-1)?.sequence ?? 0) + 1;
    this.#extents.set(key, { first: next, entries: left.length, more: true });
    return first;
  }

  async before(key: Key, sequence: number, limit: number): Promise<Page> {
    const all = this.#entries.get(key) ?? [];
    const entries = all.filter((entry) => entry.sequence < sequence).slice(-limit);
    return { entries, extent: this.#extents.get(key), cursors: this.#known.cursors };
  }

  async from(key: Key, sequence: number, limit: number): Promise<Page> {
    const all = this.#entries.get(key) ?? [];
    const entries = all.filter((entry) => entry.sequence >= sequence).slice(0, limit);
    return { entries, extent: this.#extents.get(key), cursors: this.#known.cursors };
  }

  async entry(key: Key, sequence: number): Promise<Entry | undefined> {
    return this.#entries.get(key)?.find((entry) => entry.sequence === sequence);
  }

  async say(draft: Draft, spoken: Written["spoken"]): Promise<Written> {
    this.#number = nextNumber(this.#number, Date.now());
    const written: Written = { number: this.#number, draft, spoken, trouble: "" };
    this.#outbox.set(written.number, written);
    return written;
  }

  async written(after: number, limit: number): Promise<readonly Written[]> {
    const all = [...this.#outbox.values()];
    return all.filter((each) => each.number > after && !each.trouble).slice(0, limit);
  }

  async again(number: number, atMs: number): Promise<Written | undefined> {
    const former = this.#outbox.get(number);
    if (!former?.trouble) return undefined;
    this.#outbox.delete(number);
    return this.say(former.draft, former.spoken && { ...former.spoken, atMs });
  }

  async giveUp(number: number): Promise<void> {
    this.#outbox.delete(number);
  }

  async keepDraft(key: Key, text: string): Promise<void> {
    if (text) this.#drafts.set(key, text);
    else this.#drafts.delete(key);
  }

  async choose(name: string, value: unknown): Promise<void> {
    this.#choices.set(name, value);
  }

  close(): void {}

  async forget(): Promise<void> {}

  #perform(op: Op): void {
    switch (op.op) {
      case "put": {
        const entries = this.#entries.get(op.key) ?? [];
        const index = entries.findIndex((each) => each.sequence >= op.entry.sequence);
        if (index === -1) entries.push(op.entry);
        else {
          const isThere = entries[index]?.sequence === op.entry.sequence;
          entries.splice(index, isThere ? 1 : 0, op.entry);
        }
        this.#entries.set(op.key, entries);
        break;
      }
      case "amend": {
        if (!("sequence" in op.by.body)) break;
        const { sequence } = op.by.body;
        const keys = op.key === undefined ? this.#inboxKeys() : [op.key];
        for (const entries of keys.map((key) => this.#entries.get(key) ?? [])) {
          const index = entries.findIndex((each) => each.sequence === sequence);
          const message = entries[index];
          if (message) entries[index] = foldedEntry(message, op.by);
        }
        break;
      }
      case "forget":
        this.#entries.delete(op.key);
        break;
      case "forget_all":
        this.#entries.clear();
    }
  }

  #inboxKeys(): Key[] {
    return [...this.#entries.keys()].filter((key) => key.startsWith("@"));
  }
}
