/** What an authenticator on a phone is given (RFC 6238), and codes for when the phone is lost. */

import * as LIMITS from "../../protocol/limits.ts";

/** 80 bits, which are 16 characters of base32 without any padding. */
const RECOVERY_CODE_BYTES = 10;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function newTotpSecret(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(LIMITS.TOTP_SECRET_BYTES));
}

/** Each works once, in the place of a one-time code. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: LIMITS.RECOVERY_CODES_MAX }, () => {
    const code = asBase32(crypto.getRandomValues(new Uint8Array(RECOVERY_CODE_BYTES)));
    return code.toLowerCase().replace(/.{4}(?=.)/g, "$&-");
  });
}

/** Of a whole number of five bytes, so that there is no padding. */
export function asBase32(bytes: Uint8Array): string {
  let text = "";
  let [bits, held] = [0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET.charAt((held >> (bits - 5)) & 31);
    held &= (1 << bits) - 1;
  }
  return text;
}

/** As authenticators read it: the key URI format of Google Authenticator. */
export function keyUri(name: string, secret: Uint8Array): string {
  const label = encodeURIComponent(name);
  return `otpauth://totp/zchat:${label}?secret=${asBase32(secret)}&issuer=zchat`;
}
