/** Whom a text mentions: `@name`, and `@room` for everyone in the room. */

import { canonicalName, SPACE } from "./names.ts";

/** Mentioned by `@room`, where the author may; nobody is told who only bears this name. */
export const ROOM = "room";

const FENCE = "```";
const WORD = String.raw`\p{L}\p{N}_`;
const CODE = "`[^`\\n]+`";
const LINK = `(?<![${WORD}+.\\-])[${WORD}+.\\-]+://[^${SPACE}<>"\`]*`;
const PATH = `(?<![${WORD}.@/\\-])[${WORD}\\-]+(?:\\.[${WORD}\\-]+)+(?::\\p{Nd}+)?/[^${SPACE}<>"\`]*`;
const CALLS = `(?<![${WORD}@./])@[${WORD}][${WORD}.\\-]*(?:/@[${WORD}][${WORD}.\\-]*)*`;
/** What is no word of the text comes first, and swallows what looks like a call in it. */
const WORDS_OR_OTHERS = new RegExp(`${CODE}|${LINK}|${PATH}|(${CALLS})`, "gu");

/** `text.slice(begin, end)` calls `name`, be there such a user or not. */
export interface Mention {
  readonly begin: number;
  readonly end: number;
  readonly name: string;
}

/** In their order. */
export function mentionsIn(text: string): Mention[] {
  if (!text.includes("@")) return [];
  const found: Mention[] = [];
  for (const line of linesOutsideFences(text)) {
    for (const match of line.text.matchAll(WORDS_OR_OTHERS)) {
      let begin = line.begin + match.index;
      for (const called of match[1]?.split("/") ?? []) {
        // The end of a sentence is no part of a name.
        const word = called.replace(/[.-]+$/, "");
        const name = canonicalName(word.slice(1));
        if (name !== undefined) found.push({ begin, end: begin + word.length, name });
        begin += called.length + 1;
      }
    }
  }
  return found;
}

export function mentions(text: string, me: string, mayCallAll: boolean): boolean {
  return mentionsIn(text).some(({ name }) => (name === ROOM ? mayCallAll : name === me));
}

function* linesOutsideFences(text: string): Iterable<{ text: string; begin: number }> {
  const lines = text.split("\n");
  let begin = 0;
  let closing = -1;
  // One that never closes is no fence; to look for its end again from each would take long.
  let mayFence = text.includes(FENCE);
  for (const [index, line] of lines.entries()) {
    if (index > closing && mayFence && line.startsWith(FENCE)) {
      closing = lines.findIndex((each, at) => at > index && each.trimEnd() === FENCE);
      if (closing === -1) mayFence = false;
    }
    if (index > closing) yield { text: line, begin };
    begin += line.length + 1;
  }
}
