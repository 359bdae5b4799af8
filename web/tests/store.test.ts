/** What is kept, in IndexedDB and where there is none: both must say the same. */

import "fake-indexeddb/auto";

import assert from "node:assert/strict";
import { test } from "node:test";

import { Book } from "../src/model/book.ts";
import type { News } from "../src/model/news.ts";
import type { Entry, History } from "../src/protocol/messages.ts";
import { committed, opened } from "../src/storage/idb.ts";
import { databaseName, openIndexed } from "../src/storage/indexed.ts";
import { ENTRIES_MAX, Ledger, NOWHERE } from "../src/storage/ledger.ts";
import { MemoryStore } from "../src/storage/memory.ts";
import type { Store } from "../src/storage/store.ts";
import { begun, entry, state } from "./reading.ts";

let databases = 0;
const STORES: Readonly<Record<string, () => Promise<Store>>> = {
  indexed: () => openIndexed(`c${(databases += 1)}`, "ann"),
  memory: () => Promise.resolve(new MemoryStore()),
};
const END = Number.MAX_SAFE_INTEGER;
const FACTS = { heardAtMs: 1, who: undefined };
const LOGS = [state("#den", 0, 0), state("@ann", 0, 0)];

function came(its: Entry): News {
  return { type: "entry", entry: its, missed: false };
}

/** A leading tab: hears news and writes it. */
async function leading(store: Store): Promise<(news: readonly News[]) => Promise<boolean>> {
  const { term, position } = await store.claim();
  const ledger = new Ledger("ann", position);
  const book = new Book("ann", (await store.load()).kept);
  return async (news) => {
    for (const each of news) {
      ledger.hear(each);
      book.apply(each, 0);
    }
    const states = [...book.takeTouched()].map((key) => book.at(key));
    return store.write(term, ledger.take(states), FACTS);
  };
}

const texts = (entries: readonly Entry[]): string[] =>
  entries.map(({ body }) => ("text" in body ? body.text : body.kind));

