/** What one types to search: words, and in any place `from:name` and `in:#room`. */

import { userName, logName } from "../../commands/checks.ts";
import type { Key } from "../../model/shapes.ts";
import type { Entry } from "../../protocol/messages.ts";

export interface Query {
  readonly text: string;
  readonly log: Key | undefined;
  readonly author: string | undefined;
}

const PART = /(?:^|\s)(from|in):(\S+)/gi;

/** Throws a `RangeError` with a sentence about a name that is none; `here` is what `in:here` means. */
export function queryOf(typed: string, here: Key): Query {
  let [log, author]: [Key | undefined, string | undefined] = [undefined, undefined];
  const text = typed.replace(PART, (_, part: string, name: string) => {
    if (part.toLowerCase() === "from") author = userName(name);
    else log = name === "here" ? here : logName(/^[#@]/.test(name) ? name : `#${name}`);
    return " ";
  });
  return { text: text.trim().replace(/\s+/g, " "), log, author };
}

/** The conversation in which an entry stands: private ones are all in the inbox of the user. */
export function conversationOf(entry: Entry, me: string): Key {
  if (entry.log.startsWith("#")) return entry.log;
  const { body } = entry;
  if (body.kind === "private_message_sent")
    return `@${entry.author === me ? body.to : entry.author}`;
  return `@${entry.author}`;
}

/** The parts of a text that are among the words, to be marked. */
export function marked(
  text: string,
  query: string,
): readonly (readonly [part: string, hit: boolean])[] {
  const wanted = query.split(/\s+/).filter(Boolean).map(escaped);
  if (wanted.length === 0) return [[text, false]];
  return text
    .split(new RegExp(`(${wanted.join("|")})`, "giu"))
    .map((part, at) => [part, at % 2 === 1] as const)
    .filter(([part]) => part !== "");
}

function escaped(word: string): string {
  return word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
