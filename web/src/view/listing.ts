/** What the list of conversations says of each. */

import type { Conversation } from "../model/shapes.ts";
import { words } from "../text/text.ts";

/** Whether a conversation is meant by these letters: all words of them begin or stand in its title. */
export function matches({ title, key }: Conversation, letters: string): boolean {
  const name = `${key} ${title}`.toLowerCase();
  return letters
    .toLowerCase()
    .split(/\s+/)
    .every((word) => name.includes(word));
}

/** The sign before a title: of rooms the one that people write, of people whether they are there. */
export function signOf({ kind }: Conversation, isOnline: boolean): string {
  switch (kind) {
    case "private":
      return isOnline ? "●" : "○";
    case "several":
      return "∴";
    case "notices":
      return "!";
    case "room":
    case "lobby":
      return "#";
  }
}

/** For a screen reader, what signs and colours say to eyes. */
export function spokenState(conversation: Conversation, isOnline: boolean): string {
  const { kind, unread, mentions, notify, kept, hasDraft } = conversation;
  const parts: string[] = [];
  if (kind === "private") parts.push(words(isOnline ? "list.online" : "list.offline"));
  if (unread > 0) parts.push(words("list.unread", { count: unread }));
  if (mentions > 0 && kind !== "private") parts.push(words("list.mentions", { count: mentions }));
  if (notify === "nothing") parts.push(words("list.muted"));
  if (kept) parts.push(words("list.kept"));
  if (hasDraft) parts.push(words("list.draft"));
  return parts.map((part) => `, ${part}`).join("");
}

/** What is unread besides the open one; of those that are muted only mentions count. */
export function unreadElsewhere(
  conversations: readonly Conversation[],
  opened: string,
): { readonly unread: number; readonly mentions: number } {
  let unread = 0;
  let mentions = 0;
  for (const each of conversations) {
    if (each.key === opened) continue;
    if (each.notify !== "nothing") unread += each.unread;
    else unread += each.mentions;
    mentions += each.mentions;
  }
  return { unread, mentions };
}
