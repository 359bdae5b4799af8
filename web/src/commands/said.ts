/**
 * Whether a text is a command, and what is said by one that is none: asked at every key, and so apart from
 * what commands are. `::text` says `:text`, and `//text` says `/text`.
 */

import { ACTION } from "../text/entries.ts";

/** Also of lines with a slip of the finger, and with a password where none is taken. */
const SECRET_BEGINNINGS = [":reg", ":pas", ":del", ":totp", ":login"];
/** How commands of other programs begin, and no path does. */
export const ELSEWHERE = /^\/([A-Za-z]+)(?=\s|$)/;
const ESCAPED = /^\/\/+[A-Za-z]+(?=\s|$)/;
/** How an action begins, which is said wherever a text would be. */
const ACTION_BEGINS = /^[:/]me\s+(?=\S)/i;

/** Whether it is one, here or in other programs: then it is said to nobody. */
export function isCommand(text: string): boolean {
  const line = text.trim();
  if (ACTION_BEGINS.test(line)) return false;
  if (line.startsWith(":")) return !line.startsWith("::");
  return ELSEWHERE.test(line);
}

/** What is said by a text that is no command. */
export function saidOf(text: string): string {
  const line = text.trim();
  if (line.startsWith("::") || ESCAPED.test(line)) return line.slice(1);
  const action = ACTION_BEGINS.exec(line);
  return action ? ACTION + line.slice(action[0].length) : text;
}

/** The text that says this one. */
export function escaped(text: string): string {
  if (saidOf(text) === text && !isCommand(text)) return text;
  const line = text.trim();
  return line.charAt(0) + line;
}

/** Whether the line may hold a password, and so must not be kept. */
export function isSecret(line: string): boolean {
  const lower = line.trimStart().toLowerCase();
  return SECRET_BEGINNINGS.some((begin) => lower.startsWith(begin));
}
