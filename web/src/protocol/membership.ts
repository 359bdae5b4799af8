/** Who follows a log: which entries let a user begin, and which are the last one for a user. */

import { LOBBY } from "./messages.ts";
import type { Entry, EntryBody } from "./messages.ts";

/** In the place of a user: all who follow the log. */
export const EVERYONE = "";

/** The user begins (`joined`) or ceases to follow the log. */
export interface Change {
  readonly user: string;
  readonly joined: boolean;
}

/** What an entry of the log says about who follows it. */
export function changeBy(log: string, author: string, body: EntryBody): Change | undefined {
  switch (body.kind) {
    case "room_created":
    case "member_joined":
      return { user: author, joined: true };
    case "member_added":
      return { user: body.user, joined: true };
    case "member_left":
      return { user: author, joined: false };
    case "member_kicked":
      return { user: body.user, joined: false };
    case "member_banned":
      // From the lobby nobody is put out: who is banned there reads on.
      return log === `#${LOBBY}` ? undefined : { user: body.user, joined: false };
    case "room_closed":
      return { user: EVERYONE, joined: false };
    default:
      return undefined;
  }
}

/** Whether it is the last entry of its log that comes to `name`. */
export function endsFollowing(entry: Entry, name: string): boolean {
  const change = changeBy(entry.log, entry.author, entry.body);
  return (
    change !== undefined && !change.joined && (change.user === name || change.user === EVERYONE)
  );
}
