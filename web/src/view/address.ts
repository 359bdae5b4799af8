/**
 * The page's address and the browser's "back". The conversation that is open stands in the address: it is
 * there again when the page is loaded anew, and each tab has its own. On a narrow page "back" leads from a
 * conversation to the list.
 */

import { effect } from "@preact/signals";

import type { Key } from "../model/shapes.ts";
import { LOG_NAME_CHARS_MAX } from "../protocol/limits.ts";
import type { Screen } from "./screen.ts";

/** The key in the part of an address from its `#` on; undefined if there is none. */
export function keyIn(hash: string): Key | undefined {
  let text: string;
  try {
    text = decodeURIComponent(hash);
  } catch {
    return undefined;
  }
  // `#garden` is the room's own key, and `#@ann` has the sign of a person after that of the address.
  const key = text.startsWith("#@") ? text.slice(1) : text;
  return /^[#@][\p{L}\p{M}\p{N}_.-]+$/u.test(key) && key.length <= LOG_NAME_CHARS_MAX
    ? key
    : undefined;
}

export function hashOf(key: Key): string {
  return `#${encodeURIComponent(key.startsWith("#") ? key.slice(1) : key)}`;
}

/** What an entry of the browser's history is. One without is new: an address was typed or clicked. */
type Place = "begin" | "inside" | "outside";

function put(place: Place | null, hash = location.hash): void {
  // Besides the first there is one entry at most, and what one does goes into the newest.
  history.replaceState(place, "", hash);
}

/** Opens what the address says, and follows from then on; returns what ends that. */
export function followAddress(screen: Screen): () => void {
  const { chat, narrow, list, panel } = screen;
  const place = (): Place | null => history.state as Place | null;
  const isInside = () => narrow.peek() && (!list.peek() || panel.peek() !== undefined);
  const sayOpened = () => {
    const key = chat.opened.peek();
    if (key !== "" && location.hash !== hashOf(key)) put(place(), hashOf(key));
  };

  const asked = keyIn(location.hash);
  if (asked !== undefined && asked !== chat.opened.peek()) chat.open(asked);
  if (place() === null) put("begin");
  const stops = [
    chat.opened.subscribe(sayOpened),
    effect(() => {
      void [narrow.value, list.value, panel.value];
      // Never history.back(): it comes later, and might undo what the person did meanwhile.
      if (isInside() && place() === "outside") put("inside");
      else if (isInside() && place() === "begin") history.pushState("inside", "");
      else if (!isInside() && place() === "inside") put("outside");
    }),
  ];
  const onBack = () => {
    if (place() !== "begin") return;
    sayOpened();
    if (!isInside()) return;
    if (panel.peek() !== undefined) panel.value = undefined;
    else list.value = true;
    // A panel was closed, and there is still the conversation to go back from.
    if (isInside()) history.pushState("inside", "");
  };
  const onAddress = () => {
    const key = keyIn(location.hash);
    if (place() !== null) sayOpened();
    else {
      put(isInside() ? "inside" : "outside");
      if (key !== undefined && key !== chat.opened.peek()) screen.goTo(key);
    }
  };
  addEventListener("popstate", onBack);
  addEventListener("hashchange", onAddress);
  return () => {
    for (const stop of stops) stop();
    removeEventListener("popstate", onBack);
    removeEventListener("hashchange", onAddress);
    // Whoever comes next has other conversations.
    history.replaceState(null, "", location.pathname + location.search);
  };
}
