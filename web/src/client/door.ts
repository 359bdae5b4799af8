/** Before there is a session: who was here, and who comes in. */

import { RefusedError, type Chat, type Credentials as Wanted, type Door } from "../chat.ts";
import { Credentials } from "../core/credentials.ts";
import type { Event, SessionBegun } from "../core/events.ts";
import { ClientCore } from "../core/machine.ts";
import { DEVICE_NAME_CHARS_MAX, NONCE_PREFIX_BYTES } from "../protocol/limits.ts";
import { canonicalName } from "../protocol/names.ts";
import { openIndexed } from "../storage/indexed.ts";
import { Ledger, NOWHERE } from "../storage/ledger.ts";
import { MemoryStore } from "../storage/memory.ts";
import { accounts, forgetAccount, remember, slotFor, type Account } from "../storage/registry.ts";
import type { Claim, Loaded, Store } from "../storage/store.ts";
import { words } from "../text/text.ts";
import { Session, type Beginning } from "./chat.ts";
import { Leader, type Outlet } from "./leader.ts";
import { Line } from "./line.ts";

const SOFTWARE = "zchat-web";
/** A browser takes minutes to say that nobody answers, and connects to a gateway that sleeps for as long. */
const CONNECT_TIMEOUT_S = 15;

/** What of an account is at hand before its chat begins. */
interface Opened {
  readonly store: Store;
  readonly loaded: Loaded;
  readonly trouble: string;
}

export function createDoor(): Door {
  let session: Session | undefined;
  return {
    remembered: async () => {
      const known = accounts().find(({ isOut }) => !isOut);
      return known?.name;
    },
    enter: async (wanted) => {
      session?.close();
      session = undefined;
      const name = canonicalName(wanted.name) ?? wanted.name;
      const known = accounts().find((account) => account.name === name);
      const isBack = known && !known.isOut && !isTyped(wanted);
      session = isBack ? await comeBack(known) : await logIn(name, wanted, known);
      return session satisfies Chat;
    },
  };
}

/** Whether more is said than who it is. */
function isTyped({ password, register }: Wanted): boolean {
  return password !== undefined || register === true;
}

/** From what is kept, whether the server can be reached or not. */
async function comeBack(account: Account): Promise<Session> {
  const opened = await openStore(account);
  remember(account);
  const credentials = new Credentials({ cluster: account.cluster, account: !opened.loaded.guest });
  const session = new Session(beginningOf(account, opened, credentials));
  if (opened.trouble) session.notice(opened.trouble, true);
  session.begin();
  return session;
}

async function logIn(name: string, wanted: Wanted, known: Account | undefined): Promise<Session> {
  const slot = known?.slot ?? slotFor(name);
  if (!known || isTyped(wanted)) await renewCookie(slot, name);
  const before = known && (await openStore(known));
  const claim = await before?.store.claim();
  const device = wanted.remember ? (known?.device ?? deviceName()) : undefined;
  const credentials = new Credentials({
    ...(wanted.password !== undefined && { password: wanted.password }),
    ...(wanted.code !== undefined && { code: wanted.code }),
    ...(wanted.invitation !== undefined && { invitation: wanted.invitation }),
    ...(wanted.newPassword !== undefined && { newPassword: wanted.newPassword }),
    register: wanted.register ?? false,
    device: device ?? "",
    cluster: known?.cluster ?? "",
  });
  const prefix =
    before?.loaded.prefix ?? crypto.getRandomValues(new Uint8Array(NONCE_PREFIX_BYTES));
  const core = coreOf(name, credentials, prefix, claim);
  const heard: Event[] = [];
  const line = new Line(core, socketUrl(slot), () => undefined);
  try {
    await untilBegun(line, heard);
  } catch (error) {
    line.stop();
    before?.store.close();
    // Another cluster is there now: what is kept is of the one before.
    if (known && core.cluster && core.cluster !== known.cluster) {
      forgetAccount(known);
      return logIn(name, wanted, undefined);
    }
    throw error;
  }
  const account: Account = {
    name: core.name,
    cluster: core.cluster,
    slot,
    ...(device !== undefined && { device }),
  };
  const opened = before ?? (await openStore(account));
  remember(account);
  const session = new Session(beginningOf(account, opened, credentials));
  if (opened.trouble) session.notice(opened.trouble, true);
  const its = claim ?? (await opened.store.claim());
  const leader = leaderOf(core, line, account, opened, its, session.outlet);
  session.begin(leader);
  leader.hear(heard);
  session.sayLed();
  leader.start();
  return session;
}

