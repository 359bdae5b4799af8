/**
 * What becomes of a message by later entries of its log: edits, deletion, reactions. As the services
 * change what they have stored, so that all come to the same; an entry that is folded in again
 * changes nothing.
 */

import type {
  Entry,
  EntryBody,
  MessageDeleted,
  MessageEdited,
  ReactionAdded,
  ReactionRemoved,
} from "./messages.ts";

/** Changes a message that stands already, and is nothing to read itself. */
export type MessageChange = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved;

const NO_REACTIONS: Entry["reactions"] = new Map();
const CHANGES: ReadonlySet<string> = new Set([
  "message_edited",
  "message_deleted",
  "reaction_added",
  "reaction_removed",
]);

export function isChange(body: EntryBody): body is MessageChange {
  return CHANGES.has(body.kind);
}

/** The message after the change `by` has made of it; the same object if that changes nothing. */
export function foldedEntry(message: Entry, by: Entry): Entry {
  const { body } = message;
  const change = by.body;
  if (body.kind !== "message_posted" && body.kind !== "private_message_sent") return message;
  switch (change.kind) {
    case "message_edited":
      // Without a text it is out of date, and what came in its place is known or comes.
      if (!change.text || by.sequence <= message.edited) return message;
      return { ...message, body: { ...body, text: change.text }, edited: by.sequence };
    case "message_deleted": {
      const to = body.kind === "private_message_sent" ? body.to : "";
      return {
        ...message,
        body: { kind: "redacted", by: by.author, to },
        edited: 0,
        reactions: NO_REACTIONS,
      };
    }
    case "reaction_added": {
      const names = message.reactions.get(change.emoji) ?? [];
      if (names.includes(by.author)) return message;
      const reactions = new Map(message.reactions).set(change.emoji, [...names, by.author]);
      return { ...message, reactions };
    }
    case "reaction_removed": {
      const names = message.reactions.get(change.emoji) ?? [];
      if (!names.includes(by.author)) return message;
      const fewer = names.filter((name) => name !== by.author);
      const reactions = new Map(message.reactions);
      if (fewer.length) reactions.set(change.emoji, fewer);
      else reactions.delete(change.emoji);
      return { ...message, reactions };
    }
    default:
      return message;
  }
}
