/**
 * What the user may do, by the server's own table and what is known here of who is what. Of what is
 * not known the server is asked.
 */

import type { Entry, MemberList, Request, Role, Standing } from "../protocol/messages.ts";
import { STANDINGS } from "../protocol/messages.ts";
import {
  PERMISSIONS,
  PLACE_OF_ROLE,
  PLACES,
  type Permission,
  type Place,
} from "../protocol/permissions.ts";
import { changeBy, EVERYONE } from "../protocol/membership.ts";
import { LOBBY } from "./entries.ts";
import type { News } from "./news.ts";

export type Action = Request["kind"];

export class Rights {
  #me: string;
  /** Undefined while it is not known, or one that is not known here. */
  standing: Standing | undefined;
  /** By log and name: of those who lead there, and of the user. */
  readonly #roles = new Map<string, Map<string, Role>>();
  /** The logs in which the user is. */
  readonly #muted = new Set<string>();

  constructor(me: string) {
    this.#me = me;
  }

  // --- What happens ------------------------------------------------------------------------------

  hear(news: News): void {
    switch (news.type) {
      case "begun": {
        this.#me = news.name;
        const standing = STANDINGS.find((each) => each === news.standing);
        this.standing = news.guest ? "guest" : standing;
        break;
      }
      case "entry":
        this.#happened(news.entry);
        break;
      case "answered":
        if (news.answer.kind === "member_list") this.#listed(news.answer);
        // The entry that says so may come after the answer.
        else if (news.answer.kind === "done" && news.request.kind === "register")
          this.#registered();
        break;
      default:
    }
  }