/** Rejects with `RefusedError`; resolves once `heard` has the beginning of a session. */
function untilBegun(line: Line, heard: Event[]): Promise<SessionBegun> {
  return new Promise((resolve, reject) => {
    line.hear = (events) => {
      heard.push(...events);
      for (const event of events) {
        if (event.kind === "session_begun") resolve(event);
        if (event.kind === "fatal") {
          const { code, reason, retry_after_ms: retryAfterMs } = event.refused;
          reject(new RefusedError(code, reason, retryAfterMs));
        }
        if (event.kind === "connection_failed") {
          reject(new RefusedError("unavailable", event.reason, event.retryInS * 1000));
        }
      }
    };
    line.turn();
  });
}

function beginningOf(account: Account, opened: Opened, credentials: Credentials): Beginning {
  const { store, loaded } = opened;
  return {
    name: account.name,
    cluster: account.cluster,
    device: account.device,
    store,
    loaded,
    lead: async (outlet, away) => {
      // Where nothing can be kept any more the server says all of it again.
      const claim = await store.claim().catch(() => ({ term: 0, position: NOWHERE }));
      const core = coreOf(account.name, credentials, loaded.prefix, claim, away);
      const line = new Line(core, socketUrl(account.slot), () => undefined);
      line.heardAtMs = loaded.heardAtMs;
      return leaderOf(core, line, account, opened, claim, outlet);
    },
    shutOut: (code) => {
      if (SHUT_OUT.has(code)) remember({ ...account, isOut: true });
    },
    forget: async () => {
      forgetAccount(account);
      await forgetCookie(account.slot);
    },
  };
}

/** After these the cookie is worth nothing, and the person must say more. */
const SHUT_OUT: ReadonlySet<string> = new Set([
  "password_required",
  "unknown_token",
  "name_in_use",
  "session_ended",
  "other",
]);

function leaderOf(
  core: ClientCore,
  line: Line,
  account: Account,
  { store, loaded }: Opened,
  { term, position }: Claim,
  outlet: Outlet,
): Leader {
  const ledger = new Ledger(account.name, position);
  return new Leader(core, line, { store, ledger, term, prefix: loaded.prefix }, outlet);
}

function coreOf(
  name: string,
  credentials: Credentials,
  noncePrefix: Uint8Array,
  claim: Claim | undefined,
  away?: string,
): ClientCore {
  const cursors = new Map(Object.entries(claim?.position.known.cursors ?? {}));
  return new ClientCore({
    name,
    credentials,
    noncePrefix,
    software: SOFTWARE,
    cursors,
    connectTimeoutS: CONNECT_TIMEOUT_S,
    ...(away !== undefined && { away }),
  });
}

async function openStore({ cluster, name }: Account): Promise<Opened> {
  let store: Store;
  let trouble = "";
  try {
    if (!("locks" in navigator)) throw new Error(words("chat.no_locks"));
    store = await openIndexed(cluster, name);
    return { store, loaded: await store.load(), trouble };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    trouble = words("chat.not_kept", { why });
    store = new MemoryStore();
    return { store, loaded: await store.load(), trouble };
  }
}

/** Each account of the browser has a socket, and a cookie, of its own. */
function socketUrl(slot: number): string {
  const url = new URL(`/socket/${slot}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** By slot: for whom this page has had its cookie made. */
const renewed = new Map<number, string>();

/**
 * A cookie lets in whom it was made for, and nobody else. The one that is there may be that of somebody who
 * has logged out without a connection, or it was put there by whoever wants to come in with it later.
 */
async function renewCookie(slot: number, name: string): Promise<void> {
  // The same again, if one tries again: what was asked for with it may have been done.
  if (renewed.get(slot) === name) return;
  await forgetCookie(slot);
  renewed.set(slot, name);
}

/** Rejects with a `RefusedError`. */
async function forgetCookie(slot: number): Promise<void> {
  const response = await fetch(`/socket/${slot}`, { method: "DELETE" }).catch(() => undefined);
  if (!response?.ok) throw new RefusedError("unavailable", words("chat.unreachable"), 0);
}

/**
 * What the list of the account's devices calls this browser. With a number by chance, since people have
 * the same browser on several machines, and the one that logs out has to find itself.
 */
function deviceName(): string {
  const agent = navigator.userAgent;
  const browsers = ["Firefox", "Edg", "OPR", "Chrome", "Safari"];
  const systems = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"];
  const browser = browsers.find((each) => agent.includes(each)) ?? "a browser";
  const system = systems.find((each) => agent.includes(each)) ?? "some system";
  const [number = 0] = crypto.getRandomValues(new Uint16Array(1));
  return `${browser} on ${system} (${number})`.slice(0, DEVICE_NAME_CHARS_MAX);
}
