/**
 * Who was here in this browser: the little that must be known before anything of a user can be
 * opened. No secret is in it: the cookie that lets a user in again can be read by no script.
 */

import { strayIn } from "../protocol/names.ts";

/** Somebody who may come back without a password, as far as this browser knows. */
export interface Account {
  readonly name: string;
  readonly cluster: string;
  /** Which of the browser's cookies is theirs: the door has so many sockets. */
  readonly slot: number;
  /** What the list of the account's devices calls this browser; left out if it is not in that. */
  readonly device?: string;
  /** The server has said that it takes more than the cookie to come back. */
  readonly isOut?: boolean;
}

/** As many cookies as the door keeps apart. */
export const SLOTS = 10;
const KEY = "zchat accounts";

/** Whoever was here last comes first; but a page that is loaded again stays who it was. */
export function accounts(): readonly Account[] {
  const all = read();
  const here = tried(() => sessionStorage.getItem(KEY)) ?? undefined;
  const own = all.filter((each) => String(each.slot) === here);
  return [...own, ...all.filter((each) => !own.includes(each))];
}

export function remember(account: Account): void {
  write([
    account,
    ...read().filter((each) => each.slot !== account.slot && !isSame(each, account)),
  ]);
  tried(() => sessionStorage.setItem(KEY, String(account.slot)));
}

export function forgetAccount({ slot }: Account): void {
  write(read().filter((each) => each.slot !== slot));
  tried(() => sessionStorage.removeItem(KEY));
}

/** The one that a name has, or one that is free; else that of whoever was not here for longest. */
export function slotFor(name: string): number {
  const all = read();
  const own = all.find((each) => each.name === name);
  if (own) return own.slot;
  const taken = new Set(all.map(({ slot }) => slot));
  for (let slot = 0; slot < SLOTS; slot += 1) if (!taken.has(slot)) return slot;
  return all.at(-1)?.slot ?? 0;
}

function isSame(one: Account, other: Account): boolean {
  return one.name === other.name && one.cluster === other.cluster;
}

function read(): readonly Account[] {
  const text = tried(() => localStorage.getItem(KEY));
  const found: unknown = tried(() => JSON.parse(text ?? "[]"));
  return Array.isArray(found) ? found.filter(isAccount) : [];
}

function write(all: readonly Account[]): void {
  tried(() => localStorage.setItem(KEY, JSON.stringify(all)));
}

function isAccount(found: unknown): found is Account {
  if (typeof found !== "object" || found === null) return false;
  const { name, cluster, slot, device } = found as Partial<Record<keyof Account, unknown>>;
  return (
    typeof name === "string" &&
    !strayIn(name) &&
    typeof cluster === "string" &&
    Number.isInteger(slot) &&
    (device === undefined || typeof device === "string")
  );
}

/** Some private modes have no storage: then one enters by name and password again. */
function tried<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
