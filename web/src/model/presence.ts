/** Who is here and who writes, as far as this client has been told: soft, and never more. */

import type {
  Entry,
  MemberList,
  PresenceChanged,
  TypingSeen,
  UserList,
} from "../protocol/messages.ts";

/** Who is named as writing is believed for so long. */
export const TYPING_MS = 6_000;
/** Whose last entry came so short a time ago is not believed to write: the news may be older. */
const OLD_NEWS_MS = 2_000;
/** Past it all are forgotten, which at worst shows somebody as writing who has just sent it. */
const SPEAKERS_MAX = 1_000;

export class Presence {
  /** Those who are known to be here: each with a word if they are away, else undefined. */
  readonly here = new Map<string, string | undefined>();
  /** By conversation and name: until when it is believed. */
  readonly #typing = new Map<string, Map<string, number>>();
  readonly #spokeAtMs = new Map<string, number>();

  changed(news: PresenceChanged): void {
    for (const name of news.went) this.here.delete(name);
    for (const name of news.came) this.here.set(name, undefined);
    for (const [name, word] of news.away) {
      this.here.set(name, word ?? undefined);
    }
  }

  usersListed({ users }: UserList): void {
    this.here.clear();
    for (const user of users) this.here.set(user.name, user.away ?? undefined);
  }

  membersListed({ members }: MemberList): void {
    for (const member of members) {
      if (member.online) this.here.set(member.name, member.away ?? undefined);
      else this.here.delete(member.name);
    }
  }

  /** Returns whether somebody was shown as writing who has now said it. */
  spoke(key: string, entry: Entry, nowMs: number): boolean {
    if (this.#spokeAtMs.size >= SPEAKERS_MAX) this.#spokeAtMs.clear();
    this.#spokeAtMs.set(`${key} ${entry.author}`, nowMs);
    return this.#typing.get(key)?.delete(entry.author) ?? false;
  }

  /** The news is collected, and may be of what has come meanwhile: then it is old. */
  typingSeen({ log, users }: TypingSeen, me: string, nowMs: number): void {
    const typing = this.#typing.get(log) ?? new Map<string, number>();
    for (const name of users) {
      const spokeAtMs = this.#spokeAtMs.get(`${log} ${name}`) ?? -OLD_NEWS_MS;
      if (name !== me && nowMs - spokeAtMs >= OLD_NEWS_MS) typing.set(name, nowMs + TYPING_MS);
    }
    this.#typing.set(log, typing);
  }

  typing(key: string, nowMs: number): readonly string[] {
    const typing = this.#typing.get(key);
    if (!typing?.size) return NOBODY;
    return [...typing].filter(([, untilMs]) => untilMs > nowMs).map(([name]) => name);
  }

  /** When the next one is not believed any more; undefined for nobody. */
  nextEndMs(nowMs: number): number | undefined {
    const ends = [...this.#typing.values()].flatMap((typing) => [...typing.values()]);
    const later = ends.filter((untilMs) => untilMs > nowMs);
    return later.length ? Math.min(...later) : undefined;
  }

  lost(): void {
    this.#typing.clear();
  }
}

const NOBODY: readonly string[] = [];
