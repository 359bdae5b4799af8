import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, encode as pack } from "@msgpack/msgpack";

import { encode, messagesIn, ProtocolError } from "../src/protocol/codec.ts";
import { BODIES, SERVER_MESSAGES } from "../src/protocol/fields.ts";
import type { ClientMessage, Entry, ServerMessage } from "../src/protocol/messages.ts";
import { wireExamples } from "./python.ts";

function read(...values: unknown[]): ServerMessage[] {
  return [...messagesIn(Buffer.concat(values.map((value) => pack(value))))];
}

const ENTRY = { kind: "entry", log: "#lobby", sequence: 7, at_ms: 1, author: "ann" };

test("every message of a server is read, and every one of a client written again", () => {
  const seen = new Set<string>();
  for (const [name, frame] of wireExamples()) {
    const { kind, body } = decode(frame) as { kind: string; body?: { kind: string } };
    if (SERVER_MESSAGES.has(kind)) {
      const [message, ...others] = [...messagesIn(frame)];
      assert.equal(message?.kind, kind, name);
      assert.deepEqual(others, []);
      seen.add(kind);
      if (body) {
        assert.deepEqual((message as Entry).body, { ...(message as Entry).body, ...body });
        seen.add(body.kind);
      }
    } else {
      const message = decode(frame) as ClientMessage;
      // Bytes differ for 2^53, which is no integer here that is known to be exact.
      assert.deepEqual(decode(encode(message)), message, name);
    }
  }
  const unseen = [...SERVER_MESSAGES, ...BODIES].filter((kind) => !seen.has(kind));
  assert.deepEqual(unseen, []);
});

test("what was left out is filled in, at every depth", () => {
  const [message] = read({
    kind: "logged_in",
    id: 1,
    name: "ann",
    guest: false,
    logs: [{ kind: "log_state", log: "#lobby", cursor: 3, head: 5 }],
  });
  assert.deepEqual(message, {
    kind: "logged_in",
    id: 1,
    name: "ann",
    guest: false,
    logs: [{ kind: "log_state", log: "#lobby", cursor: 3, head: 5, marker: 0, notify: "" }],
    standing: "account",
    since_ms: 0,
  });
});

test("fields, messages and bodies of a newer server are passed over", () => {
  const read_ = read(
    { kind: "moon_phase", phase: 3 },
    { kind: "pong", id: 4, moon: true },
    { ...ENTRY, body: { kind: "moon_rose", height: 3 } },
  );
  assert.deepEqual(
    read_.map((message) => message.kind),
    ["pong", "entry"],
  );
  assert.deepEqual(read_[0], { kind: "pong", id: 4 });
  assert.deepEqual((read_[1] as Entry).body, { kind: "unrecognised", what: "moon_rose" });
});

test("a refusal with a code of a newer server says no more than its reason", () => {
  const refused = { kind: "refused", id: 3, code: "eclipse", reason: "no", retry_after_ms: 9 };
  assert.deepEqual(read(refused), [
    { kind: "refused", id: 3, code: "other", reason: "no", retry_after_ms: 0, again: false },
  ]);
});

test("people and reactions may be called as they like, and stand in their order", () => {
  // No encoder of JavaScript writes these keys from an object.
  const frame = Buffer.concat([
    pack({ ...ENTRY, body: { kind: "member_joined" } }).with(0, 0x87),
    pack("reactions"),
    Buffer.from([0x84]),
    ...["z", "__proto__", "10", "constructor"].flatMap((key) => [pack(key), pack(["bob"])]),
  ]);
  const [entry] = [...messagesIn(frame)];
  const reactions = [...(entry as Entry).reactions];
  assert.deepEqual(
    reactions.map(([emoji]) => emoji),
    ["z", "__proto__", "10", "constructor"],
  );
});

for (const [what, bytes] of Object.entries<Uint8Array>({
  "half a value": pack({ kind: "pong", id: 1 }).subarray(0, -1),
  "bytes of no value": Uint8Array.of(0xc1),
  "no map": pack([1, 2]),
  "no kind": pack({ id: 1 }),
  "a wrong type": pack({ kind: "pong", id: "1" }),
  "a negative sequence": pack({ ...ENTRY, sequence: -1, body: { kind: "member_joined" } }),
  "half a number": pack({ kind: "pong", id: 1.5 }),
  "too large a number": pack({ kind: "pong", id: 2 ** 60 }, { forceIntegerToFloat: true }),
  "a missing field": pack({ kind: "pong" }),
  "a body that lacks its text": pack({ ...ENTRY, body: { kind: "message_posted" } }),
  "a known code with something wrong": pack({ kind: "refused", id: 1, code: "busy" }),
  "a message over 128 KiB": pack({ kind: "going_away", reason: "x".repeat(128 * 1024) }),
  "many small values in one": pack({ kind: "pong", id: 1, more: Array(128 * 1024).fill(1) }),
  "a text that is not UTF-8": Buffer.from(pack({ kind: "moon" })).fill(0xff, 1, 5),
  "a tower of arrays": new Uint8Array(100_000).fill(0x91),
})) {
  test(`${what} is the server's fault`, () => {
    assert.throws(() => [...messagesIn(bytes)], ProtocolError);
  });
}

test("what came before a wrong message is good", () => {
  const messages = messagesIn(Buffer.concat([pack({ kind: "pong", id: 1 }), pack({ id: 1 })]));
  assert.deepEqual(messages.next().value, { kind: "pong", id: 1 });
  assert.throws(() => messages.next(), ProtocolError);
});

test("whatever a server sends, it is a message or its fault", () => {
  const frames = [...wireExamples().values()];
  let seed = 1;
  // Lehmer's generator: the same bytes in each run.
  const below = (end: number): number => (seed = (seed * 48_271) % 2_147_483_647) % end;
  for (let count = 0; count < 20_000; count += 1) {
    const bytes = Uint8Array.from(frames[below(frames.length)] ?? []);
    for (let change = below(3); change >= 0; change -= 1) {
      bytes[below(bytes.length)] = below(256);
    }
    try {
      for (const message of messagesIn(bytes)) assert.ok(SERVER_MESSAGES.has(message.kind));
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
  }
});
