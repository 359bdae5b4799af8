/** Emoji by name: what Unicode calls them, and what people do. Ported from zchat/client/model/emoji.py. */

import { EMOJI } from "../protocol/emoji.ts";

export interface Named {
  readonly name: string;
  readonly emoji: string;
}

/** Code, which stays as it is, or a name between colons. */
const CODE = /(```[^]*?```|`[^`\n]+`)/;
const NAMED = /(?<![\p{L}\p{N}_:]):([-+\p{L}\p{N}_]+):(?![\p{L}\p{N}_:])/gu;
/** What is offered before anything is typed. */
const QUICK =
  "+1 heart joy tada eyes check thinking -1 pray fire rocket wave clap sob 100 question x coffee cake bug";

let names: ReadonlyMap<string, string> | undefined;

/** Made once somebody wants one, in a millisecond. */
function byName(): ReadonlyMap<string, string> {
  names ??= new Map(
    EMOJI.trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
  return names;
}

/** By its whole name, in any case. */
export function emojiNamed(name: string): string | undefined {
  return byName().get(asName(name));
}

/** Those whose names begin so, shortest first, then those with a word that does. */
export function emojiBeginning(begin: string, max: number): Named[] {
  const wanted = asName(begin);
  if (!wanted) return [];
  const found: (Named & { readonly rank: number })[] = [];
  for (const [name, emoji] of byName()) {
    if (name.startsWith(wanted)) found.push({ name, emoji, rank: name.length });
    else if (name.includes(`_${wanted}`)) found.push({ name, emoji, rank: 1_000 + name.length });
  }
  found.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
  return found.slice(0, max);
}

export function quickEmoji(): Named[] {
  return QUICK.split(" ").flatMap((name) => {
    const emoji = byName().get(name);
    return emoji === undefined ? [] : [{ name, emoji }];
  });
}

/** `:tada:` looks like the command `tada:`, and is a message. */
export function beginsWithEmoji(text: string): boolean {
  const name = /^:([a-z0-9_+-]+):(?=\s|$)/.exec(text.trim())?.[1];
  return name !== undefined && emojiNamed(name) !== undefined;
}

/** The text with each name between colons replaced by its emoji, except in code. */
export function emojied(text: string): string {
  if (!text.includes(":")) return text;
  const replaced = (part: string) =>
    part.replace(NAMED, (whole, name: string) => emojiNamed(name) ?? whole);
  return text
    .split(CODE)
    .map((part, at) => (at % 2 ? part : replaced(part)))
    .join("");
}

function asName(text: string): string {
  const lower = text.replace(/^:+|:+$/g, "").toLowerCase();
  // The name `-1` begins with what stands between words elsewhere.
  return lower.slice(0, 1) + lower.slice(1).replace(/[- ]/g, "_");
}
