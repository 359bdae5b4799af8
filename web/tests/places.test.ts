import assert from "node:assert/strict";
import { test } from "node:test";

import type { Conversation } from "../src/model/shapes.ts";
import type { RoomInfo } from "../src/protocol/messages.ts";
import { fuzzy, placesFor } from "../src/view/dialogs/places.ts";

const conversation = (key: string, more: Partial<Conversation> = {}): Conversation => ({
  key,
  kind: key.startsWith("#") ? "room" : "private",
  title: key.slice(1),
  topic: "",
  joined: true,
  notify: "all",
  unread: 0,
  mentions: 0,
  lastAtMs: 0,
  kept: false,
  hasDraft: false,
  typing: [],
  ...more,
});

const room = (name: string, more: Partial<RoomInfo> = {}): RoomInfo => ({
  kind: "room_info",
  room: name,
  topic: "",
  members: 3,
  joined: false,
  unread: 0,
  invited: false,
  private: false,
  keyed: false,
  posting: "members",
  slow_mode_s: 0,
  members_max: 0,
  mentions: 0,
  notify: "",
  conversation: false,
  ...more,
});

const KNOWN = {
  listed: [conversation("#garden", { unread: 3 }), conversation("@bob")],
  rooms: [room("garden", { joined: true }), room("tea"), room("team", { keyed: true })],
  people: ["bob", "carl"],
  online: new Set(["carl"]),
};
const values = (query: string) => placesFor(query, KNOWN).map(({ value }) => value);

test("what is listed comes first, then rooms and people", () => {
  assert.deepEqual(values(""), [
    "open:#garden",
    "open:@bob",
    "join:tea",
    "join:team",
    "open:@carl",
  ]);
});

test("a sign narrows it to rooms or people", () => {
  assert.deepEqual(values("@c"), ["open:@carl", "open:@c"]);
  assert.deepEqual(values("#tea"), ["join:tea", "join:team"]);
});

test("a new name may be made a room or written to", () => {
  assert.deepEqual(values("Kitchen"), ["create:kitchen", "open:@kitchen"]);
  assert.deepEqual(values("no name"), []);
});

test("after a colon there are commands", () => {
  assert.equal(values(":kick")[0], "command:kick");
});

test("what is said of each helps to choose", () => {
  const notes = new Map(placesFor("", KNOWN).map(({ value, note }) => [value, note]));
  assert.equal(notes.get("open:#garden"), "3 unread");
  assert.equal(notes.get("join:team"), "join · 3 in it · with a key");
  assert.equal(notes.get("open:@carl"), "online");
});

test("letters in their order are a match, and those together a better one", () => {
  assert.equal(fuzzy("gar", "garden"), 0);
  assert.equal(fuzzy("den", "garden"), 3);
  assert.equal(fuzzy("gdn", "garden"), 103);
  assert.equal(fuzzy("gx", "garden"), undefined);
});
