import assert from "node:assert/strict";
import { test } from "node:test";

test("tests are built and run", () => {
  assert.equal(1 + 1, 2);
});
