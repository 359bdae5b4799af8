// Written by scripts/document from zchat/protocol/limits.py. Do not edit.

/** The bounds that concern a client: seconds, bytes and characters, as their names say. */

/** One msgpack value from or to a client; large enough for the longest text in any script. */
export const FRAME_BYTES_MAX = 131_072;
/** One message; a pasted page of code is one message. */
export const TEXT_CHARS_MAX = 16_000;
/** One line, which stands above a room; of a conversation it is the names of those in it. */
export const TOPIC_CHARS_MAX = 300;
/** A user or a room, in the one spelling that every name has. */
export const NAME_CHARS_MAX = 32;
/** Whom an operator means: an address, a block of them, a name or a pattern. */
export const TARGET_CHARS_MAX = 64;
/** A name, after `#` or `@`. */
export const LOG_NAME_CHARS_MAX = 33;
/** What a program calls itself when it says hello. */
export const SOFTWARE_CHARS_MAX = 64;
/** The one thing that is asked of a new password; guessing is slowed down besides. */
export const PASSWORD_CHARS_MIN = 8;
/** A longer one is refused, and not cut: all of it counts. */
export const PASSWORD_CHARS_MAX = 256;
/** A prefix and a number, by which a command that comes twice is known. */
export const NONCE_BYTES = 16;
/** Drawn once by each client; the number after it rises with each command. */
export const NONCE_PREFIX_BYTES = 8;
/** Random, and made by the client, which proves with it that it is the same one as before. */
export const TOKEN_BYTES = 32;
/** By which the connections of one running program are known; eight random ones will do. */
export const INSTANCE_BYTES_MAX = 16;
/** SHA-256: all that a server keeps of the secrets that clients make. */
export const DIGEST_BYTES = 32;
/** Random, and no secret: by it a client knows the cluster again. */
export const CLUSTER_ID_BYTES = 8;
/** What a user calls a device, or the token of a bot. */
export const DEVICE_NAME_CHARS_MAX = 64;
/** Why somebody does something to others, in one line. */
export const REASON_CHARS_MAX = 300;
/** The key of a room, which is told to those who may join it. */
export const ROOM_KEY_CHARS_MAX = 64;
/** The code of an invitation. */
export const INVITATION_CHARS_MAX = 64;
/** A one-time code or recovery code as it is typed, perhaps with spaces. */
export const ONE_TIME_CODE_CHARS_MAX = 32;
/** 160 bits, as RFC 4226 recommends. */
export const TOTP_SECRET_BYTES = 20;
/** Of one account; each works once, in the place of a one-time code. */
export const RECOVERY_CODES_MAX = 10;
/** Rooms that one app token is for; without any it is for all of its user's. */
export const APP_TOKEN_ROOMS_MAX = 50;
/** Records in one answer; older ones are asked for by the time of the last. */
export const AUDIT_RECORDS_MAX = 200;
/** The longest time that a room may make a member wait between two messages. */
export const SLOW_MODE_S_MAX = 21_600;
/** Of one reaction: the longest sequences of joined emoji have about ten. */
export const EMOJI_CHARS_MAX = 16;
/** Different emoji on one message. */
export const REACTION_KINDS_MAX = 20;
/** Reactions to one message in all, so that it fits in a frame together with them. */
export const REACTIONS_MAX = 200;
/** Names that one message mentions; more are not looked at. */
export const MENTIONS_MAX = 50;
/** All words of one search together. */
export const SEARCH_CHARS_MAX = 200;
/** Messages in one answer; older ones are asked for by the time of the last. */
export const SEARCH_RESULTS_MAX = 100;
/** Whom one conversation of several is started with; more may be invited later. */
export const CONVERSATION_USERS_MAX = 20;
/** Cursors in one `LogIn`, and logs that it asks for, so that it fits in a frame; of all logs those
 * without a cursor go on at the read marker. */
export const CURSORS_MAX = 800;
/** Entries in one answer; older ones are asked for by the sequence of the first. */
export const HISTORY_ENTRIES_MAX = 200;
/** Largest integer on the wire: every language with doubles reads it exactly. */
export const INTEGER_MAX = 9_007_199_254_740_992;
/** Unanswered requests of one session; until one is answered nothing more is read from it. */
export const SESSION_REQUESTS_MAX = 64;
/** A client with nothing to say pings so often, several times before it counts as gone. */
export const CLIENT_PING_INTERVAL_S = 20;
/** A room may have a lower bound of its own. */
export const ROOM_MEMBERS_MAX = 10_000;
/** Pinned messages of one room; for one more, another one is unpinned first. */
export const ROOM_PINS_MAX = 50;
/** The longest ban that has an end. */
export const BAN_S_MAX = 315_360_000;
/** How long somebody who was kicked from the server is kept out, if it is not said. */
export const KICK_S = 600;
/** Names in one presence frame to a client; the others are counted. */
export const PRESENCE_NAMES_MAX = 20;
/** Whoever says that it types does so for so long, unless it says so again, or something else. */
export const TYPING_S = 6;
/** A client says at most so often that its user types in one place. */
export const TYPING_INTERVAL_S = 3;
/** Requests that a client keeps while it has no connection. */
export const CLIENT_QUEUE_MAX = 10_000;
/** How long a client waits before it connects anew; twice as long each further time. */
export const CLIENT_RECONNECT_S = 0.1;
/** The longest of these waits. */
export const CLIENT_RECONNECT_S_MAX = 10;
/** A client that a server tells to come back later does so by then, whatever it was told. */
export const CLIENT_RETRY_AFTER_S_MAX = 600;
/** How long a client waits before it repeats a command that was `unavailable`. */
export const CLIENT_RETRY_S = 5;
/** A gateway that answers nothing for so long is gone; the client connects anew. */
export const CLIENT_SILENCE_S = 45;
/** The same while it owes an answer, of which "not now" takes the longest: `COMMAND_TIMEOUT_S`. */
export const CLIENT_ANSWER_SILENCE_S = 15;
