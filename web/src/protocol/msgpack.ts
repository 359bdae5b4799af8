/**
 * MessagePack, as much as the protocol needs: no extensions, maps by name. A library brings four
 * times as many bytes, takes nobody for a key who is called `__proto__`, and puts those who are
 * called by a number first.
 */

/** What can be written; a field that is undefined is left out. */
export type Packable =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Packable[]
  | { readonly [field: string]: Packable | undefined };

/** No message of the protocol is so deep, and neither is the stack of any browser. */
const DEPTH_MAX = 64;
const WHOLE_UINT32 = 2 ** 32;

// --- Writing ------------------------------------------------------------------------------------

const encoder = new TextEncoder();

export function pack(value: Packable): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  write(value, out);
  return Uint8Array.from(out);
}

function write(value: Packable, out: number[]): void {
  if (value === null) {
    out.push(0xc0);
  } else if (typeof value === "boolean") {
    out.push(value ? 0xc3 : 0xc2);
  } else if (typeof value === "number") {
    writeNumber(value, out);
  } else if (typeof value === "string") {
    const bytes = encoder.encode(value);
    writeLength(bytes.length, [0xa0, 31], [0xd9, 0xda, 0xdb], out);
    for (const byte of bytes) out.push(byte);
  } else if (value instanceof Uint8Array) {
    writeLength(value.length, undefined, [0xc4, 0xc5, 0xc6], out);
    for (const byte of value) out.push(byte);
  } else if (Array.isArray(value)) {
    writeLength(value.length, [0x90, 15], [undefined, 0xdc, 0xdd], out);
    for (const each of value as readonly Packable[]) write(each, out);
  } else {
    const fields = Object.entries(value).filter(([, each]) => each !== undefined);
    writeLength(fields.length, [0x80, 15], [undefined, 0xde, 0xdf], out);
    for (const [name, each] of fields) {
      write(name, out);
      write(each as Packable, out);
    }
  }
}

function writeNumber(value: number, out: number[]): void {
  if (!Number.isSafeInteger(value)) {
    out.push(0xcb);
    bigEndian(8, (view) => view.setFloat64(0, value), out);
  } else if (value < -32) {
    out.push(0xd3);
    bigEndian(8, (view) => view.setBigInt64(0, BigInt(value)), out);
  } else if (value < 0) {
    out.push(value + 0x100);
  } else if (value < WHOLE_UINT32) {
    writeLength(value, [0, 0x7f], [0xcc, 0xcd, 0xce], out);
  } else {
    out.push(0xcf);
    bigEndian(8, (view) => view.setBigUint64(0, BigInt(value)), out);
  }
}

/** `fix` is the byte that has lengths up to a greatest one in itself; `codes` are those for one, two and
 * four bytes. */
function writeLength(
  length: number,
  fix: readonly [code: number, max: number] | undefined,
  codes: readonly [number | undefined, number, number],
  out: number[],
): void {
  const [one, two, four] = codes;
  if (fix && length <= fix[1]) out.push(fix[0] + length);
  else if (one !== undefined && length < 0x100) out.push(one, length);
  else if (length < 0x10000) out.push(two, length >> 8, length & 0xff);
  else {
    out.push(four);
    bigEndian(4, (view) => view.setUint32(0, length), out);
  }
}

function bigEndian(size: number, set: (view: DataView) => void, out: number[]): void {
  const bytes = new Uint8Array(size);
  set(new DataView(bytes.buffer));
  out.push(...bytes);
}

// --- Reading ------------------------------------------------------------------------------------

/** The bytes are no MessagePack, or not whole. */
export class UnpackError extends Error {}

/** Stands for an extension, which is no value of the protocol. */
export const EXTENSION = Symbol("extension");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** To make a short text here takes less time than to ask the decoder. */
const SHORT_BYTES = 24;

/** Reads values one after another; maps become maps. */
export class Unpacker {
  /** Where the next value begins. */
  at = 0;

  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Throws `UnpackError`. */
  next(depth = 0): unknown {
    if (depth > DEPTH_MAX) throw new UnpackError("nested too deeply");
    const code = this.uint(1);
    if (code < 0x80) return code;
    if (code < 0x90) return this.map(code & 15, depth);
    if (code < 0xa0) return this.array(code & 15, depth);
    if (code < 0xc0) return this.text(code & 31);
    if (code >= 0xe0) return code - 0x100;
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.binary(this.uint(1 << (code - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.extension(this.uint(1 << (code - 0xc7)));
      case 0xca:
        return this.view.getFloat32(this.skip(4));
      case 0xcb:
        return this.view.getFloat64(this.skip(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.uint(1 << (code - 0xcc));
      case 0xcf:
        return Number(this.view.getBigUint64(this.skip(8)));
      case 0xd0:
        return this.view.getInt8(this.skip(1));
      case 0xd1:
        return this.view.getInt16(this.skip(2));
      case 0xd2:
        return this.view.getInt32(this.skip(4));
      case 0xd3:
        return Number(this.view.getBigInt64(this.skip(8)));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.extension(1 << (code - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.uint(1 << (code - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.array(this.uint(2 << (code - 0xdc)), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.uint(2 << (code - 0xde)), depth);
      default:
        throw new UnpackError("a byte that begins no value");
    }
  }

  /** Past so many bytes; returns where they begin. */
  private skip(size: number): number {
    const begin = this.at;
    if (size > this.bytes.length - begin) throw new UnpackError("not whole");
    this.at += size;
    return begin;
  }

  private uint(size: number): number {
    const begin = this.skip(size);
    if (size === 1) return this.view.getUint8(begin);
    return size === 2 ? this.view.getUint16(begin) : this.view.getUint32(begin);
  }

  private binary(size: number): Uint8Array {
    const begin = this.skip(size);
    return this.bytes.slice(begin, begin + size);
  }

  private extension(size: number): typeof EXTENSION {
    this.skip(1 + size);
    return EXTENSION;
  }

  private text(size: number): string {
    const begin = this.skip(size);
    if (size <= SHORT_BYTES) {
      let text = "";
      for (let at = begin; at < this.at; at += 1) {
        const byte = this.bytes[at] ?? 0;
        if (byte >= 0x80) return this.decoded(begin);
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return this.decoded(begin);
  }

  private decoded(begin: number): string {
    try {
      return decoder.decode(this.bytes.subarray(begin, this.at));
    } catch {
      throw new UnpackError("a text that is not UTF-8");
    }
  }

  private array(length: number, depth: number): unknown[] {
    const items: unknown[] = [];
    // As many as there are bytes for: the length is only what somebody says.
    for (let count = 0; count < length; count += 1) items.push(this.next(depth + 1));
    return items;
  }

  private map(length: number, depth: number): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    for (let count = 0; count < length; count += 1) {
      const key = this.next(depth + 1);
      map.set(key, this.next(depth + 1));
    }
    return map;
  }
}
