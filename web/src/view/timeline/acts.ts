/** What can be done to a message, by a key, a button or a tap; each is one function of the row. */

import type { Chat } from "../../chat.ts";
import type { Item, Key, Said } from "../../model/shapes.ts";
import { words, type Phrase } from "../../text/text.ts";
import type { IconName } from "../icons.tsx";
import { linksOf } from "../markup.ts";
import type { Screen } from "../screen.ts";

export type Act =
  | "reply"
  | "react"
  | "edit"
  | "delete"
  | "pin"
  | "copy"
  | "mark-unread"
  | "versions"
  | "open-link"
  | "report"
  | "retry"
  | "give-up";

/** Those with a button, in its order. */
export const BUTTONS: readonly { act: Act; icon: IconName; phrase: Phrase; key: string }[] = [
  { act: "reply", icon: "reply", phrase: "act.reply", key: "r" },
  { act: "react", icon: "react", phrase: "act.react", key: "+" },
  { act: "edit", icon: "edit", phrase: "act.edit", key: "e" },
  { act: "copy", icon: "copy", phrase: "act.copy", key: "y" },
  { act: "pin", icon: "pin", phrase: "act.pin", key: "p" },
  { act: "mark-unread", icon: "unread", phrase: "act.mark_unread", key: "u" },
  { act: "versions", icon: "versions", phrase: "act.versions", key: "v" },
  { act: "delete", icon: "delete", phrase: "act.delete", key: "d" },
];

/** The log of a conversation on the server: private ones stand in the user's own inbox. */
export function logOf(chat: Chat, key: Key): string {
  return key.startsWith("#") ? key : `@${chat.me.peek().name}`;
}

/** Why it cannot be done; undefined if it can, or only the server knows. */
export function obstacle(screen: Screen, act: Act, item: Item): Phrase | undefined {
  const { chat } = screen;
  const key = chat.opened.peek();
  if (act === "copy") return undefined;
  if (item.type === "happened") return act === "mark-unread" ? undefined : "act.no_message";
  const sent = item.delivery === "done";
  if (act === "retry" || act === "give-up")
    return item.delivery === "failed" ? undefined : "act.sent";
  if (act === "delete" && item.delivery === "failed") return undefined;
  if (!sent) return "act.not_sent";
  if (act === "mark-unread") return undefined;
  if (item.deletedBy) return "act.is_deleted";
  if (act === "report" && item.mine) return "act.yours";
  if (act === "edit" && !item.mine) return "act.not_yours";
  if (act === "versions" && !item.edited) return "act.not_edited";
  if (act === "open-link" && linksOf(item.text).length === 0) return "act.no_link";
  if (act === "pin" && !key.startsWith("#")) return "act.no_room";
  const command = COMMANDS[act];
  const whose = { author: item.author, mine: item.mine };
  if (command && chat.may(command, key, whose) === false) return "act.not_allowed";
  return undefined;
}

/** What the permission table calls it. */
const COMMANDS: Partial<Record<Act, string>> = {
  react: "add_reaction",
  edit: "edit_message",
  delete: "delete_message",
  pin: "pin_message",
};

export async function act(screen: Screen, what: Act, item: Item): Promise<void> {
  const why = obstacle(screen, what, item);
  if (why !== undefined) {
    screen.hint.value = words(why);
    return;
  }
  if (what === "copy") return copy(screen, item);
  if (what === "mark-unread") {
    screen.chat.markUnread(item.sequence);
    screen.hint.value = words("act.marked");
    return;
  }
  if (item.type === "said") await actOn(screen, what, item);
}

async function actOn(screen: Screen, what: Act, item: Said): Promise<void> {
  const { chat } = screen;
  switch (what) {
    case "reply":
      screen.begin({ type: "reply", to: item });
      return;
    case "edit":
      screen.begin({ type: "edit", of: item });
      return;
    case "react":
      screen.dialog.value = { name: "emoji", for: item };
      return;
    case "versions":
      screen.dialog.value = { name: "versions", of: item };
      return;
    case "report":
      screen.dialog.value = { name: "report", of: item };
      return;
    case "delete":
      if (item.delivery === "failed") chat.giveUp(item.row);
      else screen.dialog.value = { name: "delete", of: item };
      return;
    case "retry":
      chat.retry(item.row);
      return;
    case "give-up":
      chat.giveUp(item.row);
      return;
    case "open-link":
      open(linksOf(item.text)[0], "_blank", "noopener,noreferrer");
      return;
    case "pin":
      await pin(screen, item);
  }
}

/** Adds the reaction, or takes it back. */
export async function react(screen: Screen, item: Said, emoji: string): Promise<void> {
  const { chat } = screen;
  const mine = item.reactions.some(
    ([each, names]) => each === emoji && names.includes(chat.me.peek().name),
  );
  const kind = mine ? "remove_reaction" : "add_reaction";
  const log = logOf(chat, chat.opened.peek());
  await told(screen, chat.ask({ kind, log, sequence: item.sequence, emoji }));
}

async function pin(screen: Screen, item: Said): Promise<void> {
  const room = screen.chat.opened.peek().slice(1);
  const pins = await told(screen, screen.chat.ask({ kind: "list_pins", room }));
  if (pins === undefined) return;
  const pinned = pins.pins.some((entry) => entry.sequence === item.sequence);
  const kind = pinned ? "unpin_message" : "pin_message";
  const done = await told(screen, screen.chat.ask({ kind, room, sequence: item.sequence }));
  if (done) screen.hint.value = words(pinned ? "act.unpinned" : "act.pinned");
}

async function copy(screen: Screen, item: Item): Promise<void> {
  try {
    await navigator.clipboard.writeText(item.text);
    screen.hint.value = words("act.copied");
  } catch {
    screen.hint.value = words("act.not_copied");
  }
}

/** The answer; a refusal is told to the person, and is then undefined. */
export async function told<T>(screen: Screen, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    screen.hint.value = error instanceof Error ? error.message : String(error);
    return undefined;
  }
}
