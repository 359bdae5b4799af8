/** The store in IndexedDB: one database for each user of each cluster. */

import type { State } from "../model/book.ts";
import { NOTHING_KNOWN, type Known } from "../model/continuity.ts";
import type { Key } from "../model/shapes.ts";
import type { Entry } from "../protocol/messages.ts";
import { NONCE_PREFIX_BYTES } from "../protocol/limits.ts";
import type { Draft } from "../protocol/messages.ts";
import { foldedEntry } from "../protocol/message_fold.ts";
import { nextNumber } from "../protocol/nonces.ts";
import { asked, committed, deleted, opened } from "./idb.ts";
import type { Batch, Extent, Op } from "./ledger.ts";
import type { Claim, Loaded, Page, SessionFacts, Store, Who, Written } from "./store.ts";

const VERSION = 1;
const ALL = ["session", "states", "extents", "entries", "outbox", "drafts", "choices"] as const;
type Name = (typeof ALL)[number];

/** An entry by its place. */
interface Row {
  readonly key: Key;
  readonly sequence: number;
  /** The sequence once more, if it is of the inbox: there it is found without its conversation. */
  readonly inbox?: number;
  readonly entry: Entry;
}

/** Under "known", how far the logs are known; under "who" a `Who`; the others are as they say. */
interface Session {
  readonly known: Known;
  readonly who: Who;
  readonly heardAtMs: number;
  readonly term: number;
  readonly prefix: Uint8Array<ArrayBuffer>;
  /** The number of the last command that was written down. */
  readonly number: number;
}

/** What waits to be written down. */
interface ToSay {
  readonly draft: Draft;
  readonly spoken: Written["spoken"];
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

const NOBODY: Who = { guest: true, standing: "guest" };

export function databaseName(cluster: string, name: string): string {
  return `zchat ${cluster} ${name}`;
}

/** Rejects where nothing can be kept. */
export async function openIndexed(cluster: string, name: string): Promise<IndexedStore> {
  const database = await opened(databaseName(cluster, name), VERSION, (made) => {
    for (const each of ["session", "drafts", "choices"]) made.createObjectStore(each);
    made.createObjectStore("states", { keyPath: "key" });
    made.createObjectStore("extents");
    made.createObjectStore("outbox", { keyPath: "number" });
    const entries = made.createObjectStore("entries", { keyPath: ["key", "sequence"] });
    entries.createIndex("inbox", "inbox");
  });
  const store = new IndexedStore(database);
  // A newer page, or one that forgets all of it, is not kept waiting.
  database.onversionchange = () => database.close();
  return store;
}

export class IndexedStore implements Store {
  readonly isShared = true;
  readonly #database: IDBDatabase;
  #toSay: ToSay[] = [];
  #isSaying = false;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  // --- At the start ------------------------------------------------------------------------------

