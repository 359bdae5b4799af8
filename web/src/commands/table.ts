/**
 * The table of commands, and how a typed line is read by it: ported from zchat/client/commands/table.py.
 */

import { COMMANDS, type CommandLine } from "../protocol/commands.ts";
import { words } from "../text/more.ts";
import type { Action } from "./actions.ts";
import { InvalidRequest } from "./checks.ts";
import { ELSEWHERE, isSecret } from "./said.ts";
import { DOES, KINDS, KINDS_OF, sends, type Given } from "./doing.ts";
import { mostSimilar } from "./similar.ts";
import { Arguments, quoted, type Kind } from "./usage.ts";

/** Those of other programs that have another name here. */
const HERE: ReadonlyMap<string, string> = new Map([
  ["join", "jr"],
  ["j", "jr"],
  ["part", "lr"],
  ["leave", "lr"],
  ["msg", "pm"],
  ["query", "pm"],
  ["names", "lru"],
  ["who", "lru"],
  ["list", "lrs"],
]);

interface Command extends CommandLine {
  readonly kinds: readonly Kind[];
}

const TABLE: ReadonlyMap<string, Command> = new Map(
  COMMANDS.map((line) => [line.name, { ...line, kinds: kindsOf(line) }]),
);

/** One kind may be of several arguments: what is longer comes first. */
function kindsOf(line: CommandLine): readonly Kind[] {
  const known = { ...KINDS, ...KINDS_OF[line.name] };
  const usages = Object.keys(known).sort((a, b) => b.length - a.length);
  const found: Kind[] = [];
  for (let left = line.arguments; left;) {
    const usage = usages.find((each) => left.startsWith(each));
    const kind = usage && known[usage];
    if (!usage || !kind) throw new Error(`nobody reads ${left} of :${line.name}`);
    found.push(kind);
    left = left.slice(usage.length).trimStart();
  }
  return found;
}

export function usageOf(line: CommandLine): string {
  return `:${line.name} ${line.arguments}`.trimEnd();
}

/** By its name, in any case, with or without its colon. */
export function commandNamed(name: string): CommandLine | undefined {
  return TABLE.get(name.replace(/^:/, "").toLowerCase());
}

/** The action that `text` asks for, which is a command; `rooms` are those that are known. */
export function parse(text: string, rooms: ReadonlySet<string> = new Set()): Action {
  const line = text.trim();
  if (!line) return { does: "nothing" };
  if (line.startsWith("/")) return mistake(fromElsewhere(line));
  if (line.includes("\n") && isSecret(line)) return mistake(words("command.secret_alone"));
  const name = /^\S*/.exec(line.slice(1))?.[0] ?? "";
  const command = TABLE.get(name.toLowerCase());
  if (!command) return mistake(unknown(name));
  const given = line.slice(1 + name.length).trimStart();
  try {
    return done(command, new Arguments(given, rooms));
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    const values = { name: command.name, error: error.message, usage: usageOf(command) };
    return mistake(words("command.mistake", values));
  }
}

function done(command: Command, line: Arguments): Action {
  const given = Object.fromEntries(command.kinds.map((kind) => [kind.name, kind.read(line)]));
  if (line.text) {
    const taken = command.kinds.map((kind) => kind.what).join(words("command.and"));
    const values = { taken, much: quoted(line.text) };
    throw new InvalidRequest(words(taken ? "command.too_much" : "command.no_arguments", values));
  }
  const does = DOES[command.name];
  if (does === undefined) return mistake(unknown(command.name));
  if (typeof does !== "function") return sends(does, given);
  const action = does(given as unknown as Given);
  const isKnown = action.does !== "help" || !action.command || TABLE.has(action.command);
  return isKnown ? action : mistake(unknown(action.command));
}

function mistake(text: string): Action {
  return { does: "mistake", text };
}

function fromElsewhere(line: string): string {
  const name = (ELSEWHERE.exec(line)?.[1] ?? "").toLowerCase();
  const here = HERE.get(name) ?? name;
  const text = ELSEWHERE.exec(line)?.[0] ?? "";
  const phrase = TABLE.has(here) ? "command.elsewhere_known" : "command.elsewhere";
  return words(phrase, { here: `:${here}`, text });
}

function unknown(name: string): string {
  const meant = HERE.get(name.toLowerCase()) ?? mostSimilar(name.toLowerCase(), TABLE.keys());
  const command = meant === undefined ? undefined : TABLE.get(meant);
  const shown = quoted(`:${name}`);
  return command
    ? words("command.did_you_mean", { name: shown, usage: usageOf(command) })
    : words("command.unknown", { name: shown });
}

// --- Completion -------------------------------------------------------------------------------------

/** What the last of the words of a command line names, for completion. The first word is the command. */
export function namedByLast(line: readonly string[]): "command" | "room" | "user" | "either" | "" {
  const takes = commandNamed(line[0] ?? "")?.takes ?? [];
  if (line.length < 2) return "";
  const named = takes[0] === "users" ? "users" : (takes[line.length - 2] ?? "");
  return named === "users" ? "user" : named;
}