for (const [name, open] of Object.entries(STORES)) {
  test(`${name}: the next page goes on where the last one has stopped`, async () => {
    const store = await open();
    const write = await leading(store);
    await write([begun(LOGS), came(entry("#den", 1, "one @ann")), came(entry("#den", 2, "two"))]);
    await write([came(entry("@ann", 1, "psst"))]);
    const { kept } = await store.load();
    assert.deepEqual(kept.known.cursors, { "#den": 2, "@ann": 1 });
    const book = new Book("ann", kept);
    const counts = ["#den", "@bob"].map((key) => {
      const { unread, mentions } = book.conversation(key, { kept: false, hasDraft: false }, 0);
      return [unread, mentions];
    });
    assert.deepEqual(counts, [
      [2, 1],
      [1, 1],
    ]);
    assert.deepEqual(texts((await store.before("#den", END, 9)).entries), ["one @ann", "two"]);
    assert.deepEqual(texts((await store.before("@bob", END, 9)).entries), ["psst"]);
  });

  test(`${name}: messages are kept as they have become, also in private`, async () => {
    const store = await open();
    const write = await leading(store);
    const edit = { kind: "message_edited", sequence: 1, text: "new" } as const;
    const gone = { kind: "message_deleted", sequence: 1, reason: "" } as const;
    await write([begun(LOGS), came(entry("#den", 1, "old")), came(entry("@ann", 1, "secret"))]);
    await write([came(entry("#den", 2, edit)), came(entry("@ann", 2, gone, "ann"))]);
    assert.deepEqual(texts((await store.before("#den", END, 9)).entries), ["new"]);
    const [secret] = (await store.before("@bob", END, 9)).entries;
    assert.equal(secret?.body.kind, "redacted", "its text is nowhere any more");
  });

  test(`${name}: pages come in order, from both sides`, async () => {
    const store = await open();
    const write = await leading(store);
    const all = Array.from({ length: 500 }, (_, at) => entry("#den", at + 1, `${at + 1}`));
    await write([begun(LOGS), ...all.map(came)]);
    const sequences = (entries: readonly Entry[]) => [
      entries[0]?.sequence,
      entries.at(-1)?.sequence,
    ];
    assert.deepEqual(sequences((await store.before("#den", END, 100)).entries), [401, 500]);
    assert.deepEqual(sequences((await store.before("#den", 401, 100)).entries), [301, 400]);
    assert.deepEqual(sequences((await store.from("#den", 301, 100)).entries), [301, 400]);
    assert.deepEqual((await store.before("#den", 1, 100)).entries, []);
    // Far apart, as in the inbox, where others have their say between.
    await write([900, 4_000, 90_000].map((at) => came(entry("@ann", at, `${at}`))));
    assert.deepEqual(texts((await store.before("@bob", END, 3)).entries), ["900", "4000", "90000"]);
    assert.deepEqual(texts((await store.before("@bob", 90_000, 1)).entries), ["4000"]);
  });

  test(`${name}: numbers rise, over all that is written`, async () => {
    const store = await open();
    const draft = { kind: "post", room: "den", text: "hello" } as const;
    const about = { key: "#den", text: "hello", replyTo: 0, atMs: 1 };
    const numbers = await Promise.all(
      [1, 2, 3].map(async () => (await store.say(draft, about)).number),
    );
    const [first = 0, second = 0, third = 0] = numbers;
    assert.ok(first < second && second < third, numbers.join());
    assert.deepEqual(
      (await store.written(first, 9)).map(({ number }) => number),
      [second, third],
    );
    assert.equal((await store.load()).kept.spoken.length, 3);
  });

  test(`${name}: what is refused waits for the person, who says it anew or not`, async () => {
    const store = await open();
    const write = await leading(store);
    const draft = { kind: "post", room: "den", text: "hello" } as const;
    const about = { key: "#den", text: "hello", replyTo: 0, atMs: 1 };
    const numbers: number[] = [];
    for (const _ of [1, 2, 3]) numbers.push((await store.say(draft, about)).number);
    const [first = 0, second = 0, third = 0] = numbers;
    const request = { ...draft, id: 1 } as never;
    const refused = { kind: "refused", reason: "muted" } as never;
    const done = { kind: "done", log: "#den", sequence: 1 } as never;
    await write([
      begun(LOGS),
      { type: "answered", request, answer: refused, by: { number: first } },
      { type: "answered", request, answer: refused, by: { number: second } },
      { type: "answered", request, answer: done, by: { number: third } },
    ]);
    assert.deepEqual(await store.written(0, 9), [], "nothing of it is sent by itself");
    const troubles = (await store.load()).kept.spoken.map(({ trouble }) => trouble);
    assert.deepEqual(troubles, ["muted", "muted"]);
    await store.giveUp(first);
    const again = (await store.again(second, 9))?.number ?? 0;
    assert.ok(again > third, "under a new number");
    assert.equal(await store.again(second, 9), undefined, "once");
    for (const limit of [1, 9]) {
      const waiting = await store.written(0, limit);
      assert.deepEqual(
        waiting.map(({ number }) => number),
        [again],
      );
    }
  });

  test(`${name}: a tab that has lost the lead writes nothing any more`, async () => {
    const store = await open();
    const former = await leading(store);
    await former([begun(LOGS), came(entry("#den", 1, "one"))]);
    const next = await leading(store);
    assert.equal(await former([came(entry("#den", 2, "two"))]), false);
    assert.equal(await next([came(entry("#den", 2, "two"))]), true);
    assert.deepEqual(texts((await store.before("#den", END, 9)).entries), ["one", "two"]);
  });

  test(`${name}: a room that was left is forgotten, and so is all of an earlier user`, async () => {
    const store = await open();
    const write = await leading(store);
    await write([begun(LOGS), came(entry("#den", 1, "one")), came(entry("@ann", 1, "psst"))]);
    await write([begun([state("@ann", 1, 1)])]);
    assert.deepEqual((await store.before("#den", END, 9)).extent, undefined);
    assert.deepEqual(texts((await store.before("@bob", END, 9)).entries), ["psst"]);
    await write([begun([state("@ann", 1, 1)], 2)]);
    assert.deepEqual((await store.before("@bob", END, 9)).entries, []);
  });

  test(`${name}: drafts and choices`, async () => {
    const store = await open();
    await store.keepDraft("#den", "dear all");
    await store.keepDraft("@bob", "dear bob");
    await store.keepDraft("@bob", "");
    await store.choose("kept", ["#den"]);
    const { drafts, choices } = await store.load();
    assert.deepEqual([...drafts], [["#den", "dear all"]]);
    assert.deepEqual([...choices], [["kept", ["#den"]]]);
  });
}

