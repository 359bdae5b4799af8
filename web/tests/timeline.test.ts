/** The open conversation where the store does not have all that has come. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { OpenTimeline } from "../src/client/timeline.ts";
import { Book, NOTHING_KEPT } from "../src/model/book.ts";
import type { Key } from "../src/model/shapes.ts";
import type { Entry, History } from "../src/protocol/messages.ts";
import { Ledger } from "../src/storage/ledger.ts";
import { MemoryStore } from "../src/storage/memory.ts";
import { begun, entry, state } from "./reading.ts";

const LOGS = [state("#den", 0, 0), state("@ann", 0, 0)];

/** So much has come; the first `written` of that are in the store, and all with the server. */
async function opened(key: Key, log: string, count: number, written: number): Promise<string[]> {
  const store = new MemoryStore();
  const { term, position } = await store.claim();
  const ledger = new Ledger("ann", position);
  const book = new Book("ann", NOTHING_KEPT);
  const all = Array.from({ length: count }, (_, at) => entry(log, at + 1, `${at + 1}`));
  for (const [at, news] of [
    begun(LOGS),
    ...all.map((each) => ({ type: "entry", entry: each, missed: false }) as const),
  ].entries()) {
    book.apply(news, 0);
    if (at <= written) ledger.hear(news);
  }
  await store.write(term, ledger.take([]), { heardAtMs: 1, who: undefined });
  const history = async (_: Key, before: number | undefined, limit: number): Promise<History> => {
    const older = all.filter(({ sequence }) => sequence < (before ?? Infinity));
    const entries = older.slice(-limit);
    return { kind: "history", id: 1, log: key, entries, more: older.length > entries.length };
  };
  const timeline = new OpenTimeline({
    store,
    book: () => book,
    history,
    committed: () => Promise.resolve(),
    changed: () => undefined,
  });
  await timeline.open(key);
  while (timeline.window.moreBefore) await timeline.loadOlder();
  return timeline.window.entries.map(({ body }: Entry) => ("text" in body ? body.text : ""));
}

for (const [key, log] of [
  ["#den", "#den"],
  ["@bob", "@ann"],
] as const) {
  for (const written of [0, 30, 250]) {
    test(`${key}: of 250 that have come nothing is missing where ${written} are kept`, async () => {
      const shown = await opened(key, log, 250, written);
      assert.deepEqual(
        shown,
        Array.from({ length: 250 }, (_, at) => `${at + 1}`),
      );
    });
  }
}