  #registered(): void {
    // It may be long ago, and the user a moderator since: what was missed comes after the login.
    if (this.standing === "guest") this.standing = "account";
  }

  #listed({ room, members, total }: MemberList): void {
    const log = "#" + room;
    // Nobody leads in the lobby, and who may not speak is not in its list.
    if (log === LOBBY) return;
    const isWhole = total <= members.length;
    const roles = isWhole ? new Map<string, Role>() : this.#rolesOf(log);
    for (const { name, role } of members) {
      const isMine = name === this.#me;
      if (isMine) this.#mute(log, role === "muted");
      roles.delete(name);
      if (role === "owner" || role === "moderator") roles.set(name, role);
      else if (isMine && role === "member") roles.set(name, role);
    }
    this.#roles.set(log, roles);
  }

  #happened(entry: Entry): void {
    const { log, author, body } = entry;
    const isMine = "user" in body && body.user === this.#me;
    switch (body.kind) {
      case "account_registered":
        if (log === "@" + this.#me) this.#registered();
        break;
      case "room_created":
        this.#roles.set(log, new Map());
        this.#muted.delete(log);
        this.#set(log, author, "owner");
        break;
      case "member_joined":
        this.#joined(log, author);
        break;
      case "member_added":
      case "member_demoted":
        this.#set(log, body.user, "member");
        break;
      case "member_promoted":
        this.#set(log, body.user, "moderator");
        break;
      case "room_transferred":
        for (const [name, role] of [...this.#rolesOf(log)]) {
          if (role === "owner") this.#set(log, name, "moderator");
        }
        this.#set(log, body.user, "owner");
        if (isMine) this.#mute(log, false);
        break;
      case "member_muted":
        if (isMine) this.#mute(log, true);
        break;
      case "member_unmuted":
      case "member_unbanned":
        if (isMine) this.#mute(log, false);
        break;
      default:
        if (body.kind === "member_banned" && isMine && log === LOBBY) this.#mute(log, true);
        this.#ended(entry);
    }
  }

  #ended(entry: Entry): void {
    const change = changeBy(entry.log, entry.author, entry.body);
    if (change?.user === EVERYONE) this.#roles.delete(entry.log);
    else if (change && !change.joined) this.#roles.get(entry.log)?.delete(change.user);
  }

  #joined(log: string, name: string): void {
    const roles = this.#rolesOf(log);
    roles.delete(name);
    // A room that everyone has left belongs to whoever comes first: then the list will say so.
    if ([...roles.values()].includes("owner")) this.#set(log, name, "member");
  }

  #set(log: string, name: string, role: Role): void {
    const roles = this.#rolesOf(log);
    roles.delete(name);
    if (role === "owner" || role === "moderator" || name === this.#me) roles.set(name, role);
  }

  #mute(log: string, muted: boolean): void {
    if (muted) this.#muted.add(log);
    else this.#muted.delete(log);
  }

  #rolesOf(log: string): Map<string, Role> {
    const roles = this.#roles.get(log) ?? new Map<string, Role>();
    this.#roles.set(log, roles);
    return roles;
  }

  // --- What may be done --------------------------------------------------------------------------

  /** What the user is there; undefined while nobody has said. */
  place(log: string): Place | undefined {
    if (this.#muted.has(log)) return "muted";
    if (log === LOBBY) return "member";
    const role = this.#roles.get(log)?.get(this.#me);
    return role && PLACE_OF_ROLE[role];
  }

  /**
   * Whether the user may do it there, `isSeveral` being whether it is a conversation of several;
   * undefined where only the server knows.
   */
  may(action: Action, log: string, isSeveral = false): boolean | undefined {
    if (this.standing === undefined) return undefined;
    const place = this.place(log);
    const permission = permissionOf(action, isSeveral);
    const isAllowed = allows(permission, this.standing, place ?? "owner");
    if (!isAllowed || place !== undefined || !log.startsWith("#")) return isAllowed;
    // Of an unknown place the best was thought.
    return allows(permission, this.standing, undefined) ? true : undefined;
  }

  /** The same of what is done to somebody in a room, who must be of a lower place there. */
  mayDoTo(name: string, action: Action, log: string): boolean | undefined {
    const place = this.place(log);
    if (this.standing === undefined || place === undefined) return undefined;
    if (this.may(action, log) === false) return false;
    const [, , anywhere] = PERMISSIONS[action];
    const isAbove = anywhere !== null && atLeast(this.standing, anywhere);
    return isAbove || PLACES.indexOf(place) > PLACES.indexOf(this.#placeOf(name, log));
  }

  /** The same of deleting what somebody else has said in a room. */
  mayDeleteOf(author: string, log: string): boolean | undefined {
    if (!log.startsWith("#")) return false;
    const place = this.place(log);
    if (this.standing === undefined || place === undefined) return undefined;
    if (!keepsOrder(this.standing, place)) return false;
    // A former owner of the user's name has no place there any more.
    return author === this.#me || this.mayDoTo(author, "delete_message", log);
  }

  /**
   * Whether the server lets the author mention everyone at once, as far as is known here. That is
   * not so of moderators of the cluster.
   */
  mayCallAll(author: string, log: string): boolean {
    return keepsOrder("guest", this.#placeOf(author, log));
  }

  #placeOf(name: string, log: string): Place {
    const role = this.#roles.get(log)?.get(name);
    return role ? PLACE_OF_ROLE[role] : "outsider";
  }
}

function permissionOf(action: Action, isSeveral: boolean): Permission {
  const permission = PERMISSIONS[action];
  // Those who have begun a conversation together bring in whom they like.
  return action === "invite_member" && isSeveral
    ? [permission[0], "member", permission[2]]
    : permission;
}

function allows(permission: Permission, standing: Standing, place: Place | undefined): boolean {
  const [least, leastPlace, anywhere] = permission;
  if (!atLeast(standing, least)) return false;
  if (anywhere !== null && atLeast(standing, anywhere)) return true;
  if (leastPlace === null) return true;
  return place !== undefined && PLACES.indexOf(place) >= PLACES.indexOf(leastPlace);
}

function atLeast(standing: Standing, least: Standing): boolean {
  return STANDINGS.indexOf(standing) >= STANDINGS.indexOf(least);
}

/** Whether somebody keeps order in a room: as its moderator or owner, or the cluster's. */
function keepsOrder(standing: Standing, place: Place): boolean {
  return atLeast(standing, "moderator") || PLACES.indexOf(place) >= PLACES.indexOf("moderator");
}
