/**
 * What is special in the text of a message: code, emphasis, links and mentions. Only signs that
 * people use in plain text anyway; whatever does not close is just text. The same rules as
 * zchat/client/tui/view/markup.py.
 */

import { mentionsIn, ROOM, type Mention } from "../protocol/mentions.ts";
import { safeText } from "../protocol/names.ts";

export type Ink = "text" | "strong" | "emphasis" | "code" | "link" | "mention" | "mentioned";

export interface Piece {
  readonly ink: Ink;
  readonly text: string;
}

/** Lines of words, or the lines of code between two fences. */
export type Block =
  | { readonly type: "words"; readonly pieces: readonly Piece[] }
  | { readonly type: "code"; readonly text: string };

const FENCE = "```";
const CODE = "`[^`\\n]+`";
const W = "\\p{L}\\p{M}\\p{N}_";
const INLINE = new RegExp(
  `(?<code>${CODE})` +
    `|(?<![${W}*])\\*\\*(?<strong>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*\\*(?![${W}*])` +
    `|(?<![${W}*])\\*(?<emphasis>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![${W}*])` +
    '|(?<link>https?://[^\\s<>"`]+)',
  "giu",
);
/** At the end of a link these belong to the sentence. */
const AFTER_LINKS = ".,;:!?'*_";

/** Who reads: what calls them is marked. */
export interface Reader {
  readonly name: string;
  /** Words of their own, as `highlighting` makes them. */
  readonly highlights: RegExp | undefined;
  /** Nobody else is in the conversation. */
  readonly isPrivate?: boolean;
}

export const NOBODY: Reader = { name: "", highlights: undefined };

/** What finds these words, whole and in any case; undefined for none. */
export function highlighting(words: readonly string[]): RegExp | undefined {
  const literal = words
    .filter((word) => word !== "")
    .map((word) => word.replace(/[^\p{L}\p{M}\p{N}_\s]/gu, "\\$&"));
  if (literal.length === 0) return undefined;
  return new RegExp(`(?<![${W}])(?:${literal.join("|")})(?![${W}])`, "giu");
}

/** The text of a message, safe to show. */
export function blocksOf(text: string, reader: Reader): Block[] {
  const blocks: Block[] = [];
  let words: string[] = [];
  const flush = () => {
    if (words.length > 0) blocks.push({ type: "words", pieces: inline(words.join("\n"), reader) });
    words = [];
  };
  const lines = safeText(text).split("\n");
  let at = 0;
  let closes = true;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    // One that never closes is text, and so are those after it: looking for the end of each
    // again would take long.
    const end = closes && line.startsWith(FENCE) ? closing(lines, at) : -1;
    if (end > at) {
      flush();
      blocks.push({ type: "code", text: lines.slice(at + 1, end).join("\n") });
      at = end + 1;
      continue;
    }
    if (line.startsWith(FENCE)) closes = false;
    words.push(line);
    at += 1;
  }
  flush();
  return blocks;
}

function closing(lines: readonly string[], opening: number): number {
  return lines.findIndex((line, at) => at > opening && line.trimEnd() === FENCE);
}

/** The pieces of a text without blocks of code. */
export function inline(text: string, reader: Reader): Piece[] {
  const isPlain = reader.highlights === undefined && !/[@*`]|:\/\//.test(text);
  if (isPlain) return text === "" ? [] : [{ ink: "text", text }];
  const pieces: Piece[] = [];
  const calls = callsIn(text, reader);
  const put = (begin: number, end: number, ink: Ink) => {
    let from = begin;
    for (const call of calls) {
      if (call.begin < from || call.end > end) continue;
      if (from < call.begin) pieces.push({ ink, text: text.slice(from, call.begin) });
      const mine = call.name === reader.name || call.name === ROOM;
      pieces.push({ ink: mine ? "mentioned" : "mention", text: text.slice(call.begin, call.end) });
      from = call.end;
    }
    if (from < end) pieces.push({ ink, text: text.slice(from, end) });
  };
  let done = 0;
  for (const match of text.matchAll(INLINE)) {
    const { code, strong, emphasis, link } = match.groups ?? {};
    put(done, match.index, "text");
    done = match.index + match[0].length;
    if (code !== undefined) {
      pieces.push({ ink: "code", text: code.slice(1, -1) });
    } else if (link !== undefined) {
      const address = trimmed(link);
      pieces.push({ ink: "link", text: address });
      done = match.index + address.length;
    } else if (strong !== undefined) {
      put(match.index + 2, done - 2, "strong");
    } else if (emphasis !== undefined) {
      put(match.index + 1, done - 1, "emphasis");
    }
  }
  put(done, text.length, "text");
  return pieces;
}

function callsIn(text: string, { name, highlights }: Reader): Mention[] {
  const calls = mentionsIn(text);
  for (const match of highlights === undefined ? [] : text.matchAll(highlights)) {
    calls.push({ begin: match.index, end: match.index + match[0].length, name });
  }
  return calls.sort((a, b) => a.begin - b.begin);
}

/** The beginning of a message on one line, without the signs that format it: for a quote, or aloud. */
export function plain(text: string, charsMax = PLAIN_CHARS_MAX): string {
  return blocksOf(text.slice(0, charsMax), NOBODY)
    .map((block) =>
      block.type === "code" ? block.text : block.pieces.map((piece) => piece.text).join(""),
    )
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();
}

const PLAIN_CHARS_MAX = 300;

/** The links of a message in their order, without doubles. */
export function linksOf(text: string): string[] {
  const found = blocksOf(text, NOBODY).flatMap((block) =>
    block.type === "code" ? [] : block.pieces.filter((piece) => piece.ink === "link"),
  );
  return [...new Set(found.map((piece) => piece.text))];
}

function trimmed(link: string): string {
  let end = link.length;
  let unopened = link.split(")").length - link.split("(").length;
  for (; end > 0; end -= 1) {
    const last = link.charAt(end - 1);
    if (last === ")" && unopened > 0) unopened -= 1;
    else if (!AFTER_LINKS.includes(last)) break;
  }
  return link.slice(0, end);
}
