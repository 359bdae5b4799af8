/** What may take the place of the word before the cursor: commands, names, rooms and emoji. */

import { COMMANDS } from "../protocol/commands.ts";
import { emojiBeginning } from "./emoji.ts";
import { namedByLast } from "./table.ts";

const CHOICES_MAX = 8;
/** All that begin with a colon are offered, since they are what one looks through. */
const COMMANDS_MAX = CHOICES_MAX * 4;
const WORD = /(?:^|(?<=[\s(]))([@#:]?[\p{L}\p{M}\p{N}_.+-]*)$/u;
/** A word this short is rarely meant as an emoji: ":)" and ":D" are not. */
const EMOJI_CHARS_MIN = 2;

export interface Choice {
  /** With the blank after it. */
  readonly insert: string;
  readonly note: string;
}

/** One of `choices` may take the place of the last `length` characters before the cursor. */
export interface Completion {
  readonly length: number;
  readonly choices: readonly Choice[];
}

/** Who and what there is to name, in order of likelihood. */
export interface Roster {
  readonly people: readonly string[];
  readonly rooms: readonly string[];
}

const NONE: Completion = { length: 0, choices: [] };

/** `before` is the text up to the cursor. */
export function complete(before: string, roster: Roster): Completion {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const isFirst = line.length === before.length;
  const word = WORD.exec(line)?.[1] ?? "";
  const inCommand = isFirst && line.startsWith(":") && !line.startsWith("::");
  if (inCommand && !line.includes(" ")) return commandsBeginning(line);
  if (word.startsWith("@")) return matching(word, ["@", ...roster.people, "room"], 1);
  if (word.startsWith("#")) return matching(word, ["#", ...roster.rooms], 1);
  if (inCommand) return argument(line, word, roster);
  if (word.startsWith(":") && word.length > EMOJI_CHARS_MIN) {
    const found = emojiBeginning(word, CHOICES_MAX);
    const choices = found.map(({ name, emoji }) => ({ insert: `${emoji} `, note: `:${name}:` }));
    return { length: word.length, choices };
  }
  return NONE;
}

function commandsBeginning(line: string): Completion {
  const begin = line.slice(1).toLowerCase();
  const found = COMMANDS.filter(({ name }) => name.startsWith(begin)).slice(0, COMMANDS_MAX);
  const choices = found.map((command) => ({
    insert: `:${command.name} `,
    note: `${command.arguments}  ${command.summary}`.trim(),
  }));
  return { length: line.length, choices };
}

function argument(line: string, word: string, roster: Roster): Completion {
  switch (namedByLast(line.split(" "))) {
    case "command":
      return matching(word, ["", ...COMMANDS.map(({ name }) => name)], 0);
    case "room":
      return matching(word, ["", ...roster.rooms], 0);
    case "user":
      return matching(word, ["", ...roster.people], 0);
    case "either": {
      const rooms = roster.rooms.map((room) => `#${room}`);
      return matching(word, ["", ...rooms, ...roster.people.map((name) => `@${name}`)], 0);
    }
    default:
      return NONE;
  }
}

/** The first of `names` is the sign that stands before each. */
function matching(
  word: string,
  [sign = "", ...names]: readonly string[],
  signs: number,
): Completion {
  const wanted = word.slice(signs).toLowerCase();
  const found = [...new Set(names)].filter((name) => name.startsWith(wanted) && name !== wanted);
  const choices = found
    .slice(0, CHOICES_MAX)
    .map((name) => ({ insert: `${sign}${name} `, note: "" }));
  return { length: word.length, choices };
}
