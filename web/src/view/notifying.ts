/**
 * What is told to somebody who does not look: one notification for each message and browser, by the
 * leading tab; none while the person looks at any tab of it. And how much is unread, in the title and
 * the icon of every tab.
 */

import { effect, signal, type ReadonlySignal } from "@preact/signals";

import type { Chat, Told } from "../chat.ts";
import { printable } from "../protocol/names.ts";
import { shortened } from "../text/entries.ts";
import { words } from "../text/more.ts";
import type { Screen } from "./screen.ts";

/** Shown of a message. */
const BODY_CHARS_MAX = 200;
/** Between two notifications: what comes meanwhile is told as one. */
const INTERVAL_MS = 2_000;
/** Held by every tab that the person looks at: the browser lets go of it if the tab dies. */
const LOOKED_AT = "zchat.looked-at";
const QUIET = "zchat.quiet";

// --- Whether the person wants it -----------------------------------------------------------------

type Allowed = NotificationPermission | "missing";

const allowed = signal<Allowed>("Notification" in globalThis ? Notification.permission : "missing");
export const permission: ReadonlySignal<Allowed> = allowed;

/** Because of a click: browsers ask for nothing else. */
export async function askPermission(): Promise<void> {
  allowed.value = await Notification.requestPermission();
}

const isQuiet = signal(kept());
/** Nothing is told for now. */
export const quiet: ReadonlySignal<boolean> = isQuiet;

export function setQuiet(quiet: boolean): void {
  isQuiet.value = quiet;
  try {
    localStorage.setItem(QUIET, quiet ? "yes" : "");
  } catch {
    // Then it holds until the page is closed.
  }
}

function kept(): boolean {
  try {
    return localStorage.getItem(QUIET) === "yes";
  } catch {
    // A browser may keep nothing for this page, and says so by an exception.
    return false;
  }
}

// --- What is told --------------------------------------------------------------------------------

/** Title and text of one notification for all of these, the newest last. */
export function notificationOf(told: readonly Told[]): { title: string; body: string } {
  const last = told.at(-1);
  if (!last) return { title: "", body: "" };
  const place = printable(last.title);
  const alone = last.kind === "private" || last.kind === "notices";
  if (told.length === 1) {
    const who = printable(last.author);
    return {
      title: alone ? who : words("told.in", { who, place }),
      body: shortened(printable(last.text), BODY_CHARS_MAX),
    };
  }
  const count = told.length;
  const places = new Set(told.map(({ key }) => key)).size;
  if (places > 1) {
    return { title: "zchat", body: words("told.many_places", { count, places: String(places) }) };
  }
  return {
    title: "zchat",
    body: words(alone ? "told.many_from" : "told.many_in", { count, place }),
  };
}

/** Tells what comes from now on; returns what ends it. */
export function notify(screen: Screen): () => void {
  const { chat } = screen;
  let waiting: Told[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let notBefore = -Infinity; // Of a steady clock.
  const tell = async () => {
    timer = undefined;
    // In the meantime some of it may have been read elsewhere.
    const told = waiting.filter((each) => isUnread(chat, each));
    waiting = [];
    if (told.length === 0 || (await isLookedAt())) return;
    notBefore = performance.now() + INTERVAL_MS;
    show(screen, told);
  };
  const stopHearing = chat.onTold((told) => {
    if (allowed.peek() !== "granted" || isQuiet.peek()) return;
    waiting.push(told);
    timer ??= setTimeout(() => void tell(), Math.max(0, notBefore - performance.now()));
  });
  const stopLooking = holdWhileLookedAt();
  const stopCounting = effect(() => showCount(chat));
  return () => {
    clearTimeout(timer);
    stopHearing();
    stopLooking();
    stopCounting();
  };
}

function isUnread(chat: Chat, { key }: Told): boolean {
  const found = chat.conversations.peek().find((each) => each.key === key);
  return found === undefined || found.unread > 0;
}

function show(screen: Screen, told: readonly Told[]): void {
  const { title, body } = notificationOf(told);
  const last = told.at(-1);
  if (!last) return;
  const options = { body, icon: "icon.svg", tag: last.key, data: { key: last.key } };
  try {
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      screen.goTo(last.key);
      notification.close();
    };
  } catch {
    // On phones only a service worker may; a click on it comes back as a message.
    void navigator.serviceWorker?.ready.then((worker) => worker.showNotification(title, options));
  }
}

// --- Whether somebody looks ----------------------------------------------------------------------

/** At any tab of this browser. */
async function isLookedAt(): Promise<boolean> {
  if (looks()) return true;
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === LOOKED_AT);
}

function looks(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

function holdWhileLookedAt(): () => void {
  let letGo: (() => void) | undefined;
  const follow = () => {
    if (looks() && letGo === undefined) {
      const looked = new Promise<void>((resolve) => (letGo = resolve));
      // Any number of tabs may hold it at a time.
      void navigator.locks?.request(LOOKED_AT, { mode: "shared" }, () => looked);
    } else if (!looks()) {
      letGo?.();
      letGo = undefined;
    }
  };
  const ways = [
    [window, "focus"],
    [window, "blur"],
    [document, "visibilitychange"],
  ] as const;
  for (const [target, type] of ways) target.addEventListener(type, follow);
  follow();
  return () => {
    for (const [target, type] of ways) target.removeEventListener(type, follow);
    letGo?.();
  };
}

// --- Title and icon ------------------------------------------------------------------------------

let icon = "";

function showCount(chat: Chat): void {
  const opened = chat.opened.value;
  let [unread, mentions] = [0, 0];
  for (const each of chat.conversations.value) {
    mentions += each.mentions;
    if (each.notify !== "nothing") unread += each.unread;
  }
  const found = chat.conversations.value.find(({ key }) => key === opened);
  const name = found ? `${printable(found.title)} · zchat` : "zchat";
  const count = mentions || unread;
  document.title = count ? words("title.count", { count, name }) : name;
  showIcon(mentions > 0 ? "mention" : unread > 0 ? "unread" : "");
  // On a phone, where the page is installed.
  void navigator.setAppBadge?.(mentions).catch(() => undefined);
}

const DOTS: Readonly<Record<string, string>> = { mention: "#f07178", unread: "#7aa2f7" };
let drawn: Promise<string> | undefined;

/** The icon as it is, with a dot for what is unread. */
function showIcon(dot: string): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (!link || dot === icon) return;
  icon = dot;
  drawn ??= fetch("icon.svg").then((answer) => answer.text());
  void drawn.then(
    (svg) => {
      if (dot === icon) link.href = addressOf(dot, svg);
    },
    () => (drawn = undefined),
  );
}

/** Each is made once: a browser may ask for one again long after another one was shown. */
const addresses = new Map<string, string>();

function addressOf(dot: string, svg: string): string {
  const known = addresses.get(dot);
  if (known !== undefined) return known;
  const circle = `<circle cx="76%" cy="24%" r="22%" fill="${DOTS[dot]}"/></svg>`;
  const whole = dot ? svg.replace(/<\/svg>\s*$/, circle) : svg;
  const address = URL.createObjectURL(new Blob([whole], { type: "image/svg+xml" }));
  addresses.set(dot, address);
  return address;
}
