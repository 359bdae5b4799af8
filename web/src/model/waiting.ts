/**
 * What the user has said here, from that moment until it stands in its log. Its entry and the answer
 * to it come in either order. If the entry is first, what was said is known by its text, which another
 * device may have said as well; then the answer tells which was meant, and nothing is lost: the other
 * entry comes yet.
 */

import type { Entry } from "../protocol/messages.ts";
import type { Key } from "./shapes.ts";

/** As the outbox keeps it. */
export interface Spoken {
  readonly number: number;
  readonly key: Key;
  readonly text: string;
  readonly replyTo: number;
  readonly atMs: number;
  /** Why it was refused; empty while it waits. */
  readonly trouble: string;
}

/** An entry older than that, before something was said, is something else that was said alike. */
const CLOCKS_APART_MS = 10 * 60_000;
/** Rows that were pending, and are called as they were then. */
const ROWS_MAX = 1_000;

export class Waiting {
  /** By number, in the order in which it was said. */
  readonly #asked = new Map<number, Spoken>();
  /** Numbers of those whose entry seems to have come, and no answer. */
  readonly #seen = new Set<number>();
  /** By place in the log: confirmed, and the entry has not come. */
  readonly #placed = new Map<string, Spoken>();
  readonly #rows = new Map<string, string>();

  say(spoken: Spoken): void {
    this.#asked.set(spoken.number, spoken);
  }

  /** It is not wanted any more, or was said anew under another number. */
  drop(number: number): void {
    this.#asked.delete(number);
    this.#seen.delete(number);
  }

  /** What is to be shown after all that stands in the log, in its order. */
  of(key: Key): readonly { readonly spoken: Spoken; readonly isConfirmed: boolean }[] {
    const found = [];
    for (const spoken of this.#placed.values()) {
      if (spoken.key === key) found.push({ spoken, isConfirmed: true });
    }
    for (const spoken of this.#asked.values()) {
      if (spoken.key === key && !this.#seen.has(spoken.number)) {
        found.push({ spoken, isConfirmed: false });
      }
    }
    return found.sort((one, other) => one.spoken.number - other.spoken.number);
  }

  /** How many are not confirmed, and not refused. */
  get count(): number {
    let count = 0;
    for (const { trouble } of this.#asked.values()) if (!trouble) count += 1;
    return count;
  }

  get(number: number): Spoken | undefined {
    return this.#asked.get(number);
  }

  /** Returns the conversation that changes, if one does; `cursor` is up to where the log is known. */
  confirmed(number: number, log: string, sequence: number, cursor: number): Key | undefined {
    const spoken = this.#asked.get(number);
    if (!spoken) return undefined;
    const wasSeen = this.#seen.has(number);
    this.drop(number);
    if (!wasSeen && sequence > cursor) this.#placed.set(`${log} ${sequence}`, spoken);
    return spoken.key;
  }

  refused(number: number, trouble: string): Key | undefined {
    const spoken = this.#asked.get(number);
    if (!spoken) return undefined;
    // Had another device said the same, it is shown beside that from here on.
    this.#seen.delete(number);
    this.#asked.set(number, { ...spoken, trouble });
    return spoken.key;
  }

  /** In which conversation that was said which stands there. */
  keyAt(log: string, sequence: number): Key | undefined {
    return this.#placed.get(`${log} ${sequence}`)?.key;
  }

  /** An entry of the user's own has come to that conversation. */
  arrives(key: Key, entry: Entry): void {
    const place = `${entry.log} ${entry.sequence}`;
    const spoken = this.#placed.get(place) ?? this.#alike(key, entry);
    if (!spoken) return;
    if (!this.#placed.delete(place)) this.#seen.add(spoken.number);
    this.#rows.set(place, rowOf(spoken));
    const oldest = this.#rows.keys().next().value;
    if (this.#rows.size > ROWS_MAX && oldest !== undefined) this.#rows.delete(oldest);
  }

  /** The log goes on after this sequence: entries up to it will never come. */
  passed(log: string, cursor: number): void {
    for (const place of [...this.#placed.keys()]) {
      const [its, sequence] = place.split(" ");
      if (its === log && Number(sequence) <= cursor) this.#placed.delete(place);
    }
  }

  /** What the row of an entry is called: as while it was pending, if it was. */
  row(entry: Entry): string {
    return this.#rows.get(`${entry.log} ${entry.sequence}`) ?? `s${entry.sequence}`;
  }

  #alike(key: Key, { at_ms: atMs, body }: Entry): Spoken | undefined {
    if (body.kind !== "message_posted" && body.kind !== "private_message_sent") return undefined;
    for (const spoken of this.#asked.values()) {
      if (
        spoken.key === key &&
        !this.#seen.has(spoken.number) &&
        !spoken.trouble &&
        spoken.text === body.text &&
        spoken.replyTo === body.reply_to &&
        atMs >= spoken.atMs - CLOCKS_APART_MS
      ) {
        return spoken;
      }
    }
    return undefined;
  }
}

export function rowOf(spoken: Spoken): string {
  return `w${spoken.number}`;
}
