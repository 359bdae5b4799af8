// Written by scripts/document from zchat/protocol/messages. Do not edit.

/** Every message between a client and a gateway. Fields are called as on the wire. What comes from a
 * server is whole: `codec.ts` fills in what was left out. */

export const PROTOCOL_VERSION = 1;
/** The room that everyone is in. */
export const LOBBY = "lobby";
/** Author of entries that no user wrote. */
export const SYSTEM_AUTHOR = "zchat";
export const RESERVED_USERS = ["admin", "all", "everyone", "here", "lobby", "moderator", "operator", "room", "root", "server", "system", "users", "zchat"];
export const RESERVED_ROOMS = ["lobby", "system", "zchat"];

/** In the cluster. Moderators and operators act in every room, also where they are not in it. */
export const STANDINGS = ["guest", "account", "moderator", "operator"] as const;
export type Standing = (typeof STANDINGS)[number];

/** In a room. Whoever is muted is a member who may not speak. */
export const ROLES = ["owner", "moderator", "member", "muted"] as const;
export type Role = (typeof ROLES)[number];

/** Who may speak in a room. */
export const POSTINGS = ["members", "moderators"] as const;
export type Posting = (typeof POSTINGS)[number];

/** What a session with an app token may do. Without scopes it may do what its user may. */
export const SCOPES = ["read", "post"] as const;
export type Scope = (typeof SCOPES)[number];

/** Notification level of a room or conversation. */
export const NOTIFY_LEVELS = ["all", "mentions", "nothing"] as const;
export type Notify = (typeof NOTIFY_LEVELS)[number];

export const PING_TARGETS = ["gateway", "user-service", "room-service"] as const;
export type PingTarget = (typeof PING_TARGETS)[number];

export const ACCOUNT_CHANGES = ["password_changed", "device_added", "device_revoked", "app_token_created", "logged_out_everywhere", "totp_enabled", "totp_disabled", "recovery_code_used", "password_reset", "standing_changed"] as const;
export type AccountChange = (typeof ACCOUNT_CHANGES)[number];

export const REFUSAL_CODES = ["malformed", "unsupported_version", "not_logged_in", "already_logged_in", "invalid_name", "name_in_use", "password_required", "new_password_required", "wrong_password", "invalid_password", "already_registered", "empty_text", "unknown_user", "unknown_room", "unknown_log", "room_exists", "not_a_member", "not_allowed", "limit_reached", "too_fast", "guests_not_allowed", "registration_closed", "invitation_required", "invalid_invitation", "code_required", "wrong_code", "suspended", "out_of_scope", "unknown_device", "unknown_token", "unknown_entry", "blocked", "banned", "muted", "wrong_key", "overtaken", "session_ended", "timed_out", "busy", "unavailable", "other"] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

// --- To a server -----------------------------------------------------------------------------------
/** First message of a connection: which program it is. Answered with `Welcome`.
 *
 * `instance` are random bytes of the running program, the same on all its connections: a login
 * ends the session that the same token and instance have, and leaves those of other programs. A
 * `bot` says that it is one, which stands with all that it says; whoever has an app token is one
 * anyway. */
export interface Hello {
  readonly kind: "hello";
  readonly version: number;
  readonly software: string;
  readonly instance?: Uint8Array; // Else new Uint8Array().
  readonly bot?: boolean; // Else false.
}

/** Answered with `LoggedIn`, then with every entry after the cursors.
 *
 * `token` is 32 random bytes of the client's choice. Repeated on another connection they prove
 * that this is the same client: it gets its name back without a password, even as a guest. With a
 * `device` the account remembers the token under that name, also after a goodbye, until it is
 * revoked. `code` is a one-time or recovery code, for accounts that ask for one. `register` makes
 * a new account of the name and password, with an `invitation` where one is needed. Who has a code
 * of an operator in the place of a lost password gives it as `password`, with a `new_password`,
 * which logs out every other client.
 *
 * `cursors` holds, by log, the sequence of the last entry that the client has; a log that is not
 * in it starts at the user's read marker. Who is `away` says so at once, as by `SetAway`.
 *
 * With `logs` only these come, as far as the user follows them, now or later: no others are in
 * `LoggedIn`, and with none at all there are answers alone, and no presence. `from_head` starts
 * logs without a cursor at their newest entry instead of the read marker.
 *
 * `account` says that the token is an account's, remembered or of an app: if it is not, the login
 * is refused, and nobody becomes a guest by it. */
export interface LogIn {
  readonly kind: "log_in";
  readonly id: number;
  readonly name: string;
  readonly token?: Uint8Array;
  readonly password?: string | null; // Else null.
  readonly cursors?: Readonly<Record<string, number>>; // Else {}.
  readonly device?: string; // Else "".
  readonly code?: string; // Else "".
  readonly register?: boolean; // Else false.
  readonly invitation?: string; // Else "".
  readonly away?: string | null; // Else null.
  readonly new_password?: string | null; // Else null.
  readonly logs?: readonly string[] | null; // Else null.
  readonly from_head?: boolean; // Else false.
  readonly account?: boolean; // Else false.
}

/** The session ends now, and with it a guest's memberships. Answered with `Done`.
 *
 * So does its token, unless it is remembered as a device, or another session has it. */
