/** Keys while a message is selected, or the timeline has the focus: those of the terminal client. */

import type { Screen } from "../screen.ts";
import { act, type Act } from "./acts.ts";
import type { Row } from "./rows.ts";

/** What keys need of the timeline. */
export interface Place {
  rows(): readonly Row[];
  /** The keys of the first and last row that are seen. */
  seen(): readonly [first: string, last: string];
  /** "" for none. */
  select(key: string): void;
  page(pages: number): void;
  /** Shows folded rows one by one, or folds them again. */
  unfold(key: string): void;
  element(key: string): HTMLElement | undefined;
  /** A mouse has brought the focus here, to select text or by chance, and no message was chosen since. */
  isPointed(): boolean;
}

const ACTS: Readonly<Record<string, Act>> = {
  r: "reply",
  e: "edit",
  d: "delete",
  "+": "react",
  a: "react",
  p: "pin",
  v: "versions",
  y: "copy",
  u: "mark-unread",
  "!": "report",
};

export function onKey(event: KeyboardEvent, screen: Screen, place: Place): void {
  if (event.defaultPrevented || event.isComposing || event.metaKey || event.altKey) return;
  // Buttons and links have keys of their own.
  const onRow = event.target instanceof HTMLElement && !event.target.matches("a, button");
  if (!onRow && event.key !== "Escape") return;
  const taken = event.ctrlKey ? onControl(event, place) : onPlain(event, screen, place);
  if (taken) event.preventDefault();
}

function onControl(event: KeyboardEvent, place: Place): boolean {
  if (event.shiftKey || (event.key !== "d" && event.key !== "u")) return false;
  place.page(event.key === "d" ? 0.5 : -0.5);
  return true;
}

function onPlain(event: KeyboardEvent, screen: Screen, place: Place): boolean {
  if (place.isPointed() && isLetter(event)) {
    screen.write();
    return false;
  }
  const rows = place.rows();
  const at = rows.findIndex((row) => row.key === screen.selected.peek());
  const row = rows[at];
  switch (event.key) {
    case "j":
    case "ArrowDown":
      if (at >= 0 && at === rows.length - 1) screen.write();
      else go(place, rows, at < 0 ? indexOf(rows, place.seen()[0]) : at + 1);
      return true;
    case "k":
    case "ArrowUp":
      go(place, rows, at < 0 ? indexOf(rows, place.seen()[1]) : at - 1);
      return true;
    case "g":
    case "Home":
      go(place, rows, 0);
      return true;
    case "G":
    case "End":
      go(place, rows, rows.length - 1);
      return true;
    case "PageDown":
    case "PageUp":
      place.page(event.key === "PageDown" ? 0.9 : -0.9);
      return true;
    case "Escape":
    case "i":
      screen.write();
      return true;
    case "o":
      return row !== undefined && openLink(screen, place, row);
    case "Enter":
      if (row !== undefined) enter(screen, place, row);
      return true;
    case "/":
      return false;
  }
  const what = ACTS[event.key];
  if (what !== undefined && row !== undefined) {
    const failed = row.item.type === "said" && row.item.delivery === "failed";
    void act(screen, failed && what === "reply" ? "retry" : what, row.item);
    return true;
  }
  // A letter without a meaning here is the first one of a message: it goes where the focus is then.
  if (isLetter(event)) screen.write();
  return false;
}

/** What begins a message, when it means nothing else. */
function isLetter({ key }: KeyboardEvent): boolean {
  return key.length === 1 && key !== " " && key !== "?" && key !== "/";
}

function go(place: Place, rows: readonly Row[], at: number): void {
  const row = rows[Math.max(0, Math.min(rows.length - 1, at))];
  if (row !== undefined) place.select(row.key);
}

function indexOf(rows: readonly Row[], key: string): number {
  const at = rows.findIndex((row) => row.key === key);
  return at < 0 ? rows.length - 1 : at;
}

/** Unfolds it, or goes to the message that it answers. */
function enter(screen: Screen, place: Place, { key, item, folded }: Row): void {
  if (folded.length > 0) place.unfold(key);
  else if (item.type === "said" && item.replyTo > 0) {
    screen.goTo(screen.chat.opened.peek(), item.replyTo);
  } else place.element(key)?.querySelector<HTMLElement>("[data-deed=fold]")?.click();
}

/** Opens the only link; of several, the keys go to the first, and Tab to the others. */
function openLink(screen: Screen, place: Place, { key, item }: Row): boolean {
  const links = [...(place.element(key)?.querySelectorAll<HTMLElement>("a") ?? [])];
  if (links.length > 1) {
    for (const link of links) link.tabIndex = 0;
    links[0]?.focus();
  } else void act(screen, "open-link", item);
  return true;
}
