import assert from "node:assert/strict";
import { test } from "node:test";

import { OpenTimeline } from "../src/client/timeline.ts";
import { Book } from "../src/model/book.ts";
import type { Entry } from "../src/protocol/messages.ts";
import { MemoryStore } from "../src/storage/memory.ts";
import { entry } from "./reading.ts";

/** A room of which nothing is kept, and of which the server has this. */
async function opened(kept: readonly Entry[]): Promise<OpenTimeline> {
  const book = new Book("ann");
  const timeline = new OpenTimeline({
    store: new MemoryStore(),
    book: () => book,
    history: async () => ({ kind: "history", id: 0, log: "#den", entries: kept, more: false }),
    committed: async () => undefined,
    changed: () => undefined,
  });
  await timeline.open("#den");
  timeline.items();
  timeline.read();
  return timeline;
}

const said = (sequence: number): Entry => entry("#den", sequence, `${sequence}`);
const between = (first: number, last: number): Entry[] =>
  Array.from({ length: last - first + 1 }, (_, at) => said(first + at));

function hear(timeline: OpenTimeline, entries: readonly Entry[]): void {
  for (const each of entries) timeline.hear({ type: "entry", entry: each, missed: true });
}

test("whoever has read all that was drawn is at the end, however much comes at once", async () => {
  const timeline = await opened(between(1, 150));
  hear(timeline, between(151, 5000));
  assert.equal(timeline.window.followsEnd, true);
  assert.equal(timeline.window.entries.at(-1)?.sequence, 5000);
});

test("what was drawn and is not read yet stays when more comes", async () => {
  const timeline = await opened(between(1, 150));
  for (let first = 151; first < 1000; first += 50) {
    hear(timeline, between(first, first + 49));
    timeline.items();
  }
  assert.equal(timeline.window.followsEnd, false);
  assert.equal(timeline.window.entries[0]?.sequence, 1);
});