export interface LogOut {
  readonly kind: "log_out";
  readonly id: number;
}

/** Says `text` in a room that the user is in, perhaps in reply to the message `reply_to`.
 *
 * `@name` mentions a member, `@room` everyone, if a moderator says it: `mentions.py`. */
export interface Post {
  readonly kind: "post";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly text: string;
  readonly reply_to?: number; // Else 0.
}

/** One's own. `log` is `#room`, or one's own inbox. */
export interface EditMessage {
  readonly kind: "edit_message";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly log: string;
  readonly sequence: number;
  readonly text: string;
}

/** One's own, or in a room anybody's if one moderates it: its text is gone for good.
 *
 * The `reason` is for what somebody else has written; of one's own message none is kept. */
export interface DeleteMessage {
  readonly kind: "delete_message";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly log: string;
  readonly sequence: number;
  readonly reason?: string; // Else "".
}

export interface AddReaction {
  readonly kind: "add_reaction";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly log: string;
  readonly sequence: number;
  readonly emoji: string;
}

export interface RemoveReaction {
  readonly kind: "remove_reaction";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly log: string;
  readonly sequence: number;
  readonly emoji: string;
}

/** Has `ListPins` tell of the message, which stays where it is. */
export interface PinMessage {
  readonly kind: "pin_message";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly sequence: number;
}

export interface UnpinMessage {
  readonly kind: "unpin_message";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly sequence: number;
}

/** Tells the operators about the entry `sequence` of a log that the user can read. */
export interface ReportMessage {
  readonly kind: "report_message";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly log: string;
  readonly sequence: number;
  readonly reason: string;
}

/** `reply_to` is a message of the same conversation, as it stands in the sender's inbox. */
export interface SendPrivate {
  readonly kind: "send_private";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly to: string;
  readonly text: string;
  readonly reply_to?: number; // Else 0.
}

/** The user has read `log` up to `sequence`. Never moves back, unless `back`; needs no nonce.
 *
 * With `back` what comes after `sequence` is unread again, for all devices of the user: in a room,
 * and in a conversation what is after the marker of the inbox itself, which never moves back.
 *
 * `log` is `#room`, or one's own inbox: that is how far it has been received. `@name` of somebody
 * else is the conversation with them, up to that sequence of one's own inbox. */
export interface MarkRead {
  readonly kind: "mark_read";
  readonly id: number;
  readonly log: string;
  readonly sequence: number;
  readonly back?: boolean; // Else false.
}

/** For all devices of the user; `log` is `#room`, or `@name` for a conversation. No nonce. */
export interface SetNotify {
  readonly kind: "set_notify";
  readonly id: number;
  readonly log: string;
  readonly level: Notify;
}

/** The user writes in `#room` or to `@name`, and will for some seconds. Needs no nonce. */
export interface SayTyping {
  readonly kind: "say_typing";
  readonly id: number;
  readonly log: string;
}

/** A private room of the user and these others, who are in it at once.
 *
 * Answered with `Done`, whose `log` is its name: made of the nonce, so that nobody need think of
 * one. The room's topic names who is in it. */
export interface StartConversation {
  readonly kind: "start_conversation";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly users: readonly string[];
}

/** The lobby is told of a room, unless it is `private` from the beginning (`ConfigureRoom`). */
export interface CreateRoom {
  readonly kind: "create_room";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly private?: boolean; // Else false.
}

/** A room that has a key wants it from everyone who is not invited. */
export interface JoinRoom {
  readonly kind: "join_room";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly key?: string; // Else "".
}

/** An owner who leaves is followed by the longest-standing moderator, or else member. */
export interface LeaveRoom {
  readonly kind: "leave_room";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
}

export interface SetTopic {
  readonly kind: "set_topic";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly topic: string;
}

/** The user may join, whatever the room's kind and key. Told in the room and to the user. */
export interface InviteMember {
  readonly kind: "invite_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
}

/** Ends the membership; the user may join again. */
export interface KickMember {
  readonly kind: "kick_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
  readonly reason?: string; // Else "".
}

/** Kicks a member, and keeps the user out until then, or for ever. */
export interface BanMember {
  readonly kind: "ban_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
  readonly reason?: string; // Else "".
  readonly until_ms?: number | null; // Else null.
}

/** The user may join again; that makes it no member. */
export interface UnbanMember {
  readonly kind: "unban_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
}

/** The user may not speak there until it is unmuted, also if it leaves and comes back.
 *
 * In the lobby, which everyone is in, it may be any user. */
export interface MuteMember {
  readonly kind: "mute_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
  readonly reason?: string; // Else "".
}

/** The user may speak again. */
export interface UnmuteMember {
  readonly kind: "unmute_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
}

/** Makes a member a moderator. */
export interface PromoteMember {
  readonly kind: "promote_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
}

/** Makes a moderator a plain member. */
export interface DemoteMember {
  readonly kind: "demote_member";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
}

/** Makes a member the owner; the former one is a moderator from then on. */
export interface TransferRoom {
  readonly kind: "transfer_room";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly user: string;
}

/** Changes what is not None. `private`: only who is invited may join, and it is not listed.
 *
 * An empty `key` takes it away; `slow_mode_s` is the least time between two messages of one
 * member, 0 for none; `members_max` 0 is the cluster's own bound. */
