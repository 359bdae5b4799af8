/** What tests/client/test_book.py holds of the terminal's book, as far as this one has it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ordered } from "../src/model/book.ts";
import { NOTICES } from "../src/model/entries.ts";
import { Reading, state } from "./reading.ts";

const EDIT = (sequence: number, text: string) =>
  ({ kind: "message_edited", sequence, text }) as const;

test("rooms and private conversations are called as people call them", () => {
  const reading = new Reading([state("#lobby", 0, 0), state("#den", 0, 0), state("@ann", 0, 0)]);
  reading.hear("@ann", 1, "hello");
  const body = { kind: "private_message_sent", text: "and you?", reply_to: 0 } as const;
  reading.hear("@ann", 2, { ...body, to: "cat", twin: 0, bot: false }, "ann");
  const called = [...reading.book.states.keys()].map((key) => [
    key,
    reading.at(key).kind,
    reading.at(key).title,
  ]);
  assert.deepEqual(called, [
    ["#lobby", "lobby", "lobby"],
    ["#den", "room", "den"],
    ["@bob", "private", "bob"],
    ["@cat", "private", "cat"],
  ]);
});

test("a conversation of several is called by who else is in it", () => {
  const reading = new Reading();
  reading.hear("#c9f", 1, { kind: "topic_changed", topic: "ann, bob, cat" }, "ann");
  assert.equal(reading.at("#c9f").title, "c9f");
  reading.hear("#c9f", 2, { kind: "member_added", user: "cat" }, "ann");
  assert.equal(reading.at("#c9f").title, "bob, cat");
  reading.hear("#c9f", 3, { kind: "topic_changed", topic: "Lunch" });
  assert.equal(reading.at("#c9f").title, "Lunch");
});

test("a list of rooms tells their topics and what is unread", () => {
  const reading = new Reading([state("#den", 5, 5, 2), state("@ann", 0, 0)]);
  const den = { room: "den", topic: "Bears", joined: true, unread: 7, mentions: 2, notify: "all" };
  reading.answer({ kind: "list_rooms" }, { kind: "room_list", rooms: [den] as never, total: 1 });
  assert.deepEqual([reading.at("#den").topic, reading.at("#den").notify], ["Bears", "all"]);
  assert.deepEqual(reading.counts("#den"), [7, 2]);
  reading.hear("#den", 6, "hello @ann");
  assert.deepEqual(reading.counts("#den"), [8, 3]);
});

test("what the server counts as unread is not counted again when it comes", () => {
  const reading = new Reading([state("#den", 2, 4, 2), state("@ann", 0, 0)]);
  const den = { room: "den", topic: "", joined: true, unread: 2, mentions: 1, notify: "" };
  reading.answer({ kind: "list_rooms" }, { kind: "room_list", rooms: [den] as never, total: 1 });
  reading.hear("#den", 3, "hello");
  reading.hear("#den", 4, "hello @ann");
  assert.deepEqual(reading.counts("#den"), [2, 1]);
});

test("what the cluster tells is a conversation of its own", () => {
  const reading = new Reading([state("#den", 0, 0), state("@ann", 3, 3, 3)]);
  reading.hear("@ann", 4, { kind: "invited_to_room", room: "attic" });
  reading.hear("@ann", 5, { kind: "account_changed", change: "device_added", about: "" }, "zchat");
  assert.equal(reading.at(NOTICES).kind, "notices");
  assert.deepEqual(reading.counts(NOTICES), [2, 2]);
  assert.equal(reading.book.read(NOTICES), undefined, "nobody else keeps this marker");
  assert.deepEqual(reading.counts(NOTICES), [0, 0]);
});

test("a room that the user leaves can be joined again, and what came between is not known", () => {
  const reading = new Reading();
  reading.hear("#den", 1, "hello");
  reading.hear("#den", 2, { kind: "member_kicked", user: "ann", reason: "" });
  assert.equal(reading.at("#den").joined, false);
  reading.book.takeAnew();
  reading.hear("#den", 7, { kind: "member_joined" }, "ann");
  assert.equal(reading.at("#den").joined, true);
  assert.deepEqual([...reading.book.takeAnew()], ["#den"]);
});

test("rooms that are gone when a session begins are left", () => {
  const reading = new Reading();
  reading.begin([state("@ann", 0, 0)]);
  assert.equal(reading.at("#den").joined, false);
});

test("an edit may begin and end a mention, and what is deleted is not unread", () => {
  const reading = new Reading();
  reading.hear("#den", 1, "hello");
  reading.hear("#den", 2, EDIT(1, "hello @ann"));
  assert.deepEqual(reading.counts("#den"), [1, 1]);
  reading.hear("#den", 3, EDIT(1, "hello"));
  assert.deepEqual(reading.counts("#den"), [1, 0]);
  reading.hear("#den", 4, { kind: "message_deleted", sequence: 1, reason: "" });
  assert.deepEqual(reading.counts("#den"), [0, 0]);
});

test("whoever may calls everyone", () => {
  const reading = new Reading();
  reading.hear("#den", 1, "@room lunch!");
  assert.equal(reading.at("#den").mentions, 0, "nobody knows that bob may");
  const bob = {
    kind: "member_info",
    name: "bob",
    role: "owner",
    online: true,
    away: null,
  } as const;
  reading.answer(
    { kind: "list_members" },
    { kind: "member_list", room: "den", members: [bob], total: 1 },
  );
  reading.hear("#den", 2, "@room lunch!");
  assert.equal(reading.at("#den").mentions, 1);
  reading.hear("#den", 3, { kind: "member_left" });
  reading.hear("#den", 4, { kind: "member_joined" });
  reading.hear("#den", 5, "@room lunch!");
  assert.equal(reading.at("#den").mentions, 1, "who has left leads nothing any more");
});

test("words of one's own call the user as the name does", () => {
  const reading = new Reading();
  reading.book.highlight(["tea (green)", "C++"]);
  reading.hear("#den", 1, "who wants Tea (Green)?");
  reading.hear("#den", 2, "c++ anybody?");
  reading.hear("#den", 3, "teapot");
  assert.deepEqual(reading.counts("#den"), [3, 2]);
});

test("a log that has become shorter is another one", () => {
  const reading = new Reading([state("#den", 9, 9, 9), state("@ann", 0, 0)]);
  reading.begin([state("#den", 0, 3), state("@ann", 0, 0)]);
  reading.hear("#den", 1, "hello");
  assert.deepEqual(reading.counts("#den"), [1, 0]);
});

test("what an earlier user of the name has read is forgotten", () => {
  const reading = new Reading(undefined);
  reading.hear("@ann", 1, "a secret");
  reading.begin([state("#den", 0, 0), state("@ann", 1, 1)], 8);
  assert.deepEqual(reading.counts("@bob"), [0, 0]);
  assert.equal(reading.at("@bob").lastAtMs, 0);
});

test("what is missed while reading is not read yet", () => {
  const reading = new Reading([state("#den", 0, 3), state("@ann", 0, 0)]);
  reading.hear("#den", 1, "one");
  assert.equal(reading.book.read("#den"), 1);
  reading.hear("#den", 2, "two");
  assert.deepEqual(reading.counts("#den"), [1, 0]);
});

test("from there on nothing was read", () => {
  const reading = new Reading();
  const found = [1, 2, 3].map((at) => {
    reading.hear("#den", at, at === 2 ? "hello @ann" : "hello");
    return { log: "#den", sequence: at, author: "bob", body: { kind: "message_posted" } };
  });
  reading.book.read("#den");
  assert.equal(reading.book.markUnread("#den", 2, found as never), 1);
  assert.equal(reading.at("#den").unread, 2);
  assert.equal(
    reading.book.markUnread("#den", 3, found as never),
    undefined,
    "it is unread already",
  );
});

test("what is unread again and not at hand is counted as the server says", () => {
  const reading = new Reading();
  for (const at of [1, 2, 3]) reading.hear("#den", at, "hello");
  reading.book.read("#den");
  reading.book.markUnread("#den", 2, []);
  const den = { room: "den", topic: "", joined: true, unread: 2, mentions: 0, notify: "" };
  reading.answer({ kind: "list_rooms" }, { kind: "room_list", rooms: [den] as never, total: 1 });
  assert.equal(reading.at("#den").unread, 2);
});

test("those that are kept come first, muted ones after all others", () => {
  const one = new Reading().at("#den");
  const list = [
    { ...one, key: "#a", title: "a", lastAtMs: 1 },
    { ...one, key: "#muted", title: "m", lastAtMs: 9, notify: "nothing" as const },
    { ...one, key: "#kept", title: "k", lastAtMs: 0, kept: true },
    { ...one, key: "#b", title: "b", lastAtMs: 5 },
    { ...one, key: "#called", title: "c", lastAtMs: 2, notify: "nothing" as const, mentions: 1 },
  ];
  const keys = ordered(list).map(({ key }) => key);
  assert.deepEqual(keys, ["#kept", "#b", "#called", "#a", "#muted"]);
});

// --- What the user says --------------------------------------------------------------------------

for (const isEntryFirst of [true, false]) {
  test(`what is said is shown once, the entry ${isEntryFirst ? "before" : "after"} the answer`, () => {
    const reading = new Reading();
    const done = { kind: "done", log: "#den", sequence: 1 } as const;
    reading.say("#den", "hello", 7);
    const shown = () => reading.book.waiting.of("#den").map(({ isConfirmed }) => isConfirmed);
    assert.deepEqual(shown(), [false]);
    if (isEntryFirst) {
      reading.hear("#den", 1, "hello", "ann");
      assert.deepEqual(shown(), [], "its entry stands for it");
      reading.answer({ kind: "post" }, done, 7);
    } else {
      reading.answer({ kind: "post" }, done, 7);
      assert.deepEqual(shown(), [true], "the server has it");
      reading.hear("#den", 1, "hello", "ann");
    }
    assert.deepEqual(shown(), []);
    const its = { log: "#den", sequence: 1 } as never;
    assert.equal(reading.book.waiting.row(its), "w7", "the row is what it was");
  });
}

test("another device that says the same takes no message away", () => {
  const reading = new Reading();
  reading.say("#den", "hello", 7);
  reading.hear("#den", 1, "hello", "ann");
  reading.answer({ kind: "post" }, { kind: "refused", reason: "muted" } as never, 7);
  const [shown] = reading.book.waiting.of("#den");
  assert.equal(shown?.spoken.trouble, "muted");
});

test("two messages never have one row, though they say the same", () => {
  const reading = new Reading();
  reading.say("#den", "hello", 7);
  reading.hear("#den", 1, "hello", "ann");
  reading.answer({ kind: "post" }, { kind: "done", log: "#den", sequence: 2 } as never, 7);
  reading.hear("#den", 2, "hello", "ann");
  const rows = [1, 2].map((at) => reading.book.waiting.row({ log: "#den", sequence: at } as never));
  assert.deepEqual(rows, ["w7", "s2"]);
});

test("what was confirmed and will never come is not waited for", () => {
  const reading = new Reading();
  reading.say("#den", "hello", 7);
  reading.answer({ kind: "post" }, { kind: "done", log: "#den", sequence: 1 } as never, 7);
  reading.begin([state("#den", 40, 40), state("@ann", 0, 0)]);
  assert.deepEqual(reading.book.waiting.of("#den"), []);
});
