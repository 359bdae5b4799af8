/**
 * Bytes to messages and back. What a server sends is checked field by field and made whole; bytes
 * that are none of its messages throw a `ProtocolError`, and nothing else.
 *
 * A server may be newer than this page: fields, messages and bodies of entries that are not known
 * here are passed over, as `zchat/protocol/forward_compat.py` does it.
 */

import { Decoder, Encoder } from "@msgpack/msgpack";

import { BODIES, FIELDS, SERVER_MESSAGES } from "./fields.ts";
import { FRAME_BYTES_MAX, INTEGER_MAX } from "./limits.ts";
import { NOTIFY_LEVELS, POSTINGS, REFUSAL_CODES } from "./messages.ts";
import type { ClientMessage, ServerMessage } from "./messages.ts";

/** The server's fault; the text says what. */
export class ProtocolError extends Error {}

const encoder = new Encoder({ ignoreUndefined: true });

export function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
  return encoder.encode(message);
}

// --- Bytes to values ----------------------------------------------------------------------------

/** A plain object takes no `__proto__`, and puts numbers first. People and emoji may be called so,
 * and stand in an order, but no field begins like that. */
const NO_FIELD = /^[\d_\0]/;
const ESCAPE = "\0";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const decoder = new Decoder({
  maxStrLength: FRAME_BYTES_MAX,
  maxBinLength: FRAME_BYTES_MAX,
  maxArrayLength: FRAME_BYTES_MAX,
  maxMapLength: FRAME_BYTES_MAX,
  maxExtLength: FRAME_BYTES_MAX,
  keyDecoder: {
    canBeCached: () => true,
    decode: (bytes, offset, length) => {
      const key = utf8.decode(bytes.subarray(offset, offset + length));
      return NO_FIELD.test(key) ? ESCAPE + key : key;
    },
  },
});

/** The messages of one binary message of a WebSocket, which holds whole ones. Each is read when it
 * is asked for: those before a wrong one are good. */
export function* messagesIn(data: Uint8Array): Generator<ServerMessage, void, undefined> {
  let count = 0;
  const values = decoder.decodeMulti(data);
  try {
    for (const value of values) {
      count += 1;
      const message = read(value);
      if (message !== undefined) yield message;
    }
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError(`not msgpack: ${String(error)}`);
  }
  // Where one ends is not said here, but so many bytes cannot be of so few.
  if (data.length > count * FRAME_BYTES_MAX) {
    throw new ProtocolError(`a message is over ${FRAME_BYTES_MAX} bytes`);
  }
}

// --- Values to messages -------------------------------------------------------------------------

type Kind = keyof typeof FIELDS;
type Fields = { readonly [name: string]: unknown };
type Read = (value: unknown) => unknown;

/** Undefined for a message that only a newer page knows. */
function read(value: unknown): ServerMessage | undefined {
  const kind = kindOf(value);
  if (!SERVER_MESSAGES.has(kind)) return undefined;
  if (kind === "refused") value = withKnownCode(fieldsOf(value));
  return reader(kind)(value) as ServerMessage;
}

/** Of a refusal whose code only a newer page knows, the rest may mean something else as well. */
function withKnownCode(refused: Fields): Fields {
  const { id, code, reason } = refused;
  if (typeof code !== "string" || (REFUSAL_CODES as readonly string[]).includes(code)) {
    return refused;
  }
  return { kind: "refused", id, code: "other", reason };
}

function readBody(value: unknown): unknown {
  const kind = kindOf(value);
  return BODIES.has(kind) ? reader(kind)(value) : { kind: "unrecognised", what: kind };
}

const readers = new Map<string, Read>();

/** What reads a value of that shape, as `fields.ts` writes shapes. */
function reader(shape: string): Read {
  let made = readers.get(shape);
  if (made === undefined) {
    made = newReader(shape);
    readers.set(shape, made);
  }
  return made;
}

function newReader(shape: string): Read {
  const inner = (prefix: string): Read => reader(shape.slice(prefix.length));
  if (shape.startsWith("nil or ")) {
    const other = inner("nil or ");
    return (value) => (value === null ? null : other(value));
  }
  if (shape.startsWith("array of ")) {
    const item = inner("array of ");
    return (value) =>
      Array.isArray(value) ? value.map((each) => item(each)) : wrong(shape, value);
  }
  if (shape.startsWith("map of ")) {
    const item = inner("map of ");
    return (value) =>
      new Map(
        Object.entries(fieldsOf(value)).map(([key, each]) => [
          key.startsWith(ESCAPE) ? key.slice(ESCAPE.length) : key,
          item(each),
        ]),
      );
  }
  return PLAIN[shape] ?? structReader(shape as Kind);
}

function structReader(kind: Kind): Read {
  const fields = Object.entries<string | readonly [string, unknown]>(FIELDS[kind]).map(
    ([name, field]) =>
      typeof field === "string"
        ? ({ name, read: reader(field), mayLack: false, otherwise: undefined } as const)
        : ({ name, read: reader(field[0]), mayLack: true, otherwise: field[1] } as const),
  );
  return (value) => {
    const given = fieldsOf(value);
    const made: Record<string, unknown> = { kind };
    for (const { name, read, mayLack, otherwise } of fields) {
      const field = given[name];
      try {
        made[name] = read(field === undefined && mayLack ? otherwise : field);
      } catch (error) {
        throw error instanceof ProtocolError
          ? new ProtocolError(`${kind}.${name}: ${error.message}`)
          : error;
      }
    }
    return made;
  };
}

const PLAIN: Readonly<Record<string, Read>> = {
  string: checked("string", (value) => typeof value === "string"),
  boolean: checked("boolean", (value) => typeof value === "boolean"),
  integer: checked("integer", (value) => isWithin(value, -INTEGER_MAX)),
  count: checked("count", (value) => isWithin(value, 0)),
  body: readBody,
  NOTIFY_LEVELS: oneOf(NOTIFY_LEVELS),
  POSTINGS: oneOf(POSTINGS),
  REFUSAL_CODES: oneOf(REFUSAL_CODES),
};

function isWithin(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= INTEGER_MAX;
}

function checked(what: string, test: (value: unknown) => boolean): Read {
  return (value) => (test(value) ? value : wrong(what, value));
}

function oneOf(known: readonly string[]): Read {
  return checked(known.join(" or "), (value) => known.includes(value as string));
}

function kindOf(value: unknown): string {
  const { kind } = fieldsOf(value);
  return typeof kind === "string" ? kind : wrong("kind", kind);
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null) return wrong("map", value);
  const isMap = Object.getPrototypeOf(value) === Object.prototype;
  return isMap ? (value as Fields) : wrong("map", value);
}

function wrong(expected: string, value: unknown): never {
  const found = value === undefined ? "nothing" : value === null ? "nil" : typeof value;
  throw new ProtocolError(`expected ${expected}, found ${found}`);
}
