import assert from "node:assert/strict";
import { test } from "node:test";

import type { Entry } from "../src/protocol/messages.ts";
import type { Happened, Item, Said, Timeline } from "../src/model/shapes.ts";
import { GROUP_MS, rowsOf, waysOf, type Row } from "../src/view/timeline/rows.ts";

const DAY_MS = 86_400_000;
const dayOf = (atMs: number) => Math.floor(atMs / DAY_MS);
const NONE: ReadonlySet<string> = new Set();

function said(sequence: number, author: string, more: Partial<Said> = {}): Said {
  return {
    type: "said",
    row: `r${sequence}`,
    sequence,
    atMs: sequence * 1_000,
    author,
    text: "x",
    isAction: false,
    replyTo: 0,
    repliedTo: undefined,
    edited: false,
    deletedBy: "",
    reactions: [],
    mentionsMe: false,
    mine: author === "ann",
    bot: false,
    delivery: "done",
    trouble: "",
    ...more,
  };
}

function moved(sequence: number, author: string, move: Happened["move"]): Happened {
  const entry = {} as Entry;
  const text = `${author} ${move}`;
  return {
    type: "happened",
    row: `r${sequence}`,
    sequence,
    atMs: sequence * 1_000,
    author,
    text,
    move,
    entry,
  };
}

function timeline(items: readonly Item[], unreadAfter = 0): Timeline {
  const ends = { moreBefore: false, moreAfter: false, newer: 0, loading: false };
  return { key: "#garden", items, unreadAfter, ...ends };
}

function rows(items: readonly Item[], unreadAfter = 0, unfolded = NONE, before: Row[] = []): Row[] {
  return rowsOf(timeline(items, unreadAfter), "ann", dayOf, unfolded, before);
}

test("messages of one author stand under one name, for a while", () => {
  const later = said(3, "bob", { atMs: 2_000 + GROUP_MS });
  const found = rows([said(1, "bob"), said(2, "bob"), later, said(4, "ann", { atMs: later.atMs })]);
  assert.deepEqual(
    found.map((row) => row.grouped),
    [false, true, false, false],
  );
});

test("replies, actions and what follows them have a name of their own", () => {
  const items = [
    said(1, "bob"),
    said(2, "bob", { replyTo: 1 }),
    said(3, "bob", { isAction: true }),
    said(4, "bob"),
    said(5, "bob"),
  ];
  assert.deepEqual(
    rows(items).map((row) => row.grouped),
    [false, false, false, false, true],
  );
});

test("each day begins with its line", () => {
  const items = [said(1, "bob"), said(2, "bob"), said(3, "bob", { atMs: DAY_MS })];
  const found = rows(items);
  assert.deepEqual(
    found.map((row) => row.newDay),
    [true, false, true],
  );
  assert.equal(found[2]?.grouped, false);
});

test("what is new begins above the first of others past the mark", () => {
  const items = [said(1, "bob"), said(2, "ann"), said(3, "ann"), said(4, "bob"), said(5, "bob")];
  assert.deepEqual(
    rows(items, 2).map((row) => row.isNew),
    [false, false, false, true, false],
  );
  assert.ok(rows(items, 0).every((row) => !row.isNew));
  assert.ok(rows(items, 5).every((row) => !row.isNew));
});

test("a window that begins past the mark has no such line", () => {
  assert.ok(rows([said(8, "bob"), said(9, "bob")], 3).every((row) => !row.isNew));
});

test("who only comes and goes is one row, until it is unfolded", () => {
  const items = [
    said(1, "bob"),
    moved(2, "carl", "joined"),
    moved(3, "dora", "joined"),
    moved(4, "carl", "left"),
    said(5, "bob"),
  ];
  const folded = rows(items);
  assert.deepEqual(
    folded.map((row) => row.folded.length),
    [0, 3, 0],
  );
  const ways = waysOf(folded[1]?.folded ?? []);
  assert.deepEqual(ways.get("joined-left"), ["carl"]);
  assert.deepEqual(ways.get("joined"), ["dora"]);
  assert.deepEqual(ways.get("left"), []);
  assert.equal(rows(items, 0, new Set(["r2"])).length, 5);
});

test("a fold ends where a line stands, and one alone is not folded", () => {
  const items = [
    moved(1, "carl", "joined"),
    moved(2, "dora", "joined"),
    moved(3, "emil", "joined"),
  ];
  assert.deepEqual(
    rows(items, 1).map((row) => row.folded.length),
    [0, 2],
  );
  assert.deepEqual(
    rows(items.slice(0, 1)).map((row) => row.folded.length),
    [0],
  );
});

test("a row that is as it was stays the same object", () => {
  const items: Item[] = [
    said(1, "bob"),
    moved(2, "carl", "joined"),
    moved(3, "dora", "left"),
    said(4, "bob"),
  ];
  const before = rows(items);
  const after = rows([...items, said(5, "ann")], 0, NONE, before);
  assert.deepEqual(
    before.map((row, at) => row === after[at]),
    [true, true, true],
  );
  const edited = rows([said(1, "bob", { text: "y" }), ...items.slice(1)], 0, NONE, before);
  assert.deepEqual(
    edited.map((row, at) => row === before[at]),
    [false, true, true],
  );
});