export interface ConfigureRoom {
  readonly kind: "configure_room";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly private?: boolean | null; // Else null.
  readonly key?: string | null; // Else null.
  readonly posting?: Posting | null; // Else null.
  readonly slow_mode_s?: number | null; // Else null.
  readonly members_max?: number | null; // Else null.
}

/** Ends the room for everyone. Its name is free, and a new room shows nothing of this one. */
export interface CloseRoom {
  readonly kind: "close_room";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly room: string;
  readonly reason?: string; // Else "".
}

/** This client's user is away, with a word for others, or is back (None). Needs no nonce. */
export interface SetAway {
  readonly kind: "set_away";
  readonly id: number;
  readonly away: string | null;
}

/** Makes the guest an account. */
export interface Register {
  readonly kind: "register";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly password: string;
  readonly invitation?: string; // Else "".
}

/** Logs out every other client of the account. */
export interface ChangePassword {
  readonly kind: "change_password";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly password: string;
  readonly new_password: string;
}

/** Forgets every device and app token of the account, and ends all its sessions. */
export interface LogOutEverywhere {
  readonly kind: "log_out_everywhere";
  readonly id: number;
  readonly nonce: Uint8Array;
}

/** What it has said stays, under its name, which nobody else can take; all else is removed. */
export interface DeleteAccount {
  readonly kind: "delete_account";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly password: string;
}

/** Forgets a device or app token, and ends its sessions. `device` is as `DeviceList` says. */
export interface RevokeDevice {
  readonly kind: "revoke_device";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly device: number;
}

/** For a bot. `digest` is that of 32 random bytes, which are its token in `LogIn` from then on.
 *
 * It may do what `scopes` say, and only in `rooms`, if there are some: elsewhere it neither reads
 * nor posts, and it has no inbox. */
export interface CreateAppToken {
  readonly kind: "create_app_token";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly digest: Uint8Array;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly rooms?: readonly string[]; // Else [].
}

/** From now on a password needs a one-time code, too (RFC 6238: SHA-1, 30 s, 6 digits).
 *
 * The client makes `secret` and shows it; `code` proves that it has reached an authenticator, and
 * `password` that it is the user: whoever finds an open session could shut its user out by this.
 * `recovery` are the digests of codes that work once each, in the place of a one-time code. */
export interface EnableTotp {
  readonly kind: "enable_totp";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly secret: Uint8Array;
  readonly code: string;
  readonly password: string;
  readonly recovery?: readonly Uint8Array[]; // Else [].
}

/** A password is enough again, and the recovery codes are worth nothing. */
export interface DisableTotp {
  readonly kind: "disable_totp";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly password: string;
}

/** No private messages from `user` any more. */
export interface BlockUser {
  readonly kind: "block_user";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly user: string;
}

/** What the user has written meanwhile was refused, and does not come. */
export interface UnblockUser {
  readonly kind: "unblock_user";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly user: string;
}

/** A word of an operator to everyone, in the lobby. */
export interface Announce {
  readonly kind: "announce";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly text: string;
}

/** `digest` is that of the code, made by whoever invites; it works once, until `expires_ms`. */
export interface CreateInvitation {
  readonly kind: "create_invitation";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly digest: Uint8Array;
  readonly expires_ms: number;
  readonly note?: string; // Else "".
}

/** The code makes no account any more; accounts that were made stay. */
export interface RevokeInvitation {
  readonly kind: "revoke_invitation";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly digest: Uint8Array;
}

/** Ends all sessions of the user, who may connect again. */
export interface DisconnectUser {
  readonly kind: "disconnect_user";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly user: string;
  readonly reason?: string; // Else "".
}

/** Ends all sessions of the account, and lets it in no more until then, or until restored. */
export interface SuspendUser {
  readonly kind: "suspend_user";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly user: string;
  readonly reason?: string; // Else "".
  readonly until_ms?: number | null; // Else null.
}

/** Ends a suspension. */
export interface RestoreUser {
  readonly kind: "restore_user";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly user: string;
}

/** Keeps whoever `who` means out of the server, and ends their sessions at once.
 *
 * For `for_s` seconds, or for ever. `guests`: only guests, and who would make an account.
 * Operators and moderators of the cluster are never kept out. What would hit whoever asks, an
 * address of the server's own, or a good part of everybody is done only with `force`, and for
 * operators. */
export interface BanUsers {
  readonly kind: "ban_users";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly who: string;
  readonly reason?: string; // Else "".
  readonly for_s?: number | null; // Else null.
  readonly guests?: boolean; // Else false.
  readonly force?: boolean; // Else false.
}

/** Lifts the bans of exactly this `who`. */
export interface UnbanUsers {
  readonly kind: "unban_users";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly who: string;
}

/** Ends all sessions of whoever `who` means, and keeps them out for so long.
 *
 * Of a guest the name is kept out, and the address for guests; of an account the name. With
 * `names_only` no address is kept out that `who` does not say. */
export interface KickUsers {
  readonly kind: "kick_users";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly who: string;
  readonly reason?: string; // Else "".
  readonly for_s?: number; // Else 600.
  readonly names_only?: boolean; // Else false.
  readonly force?: boolean; // Else false.
}

