/**
 * Who was here in this browser: the little that must be known before anything of a user can be
 * opened. No secret is in it; the cookie that lets the user in again is the browser's own.
 */

/** Who may come back without a password, as far as this browser knows. */
export interface Remembered {
  readonly name: string;
  readonly cluster: string;
}

const KEY = "zchat";

/** Undefined for nobody, and where nothing can be kept. */
export function remembered(): Remembered | undefined {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return isRemembered(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

export function remember(who: Remembered): void {
  tried(() => localStorage.setItem(KEY, JSON.stringify(who)));
}

export function forgetRemembered(): void {
  tried(() => localStorage.removeItem(KEY));
}

function isRemembered(found: unknown): found is Remembered {
  if (typeof found !== "object" || found === null) return false;
  const { name, cluster } = found as Partial<Record<keyof Remembered, unknown>>;
  return typeof name === "string" && typeof cluster === "string";
}

/** Some private modes have no storage: then one enters by name and password again. */
function tried(what: () => void): void {
  try {
    what();
  } catch {
    return;
  }
}