  async load(): Promise<Loaded> {
    const read = this.#begin(["session", "states", "outbox", "drafts", "choices"], "readwrite");
    const prefix =
      (await this.#session(read, "prefix")) ??
      crypto.getRandomValues(new Uint8Array(NONCE_PREFIX_BYTES));
    read.objectStore("session").put(prefix, "prefix");
    const who = (await this.#session(read, "who")) ?? NOBODY;
    const states = (await asked(read.objectStore("states").getAll())) as State[];
    const outbox = (await asked(read.objectStore("outbox").getAll())) as Written[];
    const loaded: Loaded = {
      kept: {
        known: (await this.#session(read, "known")) ?? NOTHING_KNOWN,
        states,
        spoken: outbox.flatMap(({ number, spoken, trouble }) =>
          spoken ? [{ number, trouble, ...spoken }] : [],
        ),
      },
      drafts: (await pairs(read.objectStore("drafts"))) as Map<Key, string>,
      choices: (await pairs(read.objectStore("choices"))) as Map<string, unknown>,
      prefix,
      heardAtMs: (await this.#session(read, "heardAtMs")) ?? 0,
      ...who,
    };
    await committed(read);
    return loaded;
  }

  async claim(): Promise<Claim> {
    const claim = this.#begin(["session", "extents"], "readwrite");
    const term = ((await this.#session(claim, "term")) ?? 0) + 1;
    claim.objectStore("session").put(term, "term");
    const known = (await this.#session(claim, "known")) ?? NOTHING_KNOWN;
    const extents = (await pairs(claim.objectStore("extents"))) as Map<Key, Extent>;
    await committed(claim);
    return { term, position: { known, extents } };
  }

  // --- What the leading tab writes ---------------------------------------------------------------

  async write(term: number, batch: Batch, facts: SessionFacts): Promise<boolean> {
    const write = this.#begin(["session", "states", "extents", "entries", "outbox"], "readwrite");
    const done = committed(write);
    if ((await this.#session(write, "term")) !== term) {
      await done;
      return false;
    }
    const entries = write.objectStore("entries");
    for (const op of batch.ops) await perform(entries, op);
    const session = write.objectStore("session");
    session.put(batch.known, "known");
    session.put(facts.heardAtMs, "heardAtMs");
    if (facts.who) session.put(facts.who, "who");
    for (const state of batch.states) write.objectStore("states").put(state);
    for (const [key, extent] of batch.extents) {
      if (extent) write.objectStore("extents").put(extent, key);
      else write.objectStore("extents").delete(key);
    }
    for (const { number, trouble } of batch.settled) {
      await settle(write.objectStore("outbox"), number, trouble);
    }
    await done;
    return true;
  }

  async drop(term: number, key: Key, count: number): Promise<number | undefined> {
    const write = this.#begin(["session", "extents", "entries"], "readwrite");
    const done = committed(write);
    const entries = write.objectStore("entries");
    let first: number | undefined;
    if ((await this.#session(write, "term")) === term) {
      first = await sequenceAt(entries, key, count);
      const next = first ?? ((await lastBefore(entries, key, Infinity)) ?? 0) + 1;
      entries.delete(IDBKeyRange.bound([key, 0], [key, next], false, true));
      // Else, if this tab ended now, the next one would take the rest for all that there ever was.
      const extents = write.objectStore("extents");
      const extent = await asked<Extent | undefined>(extents.get(key));
      const left = (extent?.entries ?? 0) - count;
      extents.put({ first: next, entries: Math.max(0, left), more: true }, key);
    }
    await done;
    return first;
  }

  // --- What was said -----------------------------------------------------------------------------

  async before(key: Key, sequence: number, limit: number): Promise<Page> {
    const read = this.#begin(["session", "extents", "entries"], "readonly");
    const { cursors } = (await this.#session(read, "known")) ?? NOTHING_KNOWN;
    const extent = await asked<Extent | undefined>(read.objectStore("extents").get(key));
    if (!extent?.entries) return { entries: [], extent, cursors };
    const entries = read.objectStore("entries");
    // There is no reading backwards at once. Sequences have few gaps in rooms, and many in private.
    const last = await lastBefore(entries, key, sequence);
    if (last === undefined) return { entries: [], extent, cursors };
    for (let width = limit * 2; ; width *= 8) {
      const from = Math.max(0, last - width);
      const range = IDBKeyRange.bound([key, from], [key, last]);
      const rows = (await asked(entries.getAll(range))) as Row[];
      if (rows.length >= limit || from <= extent.first) {
        return { entries: rows.slice(-limit).map((row) => row.entry), extent, cursors };
      }
    }
  }

  async from(key: Key, sequence: number, limit: number): Promise<Page> {
    const read = this.#begin(["session", "extents", "entries"], "readonly");
    const { cursors } = (await this.#session(read, "known")) ?? NOTHING_KNOWN;
    const extent = await asked<Extent | undefined>(read.objectStore("extents").get(key));
    const range = IDBKeyRange.bound([key, sequence], [key, Infinity]);
    const rows = (await asked(read.objectStore("entries").getAll(range, limit))) as Row[];
    return { entries: rows.map((row) => row.entry), extent, cursors };
  }

  async entry(key: Key, sequence: number): Promise<Entry | undefined> {
    const read = this.#begin(["entries"], "readonly");
    const row = await asked<Row | undefined>(read.objectStore("entries").get([key, sequence]));
    return row?.entry;
  }

  // --- What is to be sent ------------------------------------------------------------------------

  /** What is said while something else is written down is written down together. */
  say(draft: Draft, spoken: Written["spoken"]): Promise<Written> {
    return new Promise((resolve, reject) => {
      this.#toSay.push({ draft, spoken, resolve, reject });
      if (this.#toSay.length === 1 && !this.#isSaying) void this.#sayAll();
    });
  }

  async #sayAll(): Promise<void> {
    this.#isSaying = true;
    while (this.#toSay.length) {
      const said = this.#toSay;
      this.#toSay = [];
      try {
        const write = this.#begin(["session", "outbox"], "readwrite");
        const done = committed(write);
        const written: Written[] = [];
        for (const { draft, spoken } of said) written.push(await this.#say(write, draft, spoken));
        await done;
        for (const [at, { resolve }] of said.entries()) resolve(written[at] as Written);
      } catch (error) {
        for (const { reject } of said) reject(error);
      }
    }
    this.#isSaying = false;
  }

  async written(after: number, limit: number): Promise<readonly Written[]> {
    const read = this.#begin(["outbox"], "readonly");
    for (let last = after; ;) {
      const range = IDBKeyRange.lowerBound(last, true);
      const all = (await asked(read.objectStore("outbox").getAll(range, limit))) as Written[];
      const waiting = all.filter(({ trouble }) => !trouble);
      if (waiting.length || all.length < limit) return waiting;
      last = all.at(-1)?.number ?? last;
    }
  }

  async again(number: number, atMs: number): Promise<Written | undefined> {
    const write = this.#begin(["session", "outbox"], "readwrite");
    const done = committed(write);
    const outbox = write.objectStore("outbox");
    const former = await asked<Written | undefined>(outbox.get(number));
    let written: Written | undefined;
    if (former?.trouble) {
      outbox.delete(number);
      const spoken = former.spoken && { ...former.spoken, atMs };
      written = await this.#say(write, former.draft, spoken);
    }
    await done;
    return written;
  }

  async giveUp(number: number): Promise<void> {
    const write = this.#begin(["outbox"], "readwrite");
    write.objectStore("outbox").delete(number);
    await committed(write);
  }

  async #say(write: IDBTransaction, draft: Draft, spoken: Written["spoken"]): Promise<Written> {
    const number = nextNumber((await this.#session(write, "number")) ?? 0, Date.now());
    write.objectStore("session").put(number, "number");
    const written: Written = { number, draft, spoken, trouble: "" };
    write.objectStore("outbox").put(written);
    return written;
  }

  // --- What the user types and chooses -----------------------------------------------------------

  async keepDraft(key: Key, text: string): Promise<void> {
    const write = this.#begin(["drafts"], "readwrite");
    if (text) write.objectStore("drafts").put(text, key);
    else write.objectStore("drafts").delete(key);
    await committed(write);
  }

  async choose(name: string, value: unknown): Promise<void> {
    const write = this.#begin(["choices"], "readwrite");
    write.objectStore("choices").put(value, name);
    await committed(write);
  }

  close(): void {
    this.#database.close();
  }

  async forget(): Promise<void> {
    this.#database.close();
    await deleted(this.#database.name);
  }

  #begin(stores: readonly Name[], mode: IDBTransactionMode): IDBTransaction {
    return this.#database.transaction([...stores], mode, { durability: "relaxed" });
  }

  async #session<K extends keyof Session>(
    transaction: IDBTransaction,
    name: K,
  ): Promise<Session[K] | undefined> {
    return asked<Session[K] | undefined>(transaction.objectStore("session").get(name));
  }
}

// --- Inside a transaction ------------------------------------------------------------------------

async function perform(entries: IDBObjectStore, op: Op): Promise<void> {
  switch (op.op) {
    case "put":
      entries.put(rowOf(op.key, op.entry));
      break;
    case "amend": {
      if (!("sequence" in op.by.body)) break;
      const { sequence } = op.by.body;
      const found: Row | undefined = await (op.key === undefined
        ? asked(entries.index("inbox").get(sequence))
        : asked(entries.get([op.key, sequence])));
      const became = found && foldedEntry(found.entry, op.by);
      if (became && became !== found.entry) entries.put({ ...found, entry: became });
      break;
    }
    case "forget":
      entries.delete(wholeOf(op.key));
      break;
    case "forget_all":
      entries.clear();
  }
}

function rowOf(key: Key, entry: Entry): Row {
  const { sequence } = entry;
  return entry.log.startsWith("@")
    ? { key, sequence, inbox: sequence, entry }
    : { key, sequence, entry };
}

async function settle(outbox: IDBObjectStore, number: number, trouble: string): Promise<void> {
  const written = trouble ? await asked<Written | undefined>(outbox.get(number)) : undefined;
  // What was refused is for the person to say again, if it said something; else it is told once.
  if (written?.spoken) outbox.put({ ...written, trouble });
  else outbox.delete(number);
}

/** The last sequence that is kept before that one. */
async function lastBefore(
  entries: IDBObjectStore,
  key: Key,
  sequence: number,
): Promise<number | undefined> {
  const range = IDBKeyRange.bound([key, 0], [key, sequence], false, true);
  const cursor = await asked(entries.openKeyCursor(range, "prev"));
  return cursor ? (cursor.primaryKey as [Key, number])[1] : undefined;
}

/** That of the entry after the first `count`. */
async function sequenceAt(
  entries: IDBObjectStore,
  key: Key,
  count: number,
): Promise<number | undefined> {
  const request = entries.openKeyCursor(wholeOf(key));
  let cursor = await asked(request);
  if (cursor && count > 0) {
    cursor.advance(count);
    cursor = await asked(request);
  }
  return cursor ? (cursor.primaryKey as [Key, number])[1] : undefined;
}

function wholeOf(key: Key): IDBKeyRange {
  return IDBKeyRange.bound([key, 0], [key, Infinity]);
}

async function pairs(store: IDBObjectStore): Promise<Map<IDBValidKey, unknown>> {
  const [keys, values] = await Promise.all([asked(store.getAllKeys()), asked(store.getAll())]);
  return new Map(keys.map((key, index) => [key, values[index] as unknown]));
}
