/** How many colours authors' names have; the same as in the terminal client. */
export const HUES = 8;

/** Which of them a name has: by CRC-32 of its UTF-8, so the same on every screen. */
export function hueOf(name: string): number {
  let hue = hues.get(name);
  if (hue === undefined) {
    hue = crc32(new TextEncoder().encode(name)) % HUES;
    // Names come from others, and there may be any number of them.
    if (hues.size >= NAMES_MAX) hues.clear();
    hues.set(name, hue);
  }
  return hue;
}

const NAMES_MAX = 10_000;
const hues = new Map<string, number>();

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
