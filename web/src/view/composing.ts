/** What the composer reckons with. */

import { TEXT_CHARS_MAX } from "../protocol/limits.ts";

/** From so many characters before the limit on it is said how many are left. */
export const TOLD_FROM = 500;

/** How many characters may still be written, negative if it is too long; undefined far from that. */
export function charsLeft(text: string): number | undefined {
  // No text has more characters than code units, so most need not be counted.
  if (text.length < TEXT_CHARS_MAX - TOLD_FROM) return undefined;
  let chars = 0;
  for (const _ of text) chars += 1;
  const left = TEXT_CHARS_MAX - chars;
  return left > TOLD_FROM ? undefined : left;
}

/** Whether the field shows more than a line, so that arrows move in it. */
export function isTall(field: HTMLTextAreaElement): boolean {
  return field.clientHeight > 1.8 * parseFloat(getComputedStyle(field).lineHeight);
}

const KEPT_MAX = 100;

/** What was sent from here, for going back to it; the text that was being written is its end. */
export class History {
  #texts: string[] = [];
  #at = 0;
  #written = "";

  get isWalking(): boolean {
    return this.#at < this.#texts.length;
  }

  add(text: string): void {
    if (text !== "" && text !== this.#texts.at(-1)) this.#texts.push(text);
    if (this.#texts.length > KEPT_MAX) this.#texts.shift();
    this.leave();
  }

  leave(): void {
    this.#at = this.#texts.length;
  }

  /** The one before, `written` being in the field now; undefined if there is none. */
  older(written: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (!this.isWalking) this.#written = written;
    this.#at -= 1;
    return this.#texts[this.#at];
  }

  /** The one after, and after the last one what was being written. */
  newer(): string | undefined {
    if (!this.isWalking) return undefined;
    this.#at += 1;
    return this.isWalking ? this.#texts[this.#at] : this.#written;
  }
}
