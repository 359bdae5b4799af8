/** What the core tells: to the application what happened, to its shell what to do. */

import type {
  Answer,
  Command,
  Entry,
  LogState,
  LogStateChanged,
  PresenceChanged,
  Refused,
  Request,
  SlowedDown,
  TypingSeen,
} from "../protocol/messages.ts";

/** The login succeeded; `resumed` if this core was logged in before. */
export interface SessionBegun {
  readonly kind: "session_begun";
  readonly name: string;
  readonly guest: boolean;
  readonly logs: readonly LogState[];
  readonly resumed: boolean;
  /** Since when the name is the user's own. */
  readonly sinceMs: number;
  /** A `Standing`, or one that only a newer page knows. */
  readonly standing: string;
  /** The entries between the cursors and the heads of the logs: they come next. */
  readonly missed: number;
}

/** The next entry of its log; `missed` if it was written before the present login. */
export interface EntryArrived {
  readonly kind: "entry_arrived";
  readonly entry: Entry;
  readonly missed: boolean;
}

/** What became of a request; nothing more will come for its id. */
export interface Answered {
  readonly kind: "answered";
  readonly id: number;
  readonly request: Request;
  readonly answer: Answer;
}

/** The server could not confirm a command in time. It is kept and repeated; told only once. */
export interface Delayed {
  readonly kind: "delayed";
  readonly id: number;
  readonly request: Command;
  readonly reason: string;
}

/** The session's connection broke; the core connects again by itself. */
export interface ConnectionLost {
  readonly kind: "connection_lost";
  readonly reason: string;
}

/** An attempt led to no session, for this reason; the next is made in `retryInS`. */
export interface ConnectionFailed {
  readonly kind: "connection_failed";
  readonly reason: string;
  readonly retryInS: number;
}

/** All was confirmed and the session is over, as the application asked. */
export interface LoggedOut {
  readonly kind: "logged_out";
}

/**
 * The server will not have this client; nothing more will happen. Or this client will not have the
 * server, which says that it is the `otherCluster`, or nothing.
 */
export interface Fatal {
  readonly kind: "fatal";
  readonly refused: Refused;
  readonly otherCluster?: string;
}

export type Event =
  | SessionBegun
  | EntryArrived
  | Answered
  | Delayed
  | PresenceChanged
  | TypingSeen
  | LogStateChanged
  | SlowedDown
  | ConnectionLost
  | ConnectionFailed
  | LoggedOut
  | Fatal;

/** For the shell: connect; `attempt` counts those since the page was opened. */
export interface OpenConnection {
  readonly kind: "open_connection";
  readonly attempt: number;
}

/** For the shell: close, after what is to be sent, and then call `disconnected`. */
export interface CloseConnection {
  readonly kind: "close_connection";
  readonly reason: string;
}

export type Effect = Event | OpenConnection | CloseConnection;

/**
 * How far a client is on its way to the server. `offline`: without a connection, the next attempt is
 * due at some time; `closing`: the shell was told to close and has not said yet that it did;
 * `ended`: for good, logged out or refused.
 */
export type State = "offline" | "connecting" | "logging_in" | "online" | "closing" | "ended";
