import assert from "node:assert/strict";
import { test } from "node:test";

import { complete } from "../src/commands/complete.ts";
import { emojiBeginning, emojied, emojiNamed, quickEmoji } from "../src/commands/emoji.ts";

const ROSTER = { people: ["bob", "bertha", "carl"], rooms: ["garden", "tea"] };
const offered = (before: string) => complete(before, ROSTER).choices.map(({ insert }) => insert);

test("a colon at the beginning offers commands with what they take", () => {
  assert.deepEqual(offered(":uns"), []);
  assert.deepEqual(offered(":unb"), [":unban ", ":unblock "]);
  const [first] = complete(":kick", ROSTER).choices;
  assert.match(first?.note ?? "", /^<room> <name> \[reason\]/);
  assert.deepEqual(offered("hello\n:unb"), []);
});

test("names, rooms and emoji are completed wherever they stand", () => {
  assert.deepEqual(offered("hello @b"), ["@bob ", "@bertha "]);
  assert.deepEqual(offered("see #t"), ["#tea "]);
  assert.deepEqual(offered("(@c"), ["@carl "]);
  assert.deepEqual(offered("ann@b"), []);
  assert.ok(offered("so :tad").includes("🎉 "));
  assert.deepEqual(offered("well :)"), []);
  assert.deepEqual(offered("well :D"), []);
});

test("arguments are completed by what they name", () => {
  assert.deepEqual(offered(":jr g"), ["garden "]);
  assert.deepEqual(offered(":kick garden b"), ["bob ", "bertha "]);
  assert.deepEqual(offered(":talk bob ca"), ["carl "]);
  assert.deepEqual(offered(":history #"), ["#garden ", "#tea "]);
  assert.deepEqual(offered(":help kic"), ["kick "]);
  assert.deepEqual(offered(":kick garden bob ca"), []);
});

test("what is typed already is not offered", () => {
  assert.deepEqual(offered("@bob"), []);
  assert.equal(complete("hello @be", ROSTER).length, 3);
});

test("emoji are found by their names", () => {
  assert.equal(emojiNamed("tada"), "🎉");
  assert.equal(emojiNamed("-1"), "👎");
  assert.equal(emojiBeginning("rose", 1)[0]?.emoji, "🌹");
  assert.equal(quickEmoji().length, 20);
});

test("names between colons become emoji, except in code", () => {
  assert.equal(
    emojied("well :tada: `:tada:` 12:30:45 :nothing:"),
    "well 🎉 `:tada:` 12:30:45 :nothing:",
  );
});
