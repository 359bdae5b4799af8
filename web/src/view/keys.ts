/**
 * All keys: those of the terminal client where browsers leave them free. What is done on the whole page
 * is done here; the timeline, the composer and the members do theirs themselves. dialogs/key_list.ts lists them.
 */

import { words } from "../text/more.ts";
import { quiet, setQuiet } from "./notifying.ts";
import type { Screen } from "./screen.ts";
import { nextTheme } from "./theme.ts";

/** A field takes letters; what else has the focus leaves them to the page. */
const WRITTEN_IN = "input, textarea, select, [contenteditable]";

/** Does what a key means on the whole page; returns what ends that. */
export function followKeys(screen: Screen): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    // What is in front of the page has the keyboard to itself.
    if (event.defaultPrevented || event.isComposing || screen.dialog.peek()) return;
    const does = meaning(screen, event);
    if (does === undefined) return;
    event.preventDefault();
    does();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}

function meaning(screen: Screen, event: KeyboardEvent): (() => void) | undefined {
  const { altKey, shiftKey, code, key } = event;
  // On a Mac the command key is what Control is elsewhere.
  const control = event.ctrlKey || event.metaKey;
  if (control && !altKey) return withControl(screen, code, shiftKey);
  // Alt makes other letters on some keyboards: the place of the key counts.
  if (altKey && !control && !shiftKey) return withAlt(screen, code);
  if (control || altKey) return undefined;
  return functionKey(screen, key) ?? plain(screen, event);
}

function withControl(screen: Screen, code: string, shift: boolean): (() => void) | undefined {
  if (code === "KeyK") return () => (screen.dialog.value = { name: shift ? "palette" : "go-to" });
  if (code === "KeyF" && shift) return () => openPanel(screen, "search");
  return undefined;
}

function withAlt(screen: Screen, code: string): (() => void) | undefined {
  const place = /^Digit([1-9])$/.exec(code)?.[1];
  if (place) return () => goToPlace(screen, Number(place) - 1);
  switch (code) {
    case "KeyA":
      return () => goToNextUnread(screen);
    case "KeyU":
      return () => goToFirstUnread(screen);
    case "KeyD":
      return () => (screen.dialog.value = { name: "date" });
    case "ArrowDown":
      return () => goToNeighbour(screen, 1);
    case "ArrowUp":
      return () => goToNeighbour(screen, -1);
    default:
      return undefined;
  }
}

function functionKey(screen: Screen, key: string): (() => void) | undefined {
  switch (key) {
    case "F1":
      return () => (screen.dialog.value = { name: "keys" });
    case "F2":
      return () => openPanel(screen, "members");
    case "F4":
      return () => {
        setQuiet(!quiet.peek());
        screen.hint.value = words(quiet.peek() ? "told.quiet" : "told.aloud");
      };
    case "F8":
      return () => openPanel(screen, "pins");
    case "F9":
      return () => (screen.hint.value = words(`theme.${nextTheme()}`));
    default:
      return undefined;
  }
}

function plain(screen: Screen, event: KeyboardEvent): (() => void) | undefined {
  if (event.target instanceof Element && event.target.matches(WRITTEN_IN)) return undefined;
  if (event.key === "?") return () => (screen.dialog.value = { name: "keys" });
  if (event.key === "/") return () => openPanel(screen, "search");
  if (event.key === "Escape") return () => screen.write();
  // What is typed anywhere else is the begin of a message: it goes where the focus is then.
  if (event.key.length === 1 && event.key !== " ") screen.write();
  return undefined;
}

// --- Where keys go -------------------------------------------------------------------------------

/** Shows it, then goes to it, then hides it. */
function openPanel(screen: Screen, panel: "members" | "pins" | "search"): void {
  const shown = document.querySelector(".panel");
  if (screen.panel.peek() !== panel) {
    screen.panel.value = panel;
  } else if (shown?.contains(document.activeElement)) {
    screen.panel.value = undefined;
    screen.write();
  } else {
    shown?.querySelector<HTMLElement>("[data-first], input, li button")?.focus();
  }
}

function goToPlace(screen: Screen, at: number): void {
  const found = screen.chat.conversations.peek()[at];
  if (found) screen.goTo(found.key);
}

function goToNeighbour(screen: Screen, by: number): void {
  const listed = screen.chat.conversations.peek();
  const at = listed.findIndex(({ key }) => key === screen.chat.opened.peek());
  goToPlace(screen, Math.max(0, Math.min(listed.length - 1, at + by)));
}

/** Those that mention the user come first, then those below the open one. */
function goToNextUnread(screen: Screen): void {
  const listed = screen.chat.conversations.peek();
  const at = listed.findIndex(({ key }) => key === screen.chat.opened.peek());
  const others = [...listed.slice(at + 1), ...listed.slice(0, Math.max(0, at))];
  const found =
    others.find(({ mentions }) => mentions > 0) ??
    others.find(({ unread, notify }) => unread > 0 && notify !== "nothing");
  if (found) screen.goTo(found.key);
}

function goToFirstUnread(screen: Screen): void {
  const { key, unreadAfter } = screen.chat.timeline.peek();
  if (unreadAfter > 0) screen.goTo(key, unreadAfter + 1);
}
