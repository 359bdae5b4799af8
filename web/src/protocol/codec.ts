/**
 * Bytes to messages and back. What a server sends is checked field by field and made whole; bytes
 * that are none of its messages throw a `ProtocolError`, and nothing else.
 *
 * A server may be newer than this page: fields, messages and bodies of entries that are not known
 * here are passed over, as `zchat/protocol/forward_compat.py` does it.
 */

import { BODIES, FIELDS, SERVER_MESSAGES } from "./fields.ts";
import { FRAME_BYTES_MAX, INTEGER_MAX } from "./limits.ts";
import { NOTIFY_LEVELS, POSTINGS, REFUSAL_CODES } from "./messages.ts";
import type { ClientMessage, ServerMessage } from "./messages.ts";
import { pack, Unpacker, UnpackError } from "./msgpack.ts";
import type { Packable } from "./msgpack.ts";

/** The server's fault; the text says what. */
export class ProtocolError extends Error {}

export function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
  return pack(message as unknown as Packable);
}

/** The messages of one binary message of a WebSocket, which holds whole ones. Each is read when it
 * is asked for: those before a wrong one are good. */
export function* messagesIn(data: Uint8Array): Generator<ServerMessage, void, undefined> {
  const values = new Unpacker(data);
  while (values.at < data.length) {
    const begin = values.at;
    const message = read(nextOf(values));
    if (values.at - begin > FRAME_BYTES_MAX) {
      throw new ProtocolError(`a message is over ${FRAME_BYTES_MAX} bytes`);
    }
    if (message !== undefined) yield message;
  }
}

function nextOf(values: Unpacker): unknown {
  try {
    return values.next();
  } catch (error) {
    throw error instanceof UnpackError ? new ProtocolError(`not msgpack: ${error.message}`) : error;
  }
}

// --- Values to messages -------------------------------------------------------------------------

type Kind = keyof typeof FIELDS;
type Fields = ReadonlyMap<unknown, unknown>;
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
  const code = refused.get("code");
  if (typeof code !== "string" || (REFUSAL_CODES as readonly string[]).includes(code)) {
    return refused;
  }
  const known = ["id", "reason"] as const;
  return new Map([
    ["code", "other"],
    ...known.map((field) => [field, refused.get(field)] as const),
  ]);
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
    return (value) => new Map([...fieldsOf(value)].map(([key, each]) => [string(key), item(each)]));
  }
  return PLAIN[shape] ?? structReader(shape as Kind);
}

function structReader(kind: Kind): Read {
  const fields = Object.entries<string | readonly [string, unknown]>(FIELDS[kind]).map(
    ([name, field]) =>
      typeof field === "string"
        ? ({ name, read: reader(field), mayLack: false, otherwise: undefined } as const)
        : ({ name, read: reader(field[0]), mayLack: true, otherwise: absent(field) } as const),
  );
  return (value) => {
    const given = fieldsOf(value);
    const made: Record<string, unknown> = { kind };
    for (const { name, read, mayLack, otherwise } of fields) {
      const field = given.get(name);
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

/** What stands for a field that was left out, as it would have been read. */
function absent([shape, value]: readonly [shape: string, value: unknown]): unknown {
  return shape.startsWith("map of ") ? new Map() : value;
}

const string = checked("string", (value) => typeof value === "string") as (
  value: unknown,
) => string;

const PLAIN: Readonly<Record<string, Read>> = {
  string,
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
  const kind = fieldsOf(value).get("kind");
  return typeof kind === "string" ? kind : wrong("kind", kind);
}

function fieldsOf(value: unknown): Fields {
  return value instanceof Map ? value : wrong("map", value);
}

function wrong(expected: string, value: unknown): never {
  const found = value === undefined ? "nothing" : value === null ? "nil" : typeof value;
  throw new ProtocolError(`expected ${expected}, found ${found}`);
}
