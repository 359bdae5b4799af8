/**
 * What of a conversation is unread: messages of others after the read marker. Which ones is known
 * from `from` on; of what came before it only how many, as far as the server has said so.
 */

export interface Unread {
  /** What the user has read, on any device, as a sequence of the log. */
  readonly marker: number;
  readonly from: number;
  /** Sequences after the marker, from `from` on, in order. */
  readonly after: readonly number[];
  /** Those of them that mention the user. */
  readonly mentioning: readonly number[];
  /** How many there are before `from`. */
  readonly before: number;
  readonly mentionsBefore: number;
}

/** Of each conversation so many are known by their sequences; of those before only their number. */
export const KNOWN_MAX = 1_000;

export function unreadFrom(from: number, marker = 0): Unread {
  return { marker, from, after: [], mentioning: [], before: 0, mentionsBefore: 0 };
}

export function unreadCount(unread: Unread): number {
  return unread.after.length + unread.before;
}

export function mentionCount(unread: Unread): number {
  return unread.mentioning.length + unread.mentionsBefore;
}

/** A message of somebody else has come, or was found again after the marker moved back. */
export function withUnread(unread: Unread, sequence: number, mentions: boolean): Unread {
  if (sequence <= unread.marker || unread.after.includes(sequence)) return unread;
  const after = inserted(unread.after, sequence);
  const mentioning = mentions ? inserted(unread.mentioning, sequence) : unread.mentioning;
  const excess = after.length - KNOWN_MAX;
  // A little at a time would cost each time.
  if (excess <= KNOWN_MAX / 10) return { ...unread, after, mentioning };
  const from = after[excess] ?? unread.from;
  const kept = mentioning.filter((each) => each >= from);
  return {
    ...unread,
    from,
    after: after.slice(excess),
    mentioning: kept,
    before: unread.before + excess,
    mentionsBefore: unread.mentionsBefore + mentioning.length - kept.length,
  };
}

/** It was deleted, and nobody need read it. */
export function withoutUnread(unread: Unread, sequence: number): Unread {
  if (!unread.after.includes(sequence)) return unread;
  return {
    ...unread,
    after: unread.after.filter((each) => each !== sequence),
    mentioning: unread.mentioning.filter((each) => each !== sequence),
  };
}

/** It was edited, and mentions the user now, or does no more. */
export function withMention(unread: Unread, sequence: number, mentions: boolean): Unread {
  if (!unread.after.includes(sequence) || unread.mentioning.includes(sequence) === mentions) {
    return unread;
  }
  const mentioning = mentions
    ? inserted(unread.mentioning, sequence)
    : unread.mentioning.filter((each) => each !== sequence);
  return { ...unread, mentioning };
}

/** The marker moves forward, or stays. */
export function readUpTo(unread: Unread, marker: number): Unread {
  if (marker <= unread.marker) return unread;
  const isAll = marker >= unread.from - 1;
  return {
    ...unread,
    marker,
    after: unread.after.filter((each) => each > marker),
    mentioning: unread.mentioning.filter((each) => each > marker),
    before: isAll ? 0 : unread.before,
    mentionsBefore: isAll ? 0 : unread.mentionsBefore,
  };
}

/** The marker moves back, or stays; `found` are the messages of others since then, if at hand. */
export function unreadAfter(
  unread: Unread,
  marker: number,
  found: readonly { readonly sequence: number; readonly mentions: boolean }[],
): Unread {
  if (marker >= unread.marker) return unread;
  // Of what was read before nothing is known but what was found.
  let back: Unread = { ...unread, marker, from: Math.max(unread.from, unread.marker + 1) };
  for (const each of found) back = withUnread(back, each.sequence, each.mentions);
  return back;
}

/** How many there are in the whole log, as the server says. */
export function unreadInAll(unread: Unread, count: number, mentions: number): Unread {
  if (unread.from <= unread.marker + 1) return unread;
  const before = Math.max(0, count - unread.after.length);
  const mentionsBefore = Math.max(0, mentions - unread.mentioning.length);
  return { ...unread, before, mentionsBefore };
}

function inserted(sequences: readonly number[], sequence: number): readonly number[] {
  const last = sequences.at(-1);
  if (last === undefined || last < sequence) return [...sequences, sequence];
  const index = sequences.findIndex((each) => each > sequence);
  return [...sequences.slice(0, index), sequence, ...sequences.slice(index)];
}