/** Makes an account an operator or moderator of the cluster, or a plain account again. */
export interface SetStanding {
  readonly kind: "set_standing";
  readonly id: number;
  readonly nonce: Uint8Array;
  readonly user: string;
  readonly standing: Standing;
}

/** The last `limit` entries of `#room`, or of the private conversation with `@name`.
 *
 * With `before`, those before that sequence. Answered with `History`. */
export interface ReadHistory {
  readonly kind: "read_history";
  readonly id: number;
  readonly log: string;
  readonly limit?: number; // Else 20.
  readonly before?: number | null; // Else null.
}

/** What a message has said before, where the cluster keeps that. Answered with `EditList`. */
export interface ReadEdits {
  readonly kind: "read_edits";
  readonly id: number;
  readonly log: string;
  readonly sequence: number;
}

/** The newest `limit` messages that hold every word of `text`, be they upper or lower case.
 *
 * Words are what blanks divide, and each may stand anywhere, within another word too: `port` finds
 * `transport`. No character of them means anything but itself.
 *
 * In all that the user can read, or only in `#room` or the conversation with `@name`; of all
 * authors or of one; with `before_ms`, before that time. Answered with `SearchResults`. */
export interface SearchMessages {
  readonly kind: "search_messages";
  readonly id: number;
  readonly text: string;
  readonly log?: string | null; // Else null.
  readonly author?: string | null; // Else null.
  readonly before_ms?: number | null; // Else null.
  readonly limit?: number; // Else 20.
}

/** The pinned messages of a room. Answered with `PinList`. */
export interface ListPins {
  readonly kind: "list_pins";
  readonly id: number;
  readonly room: string;
}

/** With whom the user has exchanged private messages. Answered with `ConversationList`. */
export interface ListConversations {
  readonly kind: "list_conversations";
  readonly id: number;
}

/** All rooms, or only `room`. Answered with `RoomList`. */
export interface ListRooms {
  readonly kind: "list_rooms";
  readonly id: number;
  readonly room?: string | null; // Else null.
}

/** Answered with `MemberList`. */
export interface ListMembers {
  readonly kind: "list_members";
  readonly id: number;
  readonly room: string;
}

/** Answered with `BanList`. */
export interface ListBans {
  readonly kind: "list_bans";
  readonly id: number;
  readonly room: string;
}

/** Who is online. Answered with `UserList`. */
export interface ListUsers {
  readonly kind: "list_users";
  readonly id: number;
}

/** Who is kept out of the server; those that come after `after`. Answered with `UserBanList`. */
export interface ListUserBans {
  readonly kind: "list_user_bans";
  readonly id: number;
  readonly after?: string; // Else "".
}

/** The user's own. Answered with `DeviceList`. */
export interface ListDevices {
  readonly kind: "list_devices";
  readonly id: number;
}

/** Whom the user has blocked. Answered with `BlockedList`. */
export interface ListBlocked {
  readonly kind: "list_blocked";
  readonly id: number;
}

/** The newest `limit` records of what operators, moderators and owners have done.
 *
 * With `before_ms`, those before that time. Answered with `AuditList`. */
export interface ReadAudit {
  readonly kind: "read_audit";
  readonly id: number;
  readonly limit?: number; // Else 50.
  readonly before_ms?: number | null; // Else null.
}

/** To the gateway, or through it and the router to a service and back. Answered with `Pong`. */
export interface Ping {
  readonly kind: "ping";
  readonly id: number;
  readonly target?: PingTarget; // Else "gateway".
}

// --- From a server ---------------------------------------------------------------------------------
/** `cluster` is the same for ever, whatever addresses lead there, and no secret. It is empty
 * where the gateway, or what it belongs to, is older than that. */
export interface Welcome {
  readonly kind: "welcome";
  readonly version: number;
  readonly software: string;
  readonly cluster: string;
}

/** `logs` are all that the user follows now: the inbox, the lobby, the joined rooms; where the
 * client has said which of them it wants, those.
 *
 * `since_ms` is when the name became the user's own: what a client knows of an earlier user of
 * this name, or of another cluster at this address, it had better forget. */
export interface LoggedIn {
  readonly kind: "logged_in";
  readonly id: number;
  readonly name: string;
  readonly guest: boolean;
  readonly logs: readonly LogState[];
  readonly standing: string;
  readonly since_ms: number;
}

/** One fact in a log. Sent to all who follow the log, once each and in sequence.
 *
 * A message that is read again is as it has become: with its newest text, or `Redacted`. The
 * entries that made it so follow in the log as well, and change nothing more. `edited` is the
 * `MessageEdited` that its text is from; `reactions` are the names by emoji, in their order. */
export interface Entry {
  readonly kind: "entry";
  readonly log: string;
  readonly sequence: number;
  readonly at_ms: number;
  readonly author: string;
  readonly body: EntryBody;
  readonly edited: number;
  readonly reactions: ReadonlyMap<string, readonly string[]>;
}

/** The command is committed: durable. `sequence` is that of its entry in `log`.
 *
 * It is 0 where the command has changed nothing, or made no entry. `again` says that this nonce
 * had been answered before, and that this is its first answer. */
