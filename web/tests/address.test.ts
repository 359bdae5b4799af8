import assert from "node:assert/strict";
import { test } from "node:test";

import { hashOf, keyIn } from "../src/view/address.ts";

test("each conversation has an address, and is found by it", () => {
  for (const key of ["#garden", "@ann", "#lobby", "@zchat", "#ä.b-c_1", "@öl"]) {
    assert.equal(keyIn(hashOf(key)), key);
  }
  assert.equal(hashOf("#garden"), "#garden");
});

test("what is no conversation opens none", () => {
  for (const hash of ["", "#", "#@", "#a b", "#%", "#%E0%A4%A", "#<b>", `#${"a".repeat(99)}`]) {
    assert.equal(keyIn(hash), undefined, hash);
  }
});
