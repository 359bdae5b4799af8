import assert from "node:assert/strict";
import { test } from "node:test";

import { TEXT_CHARS_MAX } from "../src/protocol/limits.ts";
import { charsLeft, History, TOLD_FROM } from "../src/view/composing.ts";
import { hueOf } from "../src/view/hue.ts";
import { connectionWords, typingWords } from "../src/view/saying.ts";

test("what is left is told near the limit, counted in characters", () => {
  assert.equal(charsLeft("a".repeat(TEXT_CHARS_MAX - TOLD_FROM - 1)), undefined);
  assert.equal(charsLeft("a".repeat(TEXT_CHARS_MAX - TOLD_FROM)), TOLD_FROM);
  assert.equal(charsLeft("a".repeat(TEXT_CHARS_MAX + 2)), -2);
  assert.equal(charsLeft("🌹".repeat(TEXT_CHARS_MAX - 7)), 7);
});

test("one goes back through what was sent, and forth to what was being written", () => {
  const history = new History();
  for (const text of ["one", "two", "two", ""]) history.add(text);
  assert.equal(history.older("draft"), "two");
  assert.equal(history.older("two"), "one");
  assert.equal(history.older("one"), undefined);
  assert.equal(history.newer(), "two");
  assert.ok(history.isWalking);
  assert.equal(history.newer(), "draft");
  assert.ok(!history.isWalking);
  assert.equal(history.newer(), undefined);
});

test("a name has the colour that it has in a terminal", () => {
  assert.deepEqual(["ann", "bob", "mira", "öl"].map(hueOf), [3, 0, 7, 6]);
});

test("who types is told by name, as far as there is room", () => {
  assert.equal(typingWords([]), "");
  assert.match(typingWords(["ann"]), /^ann is /);
  assert.match(typingWords(["ann", "bob"]), /^ann and bob are /);
  assert.doesNotMatch(typingWords(["ann", "bob", "carl", "dora"]), /ann/);
});

test("the connection is told in words", () => {
  const offline = { state: "offline", sinceMs: 0, retryAtMs: 4_100, reason: "no answer" } as const;
  assert.match(connectionWords(offline, 0), /no answer.*5 s/);
  assert.doesNotMatch(connectionWords(offline, 5_000), / s$/);
  assert.match(connectionWords({ state: "online", latencyMs: 11.6, slowedMs: 0 }, 0), /12 ms/);
});
