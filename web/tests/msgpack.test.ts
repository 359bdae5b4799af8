/** Against a library that many use: they write the same bytes, and read the same values. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, encode } from "@msgpack/msgpack";

import { EXTENSION, pack, Unpacker, UnpackError } from "../src/protocol/msgpack.ts";
import type { Packable } from "../src/protocol/msgpack.ts";

function unpacked(bytes: Uint8Array): unknown {
  const values = new Unpacker(bytes);
  const value = values.next();
  assert.equal(values.at, bytes.length);
  return value;
}

/** With objects in the place of maps, as the library has them. */
function asObjects(value: unknown): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [key, asObjects(each)]));
  }
  return Array.isArray(value) ? value.map(asObjects) : value;
}

const LENGTHS = [0, 1, 15, 16, 23, 24, 25, 31, 32, 33, 255, 256, 65_535, 65_536, 100_000];
const NUMBERS = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
const VALUES: readonly Packable[] = [
  ...[null, true, false, 0.5, -0.25, 1e300, -1, -31, -32, ...NUMBERS],
  ...LENGTHS.map((length) => "x".repeat(length)),
  ...LENGTHS.map((length) => "é🙂".repeat(length >> 2)),
  ...LENGTHS.map((length) => new Uint8Array(length).fill(7)),
  ...LENGTHS.map((length) => Array<number>(length).fill(1)),
  ...LENGTHS.map((length) =>
    Object.fromEntries(Array.from({ length }, (_, at) => [`field ${at}`, at])),
  ),
  { kind: "post", more: [{ inner: [null, { deep: "yes" }] }], gone: undefined, text: "a\0b" },
];

test("what is written is what the library writes, and both read it alike", () => {
  for (const value of VALUES) {
    const bytes = pack(value);
    assert.ok(Buffer.from(bytes).equals(encode(value, { ignoreUndefined: true })));
    assert.deepEqual(asObjects(unpacked(bytes)), decode(bytes));
  }
});

test("numbers of every width are read", () => {
  for (const value of [-33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53]) {
    assert.equal(unpacked(encode(value)), value);
    assert.equal(unpacked(pack(value)), value);
  }
  assert.equal(unpacked(encode(1.5, { forceFloat32: true })), 1.5);
});

test("keys may be anything, and stay in their order", () => {
  const bytes = Buffer.concat([
    Uint8Array.of(0x83),
    ...["z", "__proto__", "10"].flatMap((key) => [pack(key), pack(1)]),
  ]);
  assert.deepEqual(
    [...(unpacked(bytes) as Map<unknown, unknown>).keys()],
    ["z", "__proto__", "10"],
  );
});

test("extensions are passed over", () => {
  for (const head of [[0xd4], [0xd5], [0xd6], [0xd7], [0xd8], [0xc7, 3], [0xc8, 0, 3]]) {
    const size = head[1] === undefined ? 1 << ((head[0] ?? 0) - 0xd4) : 3;
    assert.equal(unpacked(Uint8Array.of(...head, 5, ...Array<number>(size).fill(9))), EXTENSION);
  }
});

test("half a value is none, wherever it is cut", () => {
  const whole = pack({ a: [1, -300, 2 ** 40, 0.5, "x".repeat(40), new Uint8Array(3)], b: null });
  for (let size = 0; size < whole.length; size += 1) {
    assert.throws(() => new Unpacker(whole.subarray(0, size)).next(), UnpackError);
  }
});

test("a length that is only said takes no memory", () => {
  for (const code of [0xdd, 0xdf, 0xdb, 0xc6, 0xc9]) {
    assert.throws(() => unpacked(Uint8Array.of(code, 0xff, 0xff, 0xff, 0xff, 1)), UnpackError);
  }
});
