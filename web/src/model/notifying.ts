/** Which messages notify a user, by the levels of their conversations. */

import type { Entry } from "../protocol/messages.ts";
import type { Book } from "./book.ts";
import { conversationOf, itemOf } from "./entries.ts";
import type { Conversation, Item } from "./shapes.ts";

/** What an entry is to be told of, once the book has it; undefined if it is not to be told. */
export function toldOf(
  book: Book,
  entry: Entry,
): { readonly conversation: Conversation; readonly item: Item } | undefined {
  const key = conversationOf(entry, book.me);
  if (key === undefined || !book.at(key).unread.after.includes(entry.sequence)) return undefined;
  const conversation = book.conversation(key, { kept: false, hasDraft: false }, 0);
  const item = itemOf(entry, book, "");
  return isTold(conversation, item) ? { conversation, item } : undefined;
}

/** As the user wants it of this conversation: usually what mentions the user. */
export function isTold(conversation: Conversation, item: Item): boolean {
  if (item.type === "said" && item.mine) return false;
  const mentions = conversation.kind === "notices" || (item.type === "said" && item.mentionsMe);
  switch (conversation.notify) {
    case "nothing":
      return false;
    case "all":
      return mentions || item.type === "said";
    case "mentions":
      return mentions;
  }
}
