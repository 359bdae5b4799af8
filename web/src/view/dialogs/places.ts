/** Where one may go by a few letters: ported from zchat/client/tui/view/choices.py. */

import { COMMANDS } from "../../protocol/commands.ts";
import type { RoomInfo } from "../../protocol/messages.ts";
import { canonicalName, printable } from "../../protocol/names.ts";
import type { Conversation } from "../../model/shapes.ts";
import { usageOf } from "../../commands/table.ts";
import { words } from "../../text/more.ts";
import type { Option } from "./picker.tsx";

/** Nobody goes through more; typing a letter more is quicker. */
const OFFERED_MAX = 200;

/** How good a match is, 0 for the best; undefined if the letters are not there in this order. */
export function fuzzy(query: string, text: string): number | undefined {
  const [wanted, letters] = [query.toLowerCase(), text.toLowerCase()];
  const at = letters.indexOf(wanted);
  if (at >= 0) return at;
  let [begin, spread] = [-1, 0];
  for (const char of wanted) {
    const found = letters.indexOf(char, begin + 1);
    if (found < 0) return undefined;
    if (begin >= 0) spread += found - begin - 1;
    begin = found;
  }
  return 100 + spread;
}

/** What is known of where one may go. */
export interface Places {
  readonly listed: readonly Conversation[];
  readonly rooms: readonly RoomInfo[];
  readonly people: readonly string[];
  readonly online: ReadonlySet<string>;
}

/** Values are `open:#room`, `open:@name`, `join:room`, `create:room` and `command:kick`. */
export function placesFor(query: string, { listed, rooms, people, online }: Places): Option[] {
  const typed = query.trim();
  if (typed.startsWith(":")) return commandsFor(typed.slice(1));
  const sign = /^[#@]/.exec(typed)?.[0];
  const wanted = typed.replace(/^[#@]+/, "");
  const known = new Set(listed.map(({ key }) => key));
  const offers: { readonly rank: number; readonly option: Option }[] = [];
  const offer = (name: string, rank: number, option: () => Option) => {
    const fits = fuzzy(wanted, name);
    if (fits !== undefined) offers.push({ rank: fits * 1_000 + rank, option: option() });
  };
  listed.forEach((each, rank) => {
    if (!sign || each.key.startsWith(sign)) offer(titleOf(each), rank, () => place(each));
  });
  for (const info of sign === "@" ? [] : rooms) {
    if (known.has(`#${info.room}`) || info.conversation) continue;
    offer(info.room, 300 - Math.min(info.members ?? 0, 200), () => room(info));
  }
  for (const name of sign === "#" ? [] : people) {
    if (!known.has(`@${name}`)) offer(name, 600, () => person(name, online.has(name)));
  }
  offers.sort((a, b) => a.rank - b.rank);
  const found = offers.slice(0, OFFERED_MAX).map(({ option }) => option);
  return [...found, ...newOnes(wanted, sign, known, rooms, people)];
}

/** Its name, with the sign that people write before a room. */
export function titleOf({ kind, title }: Conversation): string {
  const shown = printable(title);
  if (kind === "room" || kind === "lobby") return shown.startsWith("#") ? shown : `#${shown}`;
  return kind === "private" ? `@${shown}` : shown;
}

function place(each: Conversation): Option {
  const notes = [
    each.mentions && each.kind !== "private" ? `@${each.mentions}` : "",
    each.unread ? words("list.unread", { count: each.unread }) : "",
    each.kind === "several" ? "" : printable(each.topic),
  ];
  const note = notes.filter(Boolean).join(" · ");
  return { value: `open:${each.key}`, name: titleOf(each), note, strong: true };
}

function room(info: RoomInfo): Option {
  const name = `#${printable(info.room)}`;
  if (info.joined) return { value: `open:#${info.room}`, name, note: printable(info.topic) };
  const notes = [
    words("go_to.join"),
    info.members === null ? "" : words("go_to.members", { count: info.members }),
    info.invited ? words("fact.invited") : "",
    info.keyed ? words("room.keyed") : "",
    printable(info.topic),
  ];
  return { value: `join:${info.room}`, name, note: notes.filter(Boolean).join(" · ") };
}

function person(name: string, isOnline: boolean): Option {
  const note = words(isOnline ? "presence.online" : "presence.offline");
  return { value: `open:@${name}`, name: `@${printable(name)}`, note };
}

/** A new room or private conversation with exactly this name. */
function newOnes(
  wanted: string,
  sign: string | undefined,
  known: ReadonlySet<string>,
  rooms: readonly RoomInfo[],
  people: readonly string[],
): Option[] {
  const name = canonicalName(wanted);
  if (name === undefined) return [];
  const found: Option[] = [];
  if (sign !== "@" && !known.has(`#${name}`) && !rooms.some((info) => info.room === name)) {
    found.push({ value: `create:${name}`, name: `#${name}`, note: words("go_to.create") });
  }
  if (sign !== "#" && !known.has(`@${name}`) && !people.includes(name)) {
    found.push({ value: `open:@${name}`, name: `@${name}`, note: words("go_to.write") });
  }
  return found;
}

function commandsFor(begin: string): Option[] {
  return COMMANDS.flatMap((command) => {
    const fits = fuzzy(begin, command.name);
    return fits === undefined ? [] : [{ command, fits }];
  })
    .sort((a, b) => a.fits - b.fits)
    .map(({ command }) => ({
      value: `command:${command.name}`,
      name: usageOf(command),
      note: command.summary,
    }));
}
