/**
 * Usages, as `kick <room> <name> [reason]`: by them a line is read, explained and completed. What must be
 * given stands in `<>`, and what may be in `[]`. Ported from zchat/client/commands/usage.py.
 */

import { printable } from "../protocol/names.ts";
import { words } from "../text/more.ts";
import { InvalidRequest, inQuotes, logName, logOf } from "./checks.ts";

const TIME = /^([0-9]{1,5})([smhd])(?:\s+|$)/i;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const DIGITS = /^[0-9]+$/;
const DIGITS_MAX = 20;
const QUOTED_CHARS_MAX = 40;

/** What stands after the command's name and is not read yet, and what is known of the chat. */
export class Arguments {
  constructor(
    public text: string,
    /** Names of rooms that are known to exist, to tell a room from a person. */
    readonly rooms: ReadonlySet<string> = new Set(),
  ) {}

  /** The next one. Without a `what`, which says what is missing, there need be none. */
  word(what = ""): string {
    const found = /^\s*(\S*)\s*/.exec(this.text);
    this.text = this.text.slice(found?.[0].length ?? 0);
    return present(found?.[1] ?? "", what);
  }

  /** All of it, however many words. */
  rest(what = ""): string {
    const text = this.text;
    this.text = "";
    return present(text, what);
  }

  number(what: string): number {
    const word = this.word(what);
    if (DIGITS.test(word)) return whole(word);
    throw new InvalidRequest(words("command.not", { word: quoted(word), what }));
  }

  /** The seconds that `10s`, `30m`, `12h` or `7d` are, if that is the next word. */
  time(): number | undefined {
    const found = TIME.exec(this.text);
    if (!found) return undefined;
    this.text = this.text.slice(found[0].length);
    return Number(found[1]) * (SECONDS[(found[2] ?? "").toLowerCase()] ?? 0);
  }

  log(): string {
    return logName(logOf(this.word(words("argument.log")), this.rooms));
  }
}

function present(text: string, what: string): string {
  if (what && !text) throw new InvalidRequest(words("command.missing", { what }));
  return text;
}

export function isDigits(text: string): boolean {
  return DIGITS.test(text);
}

/** What is cut off is too large anyway. */
export function whole(digits: string): number {
  return Number(digits.slice(0, DIGITS_MAX));
}

/** The beginning of `text`, as one may show it within a line. */
export function quoted(text: string): string {
  const [first = "", ...others] = printable(text).trim().split(/\s+/);
  const all = [first, ...others].join(" ");
  if (all.length <= QUOTED_CHARS_MAX) return inQuotes(all);
  let shown = first.length < QUOTED_CHARS_MAX ? first : "";
  for (const word of shown ? others : []) {
    if (shown.length + word.length + 2 > QUOTED_CHARS_MAX) break;
    shown += ` ${word}`;
  }
  return inQuotes(`${shown}…`);
}

// --- Kinds of arguments --------------------------------------------------------------------------

/** What an argument names, for completion; "users" are several. */
export type Names = "user" | "room" | "either" | "command" | "users";

export interface Kind {
  /** That of the request's field, or of the function's parameter. */
  readonly name: string;
  /** As errors call it. */
  readonly what: string;
  readonly read: (line: Arguments) => unknown;
  readonly completes: Names | undefined;
}

export function kind(name: string, what: string, read: Kind["read"], completes?: Names): Kind {
  return { name, what, read, completes };
}

/** One word, which must be there. */
export function word(name: string, what: string, completes?: Names): Kind {
  return kind(name, what, (line) => line.word(what), completes);
}

/** All the rest of the line, which must be something if there is a `what`. */
export function rest(name: string, what = ""): Kind {
  return kind(name, what, (line) => line.rest(what));
}

/** A number that need not be there. */
export function count(name: string, what: string, otherwise: number): Kind {
  return kind(name, what, (line) => (line.text ? line.number(what) : otherwise));
}

/** This `text`, or nothing; `other` says of anything else what is wrong with it. */
export function flag(name: string, text: string, other: (given: string) => string): Kind {
  return kind(name, text, (line) => {
    const given = line.rest();
    if (given !== "" && given !== text) throw new InvalidRequest(other(quoted(given)));
    return given !== "";
  });
}
