/** Nonces: how a command that is sent twice, or has been overtaken, is recognised. */

import { NONCE_BYTES, NONCE_PREFIX_BYTES } from "./limits.ts";

/**
 * Of the command `number` of the client that keeps `prefix` for its life. Numbers only rise, and so
 * do the bytes: nonces of one prefix compare as their numbers do.
 */
export function nonce(prefix: Uint8Array, number: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(NONCE_BYTES);
  bytes.set(prefix);
  new DataView(bytes.buffer).setBigUint64(NONCE_PREFIX_BYTES, BigInt(number));
  return bytes;
}

/** The number of a nonce of this prefix; undefined for one of another client. */
export function numberOf(of: Uint8Array, prefix: Uint8Array): number | undefined {
  if (of.length !== NONCE_BYTES || prefix.some((byte, at) => byte !== of[at])) return undefined;
  return Number(new DataView(of.buffer, of.byteOffset).getBigUint64(NONCE_PREFIX_BYTES));
}

/**
 * The number of the next command of a client whose last one had `former`. It is the time, so that it rises
 * also where what the browser keeps was put back to what it was a while ago, as with a restored profile:
 * a number that comes twice would get the answer to what was said under it first, and be said by nobody.
 */
export function nextNumber(former: number, nowMs: number): number {
  return Math.max(former + 1, nowMs);
}
