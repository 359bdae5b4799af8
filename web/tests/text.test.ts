import assert from "node:assert/strict";
import { test } from "node:test";

import type { Entry } from "../src/protocol/messages.ts";
import { roomsLost, sentence, shortened } from "../src/text/entries.ts";
import en from "../src/text/en.json" with { type: "json" };
import more from "../src/text/en_more.json" with { type: "json" };
import { day, duration, words } from "../src/text/text.ts";
import written from "./sentences.json" with { type: "json" };

for (const { entry, sentence: theirs } of written.sentences) {
  test(`tells ${entry.body.kind} by ${entry.author} in ${entry.log}`, () => {
    assert.equal(sentence(entry as unknown as Entry, written.me), theirs);
  });
}

test("a sentence has the form of its number", () => {
  assert.equal(words("room.limit", { count: 1 }), "at most 1 member");
  assert.equal(words("room.limit", { count: 2_000 }), "at most 2,000 members");
});

test("every sentence with forms has the one for all other numbers", () => {
  for (const [name, forms] of Object.entries({ ...en, ...more })) {
    if (typeof forms !== "string") assert.ok(forms.other, name);
  }
});

test("what is loaded later has no other sentence by a name of the first room", () => {
  assert.deepEqual(
    Object.keys(more).filter((name) => name in en),
    [],
  );
});

test("days are called as people call them", () => {
  const now = new Date(2026, 5, 3, 12).getTime();
  assert.equal(day(now, now), "Today");
  assert.equal(day(new Date(2026, 5, 2, 23, 59).getTime(), now), "Yesterday");
  assert.match(day(new Date(2026, 4, 1).getTime(), now), /^Friday/);
  assert.match(day(new Date(2025, 4, 1).getTime(), now), /2025/);
  assert.equal(day(1e300, now), "–");
});

test("durations are short", () => {
  assert.equal(duration(59_000), "0 min");
  assert.equal(duration(3 * 3_600_000 + 5 * 60_000), "3 h 05 min");
  assert.equal(duration(50 * 3_600_000), "2 d 2 h");
});

test("a text is shortened between characters", () => {
  assert.equal(shortened("🌹🌹🌹", 2), "🌹…");
  assert.equal(shortened("roses", 5), "roses");
});

test("a guest hears which rooms are lost", () => {
  assert.equal(roomsLost([]), "");
  assert.match(roomsLost(["#a", "#b", "#c", "#d"]), /^You own #a, #b, #c and 1 more:/);
});
