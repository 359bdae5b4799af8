import assert from "node:assert/strict";
import { test } from "node:test";

import { conversationOf } from "../src/model/entries.ts";
import { Book } from "../src/model/book.ts";
import {
  amended,
  appended,
  emptyWindow,
  extended,
  Items,
  prepended,
  timelineOf,
  WINDOW_ITEMS,
} from "../src/model/window.ts";
import type { Entry } from "../src/protocol/messages.ts";
import { entry } from "./reading.ts";

const page = (first: number, last: number): Entry[] =>
  Array.from({ length: last - first + 1 }, (_, at) => entry("#den", first + at, `${first + at}`));
const ends = ({ entries }: { entries: readonly Entry[] }) => [
  entries[0]?.sequence,
  entries.at(-1)?.sequence,
];
const full = prepended(emptyWindow("#den"), page(101, 100 + WINDOW_ITEMS), true);

test("at the end the oldest make room for what comes", () => {
  const window = appended(full, entry("#den", 501, "new"), true);
  assert.deepEqual(ends(window), [102, 501]);
  assert.equal(window.followsEnd, true);
});

test("nothing is taken from under the eyes of who reads further up", () => {
  const window = appended(full, entry("#den", 501, "new"), false);
  assert.deepEqual(ends(window), [101, 500]);
  assert.equal(window.followsEnd, false);
  assert.equal(timelineOf(window, [], 501).newer, 1);
});

test("what is loaded above is dropped below, and found there again", () => {
  const up = prepended(full, page(1, 100), false);
  assert.deepEqual(ends(up), [1, 400]);
  assert.equal(timelineOf(up, [], 500).newer, 100);
  const down = extended(up, page(401, 500), true);
  assert.deepEqual(ends(down), [101, 500]);
  assert.equal(down.moreBefore, true);
});

test("what comes twice is shown once", () => {
  const window = appended(full, entry("#den", 500, "500"), true);
  assert.equal(window, full);
  assert.deepEqual(ends(extended(full, page(450, 500), true)), [101, 500]);
});

test("a change makes one other item, and leaves all others what they are", () => {
  const book = new Book("ann");
  const items = new Items();
  const before = items.of(full, book.waiting, book);
  const by = entry("#den", 501, { kind: "reaction_added", sequence: 300, emoji: "+1" });
  const window = amended(full, by);
  const after = items.of(window, book.waiting, book);
  const changed = after.flatMap((item, at) => (item === before[at] ? [] : [item.sequence]));
  assert.deepEqual(changed, [300]);
  assert.equal(amended(window, by), window, "it has come already");
});

test("what waits stands at the end, where the end is shown", () => {
  const book = new Book("ann");
  book.say({ number: 3, key: "#den", text: "/me waves", replyTo: 0, atMs: 1, trouble: "" });
  const items = new Items();
  const last = items.of(full, book.waiting, book).at(-1);
  assert.deepEqual(last?.type === "said" && [last.row, last.text, last.isAction, last.delivery], [
    "w3",
    "waves",
    true,
    "pending",
  ]);
  const up = prepended(full, page(1, 100), false);
  assert.equal(items.of(up, book.waiting, book).at(-1)?.sequence, 400);
});

test("a private message belongs to whom it is with, whoever has said it", () => {
  const body = {
    kind: "private_message_sent",
    to: "cat",
    text: "x",
    reply_to: 0,
    twin: 0,
  } as const;
  const own = entry("@ann", 1, { ...body, bot: false }, "ann");
  assert.equal(conversationOf(own, "ann"), "@cat");
  assert.equal(conversationOf(entry("@ann", 2, "hello"), "ann"), "@bob");
  const gone = entry("@ann", 3, { kind: "message_deleted", sequence: 1, reason: "" }, "ann");
  assert.equal(conversationOf(gone, "ann"), undefined, "only the message says so");
});
