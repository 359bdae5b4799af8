/** What can never be sent is said here, in a sentence, before it is written down. */

import { TEXT_CHARS_MAX } from "../protocol/limits.ts";
import type { Draft } from "../protocol/messages.ts";
import { isVisible, strayIn } from "../protocol/names.ts";
import type { Key } from "../model/shapes.ts";
import { words } from "../text/text.ts";

/** What says `text` in a conversation. Throws a `RangeError`. */
export function saying(key: Key, text: string, replyTo: number): Draft {
  const said = sayable(text);
  const name = key.slice(1);
  const reply = replyTo ? { reply_to: replyTo } : {};
  return key.startsWith("#")
    ? { kind: "post", room: name, text: said, ...reply }
    : { kind: "send_private", to: name, text: said, ...reply };
}

/** As it will stand in the log. */
export function sayable(text: string): string {
  const said = text.replaceAll("\r\n", "\n");
  if (!isVisible(said)) throw new RangeError(words("chat.empty"));
  if (/\p{Cs}/u.test(said)) throw new RangeError(words("chat.half"));
  const stray = strayIn(said);
  if (stray !== undefined) {
    const code = (stray.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw new RangeError(words("chat.stray", { code }));
  }
  const length = [...said].length;
  if (length > TEXT_CHARS_MAX) {
    throw new RangeError(words("chat.long", { most: TEXT_CHARS_MAX, count: length }));
  }
  return said;
}

/** Commands that wait in the outbox, over tabs and restarts. None holds a secret. */
const KEPT: ReadonlySet<Draft["kind"]> = new Set([
  "post",
  "send_private",
  "edit_message",
  "delete_message",
  "add_reaction",
  "remove_reaction",
  "pin_message",
  "unpin_message",
  "report_message",
  "set_topic",
  "leave_room",
]);

export function isKept(draft: Draft): boolean {
  return KEPT.has(draft.kind);
}