export interface Done {
  readonly kind: "done";
  readonly id: number;
  readonly log: string | null;
  readonly sequence: number;
  readonly again: boolean;
}

/** The request changed nothing, and `reason` says why in a sentence for people.
 *
 * Without an `id` it is about the connection, which then ends. Two codes say "not now":
 * `busy`, nothing was done; `unavailable`, no answer in time: the command still waits, and the
 * same nonce, sent again, tells what became of it. */
export interface Refused {
  readonly kind: "refused";
  readonly id: number | null;
  readonly code: RefusalCode;
  readonly reason: string;
  readonly retry_after_ms: number;
  readonly again: boolean;
}

/** Oldest first. `more` says that there are entries before them. */
export interface History {
  readonly kind: "history";
  readonly id: number;
  readonly log: string;
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

/** By name; `total` counts also those that found no place in `rooms`. */
export interface RoomList {
  readonly kind: "room_list";
  readonly id: number;
  readonly rooms: readonly RoomInfo[];
  readonly total: number;
}

/** Those online first, each half by name; `total` counts also those not in `members`. */
export interface MemberList {
  readonly kind: "member_list";
  readonly id: number;
  readonly room: string;
  readonly members: readonly MemberInfo[];
  readonly total: number;
}

/** By name; `total` counts also those that found no place in `users`. */
export interface UserList {
  readonly kind: "user_list";
  readonly id: number;
  readonly users: readonly UserInfo[];
  readonly total: number;
}

export interface BanList {
  readonly kind: "ban_list";
  readonly id: number;
  readonly room: string;
  readonly bans: readonly BanInfo[];
}

/** By `who`; `more` says that there are others after the last one. */
export interface UserBanList {
  readonly kind: "user_ban_list";
  readonly id: number;
  readonly bans: readonly UserBan[];
  readonly more: boolean;
}

/** `totp`: whether a password needs a one-time code; `recovery_codes` are left. */
export interface DeviceList {
  readonly kind: "device_list";
  readonly id: number;
  readonly devices: readonly DeviceInfo[];
  readonly totp: boolean;
  readonly recovery_codes: number;
}

export interface BlockedList {
  readonly kind: "blocked_list";
  readonly id: number;
  readonly users: readonly string[];
}

/** Newest first. */
export interface AuditList {
  readonly kind: "audit_list";
  readonly id: number;
  readonly records: readonly AuditRecord[];
}

/** Newest pin first; of each the message, as it has become. */
export interface PinList {
  readonly kind: "pin_list";
  readonly id: number;
  readonly room: string;
  readonly pins: readonly Entry[];
}

/** Newest first. */
export interface ConversationList {
  readonly kind: "conversation_list";
  readonly id: number;
  readonly conversations: readonly ConversationInfo[];
}

/** Oldest first; empty also where edits are not kept. */
export interface EditList {
  readonly kind: "edit_list";
  readonly id: number;
  readonly edits: readonly EditInfo[];
}

/** Newest first. `more`: ask again, before the last of them. Not `complete` while indexing. */
export interface SearchResults {
  readonly kind: "search_results";
  readonly id: number;
  readonly entries: readonly Entry[];
  readonly more: boolean;
  readonly complete: boolean;
}

export interface Pong {
  readonly kind: "pong";
  readonly id: number;
}

/** Soft state, collected: who came and who went; the `more` counts are those not named.
 *
 * `away` has a word of everyone who has gone away, and None of who is back. */
export interface PresenceChanged {
  readonly kind: "presence_changed";
  readonly came: readonly string[];
  readonly went: readonly string[];
  readonly came_more: number;
  readonly went_more: number;
  readonly online: number;
  readonly away: ReadonlyMap<string, string | null>;
}

/** Soft state: these are writing at the moment, in `#room`, or to the user from `@name`. */
export interface TypingSeen {
  readonly kind: "typing_seen";
  readonly log: string;
  readonly users: readonly string[];
}

/** Soft state: another device of the user has read `log`, or has set its notification level.
 *
 * `log` is `#room`, the own inbox, or `@name` for a conversation. Only with `back` is what comes
 * after the marker unread again; else an older marker is old news. */
export interface LogStateChanged {
  readonly kind: "log_state_changed";
  readonly log: string;
  readonly marker: number;
  readonly notify: string;
  readonly back: boolean;
}

/** This client says, or asks for, more than it may: it is heard again after `wait_ms`.
 *
 * Nothing is lost, and nothing need be sent again. */
export interface SlowedDown {
  readonly kind: "slowed_down";
  readonly wait_ms: number;
}

/** The gateway stops. Connect again, with the same token and your cursors. */
export interface GoingAway {
  readonly kind: "going_away";
  readonly reason: string;
}

/** `reply_to` is the entry of the same log that it answers, if any.
 *
 * `bot` says that a program has said it, by an app token or by its own account of itself. */
export interface MessagePosted {
  readonly kind: "message_posted";
  readonly text: string;
  readonly reply_to: number;
  readonly bot: boolean;
}

/** Stands in the inbox of the recipient and in that of the sender.
 *
 * `twin` is its sequence in the other one's inbox; `reply_to` an entry of this one. `bot` is that
 * of `MessagePosted`. */
export interface PrivateMessageSent {
  readonly kind: "private_message_sent";
  readonly to: string;
  readonly text: string;
  readonly reply_to: number;
  readonly twin: number;
  readonly bot: boolean;
}

/** The message `sequence` of this log says `text` now.
 *
 * Without a text it is out of date: a later edit, or the message's end, has taken its place. */
export interface MessageEdited {
  readonly kind: "message_edited";
  readonly sequence: number;
  readonly text: string;
}

/** The message `sequence` of this log is no more. `reason` is that of a moderator. */
export interface MessageDeleted {
  readonly kind: "message_deleted";
  readonly sequence: number;
  readonly reason: string;
}

/** Stands in the place of a message that was deleted; `by` is who did it.
 *
 * `to` is whom a private message was sent to; empty in rooms. */
export interface Redacted {
  readonly kind: "redacted";
  readonly by: string;
  readonly to: string;
}

export interface ReactionAdded {
  readonly kind: "reaction_added";
  readonly sequence: number;
  readonly emoji: string;
}

export interface ReactionRemoved {
  readonly kind: "reaction_removed";
  readonly sequence: number;
  readonly emoji: string;
}

export interface MessagePinned {
  readonly kind: "message_pinned";
  readonly sequence: number;
}

export interface MessageUnpinned {
  readonly kind: "message_unpinned";
  readonly sequence: number;
}

/** In a conversation of several: the author has brought `user` in. */
export interface MemberAdded {
  readonly kind: "member_added";
  readonly user: string;
}

/** First entry of a room: its author is the owner and the first member. */
export interface RoomCreated {
  readonly kind: "room_created";
}

/** The author is a member, and follows the room from here on. */
export interface MemberJoined {
  readonly kind: "member_joined";
}

/** The author is a member no more; this is the last entry that it is sent. */
export interface MemberLeft {
  readonly kind: "member_left";
}

export interface TopicChanged {
  readonly kind: "topic_changed";
  readonly topic: string;
}

/** The user may join. It hears of it in its own inbox: `InvitedToRoom`. */
export interface MemberInvited {
  readonly kind: "member_invited";
  readonly user: string;
}

export interface MemberKicked {
  readonly kind: "member_kicked";
  readonly user: string;
  readonly reason: string;
}

/** `until_ms` is None for a ban without an end. The user need not have been a member. */
export interface MemberBanned {
  readonly kind: "member_banned";
  readonly user: string;
  readonly reason: string;
  readonly until_ms: number | null;
}

export interface MemberUnbanned {
  readonly kind: "member_unbanned";
  readonly user: string;
}

export interface MemberMuted {
  readonly kind: "member_muted";
  readonly user: string;
  readonly reason: string;
}

export interface MemberUnmuted {
  readonly kind: "member_unmuted";
  readonly user: string;
}

/** The user is a moderator now. */
export interface MemberPromoted {
  readonly kind: "member_promoted";
  readonly user: string;
}

/** The user is a plain member now. */
export interface MemberDemoted {
  readonly kind: "member_demoted";
  readonly user: string;
}

/** The user is the owner now, and the former one a moderator. */
export interface RoomTransferred {
  readonly kind: "room_transferred";
  readonly user: string;
}

/** All settings of the room as they are now. The key itself is shown to nobody. */
export interface RoomConfigured {
  readonly kind: "room_configured";
  readonly private: boolean;
  readonly keyed: boolean;
  readonly posting: Posting;
  readonly slow_mode_s: number;
  readonly members_max: number;
}

/** The last entry: nobody is in the room any more, and its name is free. */
export interface RoomClosed {
  readonly kind: "room_closed";
  readonly reason: string;
}

/** In the inbox: the author has invited the user to `room`. */
export interface InvitedToRoom {
  readonly kind: "invited_to_room";
  readonly room: string;
}

/** In the lobby: the author has created `room`. */
export interface RoomOpened {
  readonly kind: "room_opened";
  readonly room: string;
}

/** In the lobby: a word of the operator to everyone. */
export interface Announced {
  readonly kind: "announced";
  readonly text: string;
}

/** In the inbox: from here on the name belongs to its password. */
export interface AccountRegistered {
  readonly kind: "account_registered";
}

/** In the inbox, so that the user sees on each device what was done to the account.
 *
 * `change` is one of `AccountChange`, or one that a newer server knows; `about` names the device
 * or the standing. */
export interface AccountChanged {
  readonly kind: "account_changed";
  readonly change: string;
  readonly about: string;
}

/** Stands where a newer server wrote something of a `kind` that this client does not know. */
export interface Unrecognised {
  readonly kind: "unrecognised";
  readonly what: string;
}

/** Where a user stands in one log: entries after `cursor` follow; `head` is the newest now.
 *
 * `marker` is what the user has read on any device. */
export interface LogState {
  readonly kind: "log_state";
  readonly log: string;
  readonly cursor: number;
  readonly head: number;
  readonly marker: number;
  readonly notify: string;
}

/** `members` is None for the lobby, which everyone is in; `unread` is 0 where not joined.
 *
 * `unread` are the messages of others after the read marker; of very many entries only the newest
 * are looked at, and all others are counted. `mentions` are those of the user in what is unread. A
 * `conversation` is called by its topic. */
export interface RoomInfo {
  readonly kind: "room_info";
  readonly room: string;
  readonly topic: string;
  readonly members: number | null;
  readonly joined: boolean;
  readonly unread: number;
  readonly invited: boolean;
  readonly private: boolean;
  readonly keyed: boolean;
  readonly posting: string;
  readonly slow_mode_s: number;
  readonly members_max: number;
  readonly mentions: number;
  readonly notify: string;
  readonly conversation: boolean;
}

/** With `name`: the newest entry, the last one read, and how many of the other are unread. */
export interface ConversationInfo {
  readonly kind: "conversation_info";
  readonly name: string;
  readonly head: number;
  readonly at_ms: number;
  readonly marker: number;
  readonly unread: number;
  readonly notify: string;
}

/** What a message said until `at_ms`. */
export interface EditInfo {
  readonly kind: "edit_info";
  readonly at_ms: number;
  readonly text: string;
}

/** `role` is one of `Role`, or one that a newer server knows. `away` is None for "is here". */
export interface MemberInfo {
  readonly kind: "member_info";
  readonly name: string;
  readonly role: string;
  readonly online: boolean;
  readonly away: string | null;
}

/** `idle_ms` is the time since the user last sent anything but pings. */
export interface UserInfo {
  readonly kind: "user_info";
  readonly name: string;
  readonly guest: boolean;
  readonly since_ms: number;
  readonly idle_ms: number;
  readonly away: string | null;
}

/** `until_ms` is None for a ban without an end. */
export interface BanInfo {
  readonly kind: "ban_info";
  readonly user: string;
  readonly reason: string;
  readonly by: string;
  readonly until_ms: number | null;
}

/** `until_ms` is None for a ban without an end. */
export interface UserBan {
  readonly kind: "user_ban";
  readonly who: string;
  readonly reason: string;
  readonly by: string;
  readonly at_ms: number;
  readonly until_ms: number | null;
  readonly guests: boolean;
}

/** A remembered client or an app token. `device` is its number, which `RevokeDevice` takes. */
export interface DeviceInfo {
  readonly kind: "device_info";
  readonly device: number;
  readonly name: string;
  readonly created_ms: number;
  readonly seen_ms: number;
  readonly online: boolean;
  readonly scopes: readonly string[];
  readonly rooms: readonly string[];
}

/** Who did what, to whom, where, why and when. `action` is the kind of the command. */
export interface AuditRecord {
  readonly kind: "audit_record";
  readonly at_ms: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly room: string;
  readonly reason: string;
}

// --- Unions ----------------------------------------------------------------------------------------
export type AnyCommand =
  | Register
  | ChangePassword
  | LogOutEverywhere
  | DeleteAccount
  | RevokeDevice
  | CreateAppToken
  | EnableTotp
  | DisableTotp
  | BlockUser
  | UnblockUser
  | SendPrivate
  | StartConversation
  | CreateInvitation
  | RevokeInvitation
  | DisconnectUser
  | SuspendUser
  | RestoreUser
  | BanUsers
  | UnbanUsers
  | KickUsers
  | SetStanding
  | Post
  | CreateRoom
  | JoinRoom
  | LeaveRoom
  | SetTopic
  | InviteMember
  | KickMember
  | BanMember
  | UnbanMember
  | MuteMember
  | UnmuteMember
  | PromoteMember
  | DemoteMember
  | TransferRoom
  | ConfigureRoom
  | CloseRoom
  | PinMessage
  | UnpinMessage
  | EditMessage
  | DeleteMessage
  | AddReaction
  | RemoveReaction
  | ReportMessage
  | Announce
  | MarkRead
  | SetNotify
  | SayTyping
  | SetAway;

export type Query =
  | ReadHistory
  | ReadEdits
  | SearchMessages
  | ListPins
  | ListConversations
  | ListRooms
  | ListMembers
  | ListBans
  | ListUsers
  | ListUserBans
  | ListDevices
  | ListBlocked
  | ReadAudit
  | Ping;

export type Command =
  | Post
  | EditMessage
  | DeleteMessage
  | AddReaction
  | RemoveReaction
  | PinMessage
  | UnpinMessage
  | ReportMessage
  | SendPrivate
  | StartConversation
  | CreateRoom
  | JoinRoom
  | LeaveRoom
  | SetTopic
  | InviteMember
  | KickMember
  | BanMember
  | UnbanMember
  | MuteMember
  | UnmuteMember
  | PromoteMember
  | DemoteMember
  | TransferRoom
  | ConfigureRoom
  | CloseRoom
  | Register
  | ChangePassword
  | LogOutEverywhere
  | DeleteAccount
  | RevokeDevice
  | CreateAppToken
  | EnableTotp
  | DisableTotp
  | BlockUser
  | UnblockUser
  | Announce
  | CreateInvitation
  | RevokeInvitation
  | DisconnectUser
  | SuspendUser
  | RestoreUser
  | BanUsers
  | UnbanUsers
  | KickUsers
  | SetStanding;

export type EntryBody =
  | MessagePosted
  | PrivateMessageSent
  | MessageEdited
  | MessageDeleted
  | Redacted
  | ReactionAdded
  | ReactionRemoved
  | MessagePinned
  | MessageUnpinned
  | MemberAdded
  | RoomCreated
  | MemberJoined
  | MemberLeft
  | TopicChanged
  | MemberInvited
  | MemberKicked
  | MemberBanned
  | MemberUnbanned
  | MemberMuted
  | MemberUnmuted
  | MemberPromoted
  | MemberDemoted
  | RoomTransferred
  | RoomConfigured
  | RoomClosed
  | InvitedToRoom
  | RoomOpened
  | Announced
  | AccountRegistered
  | AccountChanged
  | Unrecognised;

export type Answer =
  | Done
  | Refused
  | History
  | RoomList
  | MemberList
  | UserList
  | BanList
  | UserBanList
  | DeviceList
  | BlockedList
  | AuditList
  | PinList
  | ConversationList
  | EditList
  | SearchResults
  | Pong;

export type ServerMessage =
  | Welcome
  | LoggedIn
  | Entry
  | Done
  | Refused
  | History
  | RoomList
  | MemberList
  | UserList
  | BanList
  | UserBanList
  | DeviceList
  | BlockedList
  | AuditList
  | PinList
  | ConversationList
  | EditList
  | SearchResults
  | Pong
  | PresenceChanged
  | TypingSeen
  | LogStateChanged
  | SlowedDown
  | GoingAway;

/** Answered with the same `id`. */
export type Request = AnyCommand | Query;

export type ClientMessage = Hello | LogIn | LogOut | Request;

type WithoutNumbers<R> = R extends unknown ? Omit<R, "id" | "nonce"> : never;

/** A request as whoever wants something makes it: the core gives it its `id` and `nonce`. */
export type Draft = WithoutNumbers<Request>;

/** What a request is answered with, unless it is refused. */
export type AnswerOf<D extends { readonly kind: Request["kind"] }> = Answers[D["kind"]];

export interface Answers {
  readonly post: Done;
  readonly edit_message: Done;
  readonly delete_message: Done;
  readonly add_reaction: Done;
  readonly remove_reaction: Done;
  readonly pin_message: Done;
  readonly unpin_message: Done;
  readonly report_message: Done;
  readonly send_private: Done;
  readonly mark_read: Done;
  readonly set_notify: Done;
  readonly say_typing: Done;
  readonly start_conversation: Done;
  readonly create_room: Done;
  readonly join_room: Done;
  readonly leave_room: Done;
  readonly set_topic: Done;
  readonly invite_member: Done;
  readonly kick_member: Done;
  readonly ban_member: Done;
  readonly unban_member: Done;
  readonly mute_member: Done;
  readonly unmute_member: Done;
  readonly promote_member: Done;
  readonly demote_member: Done;
  readonly transfer_room: Done;
  readonly configure_room: Done;
  readonly close_room: Done;
  readonly set_away: Done;
  readonly register: Done;
  readonly change_password: Done;
  readonly log_out_everywhere: Done;
  readonly delete_account: Done;
  readonly revoke_device: Done;
  readonly create_app_token: Done;
  readonly enable_totp: Done;
  readonly disable_totp: Done;
  readonly block_user: Done;
  readonly unblock_user: Done;
  readonly announce: Done;
  readonly create_invitation: Done;
  readonly revoke_invitation: Done;
  readonly disconnect_user: Done;
  readonly suspend_user: Done;
  readonly restore_user: Done;
  readonly ban_users: Done;
  readonly unban_users: Done;
  readonly kick_users: Done;
  readonly set_standing: Done;
  readonly read_history: History;
  readonly read_edits: EditList;
  readonly search_messages: SearchResults;
  readonly list_pins: PinList;
  readonly list_conversations: ConversationList;
  readonly list_rooms: RoomList;
  readonly list_members: MemberList;
  readonly list_bans: BanList;
  readonly list_users: UserList;
  readonly list_user_bans: UserBanList;
  readonly list_devices: DeviceList;
  readonly list_blocked: BlockedList;
  readonly read_audit: AuditList;
  readonly ping: Pong;
}

const COMMANDS: ReadonlySet<string> = new Set([
  "post",
  "edit_message",
  "delete_message",
  "add_reaction",
  "remove_reaction",
  "pin_message",
  "unpin_message",
  "report_message",
  "send_private",
  "start_conversation",
  "create_room",
  "join_room",
  "leave_room",
  "set_topic",
  "invite_member",
  "kick_member",
  "ban_member",
  "unban_member",
  "mute_member",
  "unmute_member",
  "promote_member",
  "demote_member",
  "transfer_room",
  "configure_room",
  "close_room",
  "register",
  "change_password",
  "log_out_everywhere",
  "delete_account",
  "revoke_device",
  "create_app_token",
  "enable_totp",
  "disable_totp",
  "block_user",
  "unblock_user",
  "announce",
  "create_invitation",
  "revoke_invitation",
  "disconnect_user",
  "suspend_user",
  "restore_user",
  "ban_users",
  "unban_users",
  "kick_users",
  "set_standing",
]);

/** Whether it has a nonce: it changes something once, however often it is sent. */
export function isCommand<R extends { readonly kind: string }>(
  request: R,
): request is Extract<R, { readonly kind: Command["kind"] }> {
  return COMMANDS.has(request.kind);
}
