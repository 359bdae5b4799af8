/**
 * What was typed in the moment in which a page goes: a database has no time for it any more. The next
 * page of the same user puts it where it belongs.
 */

import type { Key } from "../model/shapes.ts";

/** `whose` is the name of the database. */
export function leaveWords(whose: string, drafts: ReadonlyMap<Key, string>): void {
  try {
    localStorage.setItem(keyOf(whose), JSON.stringify([...drafts]));
  } catch {
    // What the database did not get is lost with the page.
  }
}

export function takeWords(whose: string): ReadonlyMap<Key, string> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(keyOf(whose)) ?? "[]");
    localStorage.removeItem(keyOf(whose));
    return new Map(Array.isArray(found) ? found.filter(isDraft) : []);
  } catch {
    return new Map();
  }
}

export function forgetWords(whose: string): void {
  try {
    localStorage.removeItem(keyOf(whose));
  } catch {
    // Nor can it hold any.
  }
}

function isDraft(found: unknown): found is readonly [Key, string] {
  return Array.isArray(found) && found.length === 2 && found.every((e) => typeof e === "string");
}

function keyOf(whose: string): string {
  return `${whose} drafts`;
}