test("numbers rise also where the browser's data are put back to what they were", async () => {
  const draft = { kind: "post", room: "den", text: "hello" } as const;
  const store = await openIndexed("restored", "ann");
  const { number: early } = await store.say(draft, undefined);
  const { number: late } = await store.say(draft, undefined);
  const database = await opened(databaseName("restored", "ann"), 1, () => undefined);
  const write = database.transaction("session", "readwrite");
  write.objectStore("session").put(early, "number");
  await committed(write);
  while (Date.now() <= late);
  assert.ok((await store.say(draft, undefined)).number > late);
});

// --- What the ledger takes -----------------------------------------------------------------------

const PAGE = { kind: "history", id: 1, log: "#den", more: true } as const;

function asked(before: number | undefined, entries: readonly Entry[]): News {
  const request = { kind: "read_history", id: 1, log: "#den", limit: 100 } as const;
  const answer: History = { ...PAGE, entries };
  const range = before === undefined ? request : { ...request, before };
  return { type: "answered", request: range, answer, by: { tab: "t", call: 1 } };
}

test("a page is kept only where it goes before what is kept, without a gap", () => {
  const ledger = new Ledger("ann", NOWHERE);
  ledger.hear(begun([state("#den", 100, 100), state("@ann", 0, 0)]));
  const puts = () => ledger.take([]).ops.filter(({ op }) => op === "put").length;
  ledger.hear(asked(50, [entry("#den", 48, "48"), entry("#den", 49, "49")]));
  assert.equal(puts(), 0);
  ledger.hear(asked(101, [entry("#den", 99, "99"), entry("#den", 100, "100")]));
  assert.equal(puts(), 2);
  ledger.hear(asked(99, [entry("#den", 98, "98")]));
  assert.equal(puts(), 1);
});

test("what becomes of a message while its page is on its way is not lost", () => {
  const ledger = new Ledger("ann", NOWHERE);
  ledger.hear(begun([state("#den", 1, 1), state("@ann", 0, 0)]));
  ledger.hear(came(entry("#den", 2, { kind: "message_edited", sequence: 1, text: "new" })));
  ledger.hear(asked(2, [entry("#den", 1, "old")]));
  const kept = ledger.take([]).ops.flatMap((op) => (op.op === "put" ? [op.entry] : []));
  assert.deepEqual(texts(kept), ["new"]);
});

test("past its bound it drops what was said longest ago", () => {
  const extent = (entries: number) => ({ first: 1, entries, more: false });
  const extents = new Map([
    ["#old", extent(20_000)],
    ["#new", extent(ENTRIES_MAX)],
  ]);
  const ledger = new Ledger("ann", { ...NOWHERE, extents });
  const drops = ledger.excess((key) => (key === "#old" ? 1 : 2));
  assert.deepEqual(drops, [{ key: "#old", count: 20_000 }]);
});

test("what was dropped is to be had of the server again", async () => {
  for (const open of Object.values(STORES)) {
    const store = await open();
    const { term, position } = await store.claim();
    const ledger = new Ledger("ann", position);
    ledger.hear(begun(LOGS));
    for (let at = 1; at <= 10; at += 1) ledger.hear(came(entry("#den", at, `${at}`)));
    await store.write(term, ledger.take([]), FACTS);
    ledger.dropped("#den", 7, await store.drop(term, "#den", 7));
    // Also if that is the last that this tab has done.
    const next = (await store.claim()).position.extents.get("#den");
    assert.deepEqual(next, { first: 8, entries: 3, more: true });
    await store.write(term + 1, ledger.take([]), FACTS);
    const { entries, extent } = await store.before("#den", END, 100);
    assert.deepEqual(texts(entries), ["8", "9", "10"]);
    assert.deepEqual(extent, { first: 8, entries: 3, more: true });
  }
});
