import assert from "node:assert/strict";
import { test } from "node:test";

import type { Told } from "../src/chat.ts";
import { asBase32, keyUri } from "../src/view/dialogs/totp.ts";
import { notificationOf } from "../src/view/notifying.ts";
import { marked, queryOf } from "../src/view/panels/query.ts";

test("from: and in: narrow a search, wherever they stand", () => {
  assert.deepEqual(queryOf("red from:Bob  roses in:garden", "#tea"), {
    text: "red roses",
    author: "bob",
    log: "#garden",
  });
  assert.equal(queryOf("in:@carl tea", "#tea").log, "@carl");
  assert.equal(queryOf("IN:here tea", "@bob").log, "@bob");
  assert.deepEqual(queryOf("to begin:with", "#tea").text, "to begin:with");
  assert.throws(() => queryOf("from:a/b x", "#tea"), RangeError);
});

test("hits are marked in whatever case, and no character means anything but itself", () => {
  assert.deepEqual(marked("Red roses (red)", "red"), [
    ["Red", true],
    [" roses (", false],
    ["red", true],
    [")", false],
  ]);
  assert.deepEqual(marked("a.b axb", "a.b"), [
    ["a.b", true],
    [" axb", false],
  ]);
  assert.deepEqual(marked("1-2/3 [x]", "1-2/3 [x]"), [
    ["1-2/3", true],
    [" ", false],
    ["[x]", true],
  ]);
  assert.deepEqual(marked("roses", " "), [["roses", false]]);
});

test("base32 is as authenticators read it", () => {
  const bytes = new TextEncoder().encode("12345678901234567890");
  assert.equal(asBase32(bytes), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  assert.equal(
    keyUri("änn", bytes),
    "otpauth://totp/zchat:%C3%A4nn?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=zchat",
  );
});

const told = (more: Partial<Told> = {}): Told => ({
  key: "#garden",
  kind: "room",
  title: "garden",
  sequence: 7,
  author: "bob",
  text: "roses!",
  ...more,
});

test("a notification says who, where and what; of several how many", () => {
  assert.deepEqual(notificationOf([told()]), { title: "bob in garden", body: "roses!" });
  const alone = told({ key: "@bob", kind: "private", title: "bob" });
  assert.deepEqual(notificationOf([alone]), { title: "bob", body: "roses!" });
  assert.equal(notificationOf([told(), told()]).body, "2 messages in garden");
  assert.equal(notificationOf([alone, alone]).body, "2 messages from bob");
  assert.equal(notificationOf([alone, told()]).body, "2 messages in 2 conversations");
  assert.ok(notificationOf([told({ text: "x".repeat(900) })]).body.length <= 200);
});
