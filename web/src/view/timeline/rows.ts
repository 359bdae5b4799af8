/**
 * The rows of a timeline: which item begins a day, which one stands under the name of the item
 * before it, where the line "new" is, and which joins and leaves are one row. Pure: days are told
 * apart by what is passed in, since a time zone comes from the machine.
 */

import type { Happened, Item, Timeline } from "../../model/shapes.ts";

/** Messages of one author that are closer than this are grouped: time and name stand there once. */
export const GROUP_MS = 5 * 60_000;

export interface Row {
  /** What the DOM is keyed by, and what the scroll holds on to. */
  readonly key: string;
  readonly item: Item;
  /** More than one: these came and went, and are shown as one line. */
  readonly folded: readonly Happened[];
  /** The first of its day. */
  readonly newDay: boolean;
  /** Under the line "new". */
  readonly isNew: boolean;
  /** Time and name stand above, with the item before it. */
  readonly grouped: boolean;
}

/** A number of the day in which something happened, to compare it with another. */
export type DayOf = (atMs: number) => number;

/**
 * `before` are the rows that are shown now: a row that is as it was is the same object, so that only
 * what has changed is drawn anew. `unfolded` has the keys of rows that are to be shown one by one.
 */
export function rowsOf(
  timeline: Timeline,
  me: string,
  dayOf: DayOf,
  unfolded: ReadonlySet<string>,
  before: readonly Row[] = [],
): Row[] {
  const { items, unreadAfter } = timeline;
  const known = new Map(before.map((row) => [row.key, row]));
  const newAt = firstNew(items, me, unreadAfter);
  const rows: Row[] = [];
  /** Items before this one belong to a run that was unfolded. */
  let unfoldedTo = 0;
  for (let at = 0; at < items.length;) {
    const item = items[at];
    if (item === undefined) break;
    const previous = items[at - 1];
    const newDay = previous === undefined || dayOf(previous.atMs) !== dayOf(item.atMs);
    const isNew = at === newAt;
    const grouped = !newDay && !isNew && previous !== undefined && isGrouped(previous, item);
    const run = at < unfoldedTo ? [] : movesFrom(items, at, newAt, dayOf);
    if (unfolded.has(item.row)) unfoldedTo = at + run.length;
    const folded = run.length > 1 && at >= unfoldedTo ? run : [];
    const row: Row = { key: item.row, item, folded, newDay, isNew, grouped };
    const old = known.get(row.key);
    rows.push(old !== undefined && isSame(old, row) ? old : row);
    at += Math.max(1, folded.length);
  }
  return rows;
}

function isSame(a: Row, b: Row): boolean {
  return (
    a.item === b.item &&
    a.newDay === b.newDay &&
    a.isNew === b.isNew &&
    a.grouped === b.grouped &&
    a.folded.length === b.folded.length &&
    a.folded.every((each, at) => each === b.folded[at])
  );
}

/** The index of the first item that others have added past this sequence; -1 for none. */
function firstNew(items: readonly Item[], me: string, unreadAfter: number): number {
  if (unreadAfter === 0) return -1;
  const at = items.findIndex((item) => item.sequence > unreadAfter && item.author !== me);
  // What was read before the window begins is not known to stand directly above it.
  return at > 0 && (items[0]?.sequence ?? 0) <= unreadAfter ? at : -1;
}

function movesFrom(
  items: readonly Item[],
  begin: number,
  newAt: number,
  dayOf: DayOf,
): readonly Happened[] {
  const run: Happened[] = [];
  for (let at = begin; at < items.length; at += 1) {
    const item = items[at];
    if (item?.type !== "happened" || item.move === undefined) break;
    const first = run[0];
    if (first !== undefined && (at === newAt || dayOf(first.atMs) !== dayOf(item.atMs))) break;
    run.push(item);
  }
  return run;
}

function isGrouped(before: Item, item: Item): boolean {
  return (
    before.type === "said" &&
    item.type === "said" &&
    before.author === item.author &&
    item.replyTo === 0 &&
    !item.isAction &&
    !before.isAction &&
    item.atMs >= before.atMs &&
    item.atMs - before.atMs < GROUP_MS
  );
}

export type Way = "joined" | "left" | "joined-left" | "left-joined";

/** Who joined, who left, and who did both, in the order in which they first did. */
export function waysOf(folded: readonly Happened[]): ReadonlyMap<Way, readonly string[]> {
  const moves = new Map<string, { first: "joined" | "left"; last: "joined" | "left" }>();
  for (const { author, move } of folded) {
    if (move === undefined) continue;
    moves.set(author, { first: moves.get(author)?.first ?? move, last: move });
  }
  const ways = new Map<Way, string[]>();
  for (const way of ["joined", "left", "joined-left", "left-joined"] as const) ways.set(way, []);
  for (const [author, { first, last }] of moves) {
    const way: Way = first === last ? first : first === "joined" ? "joined-left" : "left-joined";
    ways.get(way)?.push(author);
  }
  return ways;
}
