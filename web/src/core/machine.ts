/**
 * The client as a pure state machine: no socket, clock, randomness or logging.
 *
 * The shell calls `connected`, `received`, `disconnected`, `wake` and `tick` with what happened and
 * the time in seconds of any steady clock; after each call it sends `takeOutgoing()`, performs and
 * hands on `takeEffects()`, and sees to it that `tick` is called at `nextCallAt()`. The core promises
 * that every command reaches the server once and in order, and every entry the application likewise,
 * over any number of connections.
 *
 * It is `zchat/client/core`, and recorded traces hold the two together (`tests/traces.test.ts`).
 */

import { encode, messagesIn, ProtocolError } from "../protocol/codec.ts";
import { CLIENT_PING_INTERVAL_S } from "../protocol/limits.ts";
import { isCommand } from "../protocol/messages.ts";
import type {
  Answer,
  ClientMessage,
  Entry,
  LoggedIn,
  Refused,
  ServerMessage,
  Welcome,
} from "../protocol/messages.ts";
import { Credentials } from "./credentials.ts";
import { Cursors } from "./cursors.ts";
import type { Effect, Fatal, LoggedOut, State } from "./events.ts";
import { Greeting, MadeAGuest, OtherCluster, UnknownCluster } from "./greeting.ts";
import { isParting, Outbox } from "./outbox.ts";
import type { Submitted } from "./outbox.ts";
import { endsClient, lastWord, Reconnect } from "./reconnect.ts";
import { Latency, Silence, WAKE_ANSWER_S } from "./silence.ts";

/** Nothing more can be submitted. */
export class LoggingOutError extends Error {}

export interface Options {
  readonly name: string;
  readonly credentials?: Credentials;
  /** 8 random bytes, which the outbox of this browser keeps: the client is known by them. */
  readonly noncePrefix: Uint8Array;
  /** The last number that was drawn after this prefix, by this page or an earlier one. */
  readonly nonceNumber?: number;
  readonly software: string;
  /** Where an earlier page stopped, by log. */
  readonly cursors?: ReadonlyMap<string, number>;
  readonly away?: string;
  /** Given by shells whose sockets may take minutes to say that nobody is there. */
  readonly connectTimeoutS?: number;
}

export class ClientCore {
  /** Entries that came once more and were dropped. */
  doublesTotal = 0;
  /** Entries that came too early, each of which cost a connection. */
  gapsTotal = 0;

  private phase: State = "offline";
  private readonly greeting: Greeting;
  private readonly outbox: Outbox;
  private readonly cursors: Cursors;
  private readonly reconnect = new Reconnect();
  private readonly silence = new Silence();
  private readonly latency = new Latency();
  private outgoing: Uint8Array<ArrayBuffer>[] = [];
  private effects: Effect[] = [];
  private leaving = false;
  private logOutId: number | undefined;
  private sentAt = 0;
  private trouble = ""; // Why the connection that is being closed has led to no session.
  private skippingEntries = false;
  private readonly connectTimeoutS: number;
  private connectBy = Infinity;

  constructor(options: Options) {
    const { name, credentials = new Credentials(), noncePrefix, software, away } = options;
    this.greeting = new Greeting(name, credentials, software, noncePrefix, away);
    this.outbox = new Outbox(noncePrefix, options.nonceNumber);
    this.cursors = new Cursors(options.cursors ?? new Map());
    this.connectTimeoutS = options.connectTimeoutS ?? Infinity;
  }

  /** The user's name; once logged in, as the server spells it. */
  get name(): string {
    return this.greeting.name;
  }

  /** The one that it is connected with, or was last; empty if that does not say so. */
  get cluster(): string {
    return this.greeting.cluster;
  }

  get state(): State {
    return this.phase;
  }

  /** With what word the user is away; undefined while they are here. */
  get awayWord(): string | undefined {
    return this.greeting.away;
  }

  /** What the last ping took; undefined before there is an answer on this connection. */
  get latencyS(): number | undefined {
    return this.latency.seconds;
  }

  /** How many requests the server has not answered yet. */
  get unanswered(): number {
    return this.outbox.length;
  }

  /** How many of them were to change something. */
  get unconfirmed(): number {
    return this.outbox.commands;
  }

  /** The logs whose entries come here. */
  get followed(): ReadonlySet<string> {
    return this.cursors.followed;
  }

  // --- What the application wants ---------------------------------------------------------------

  /**
   * Returns the id by which `answered` and `delayed` will name the request. Throws `QueueFull` and
   * `LoggingOutError`.
   */
  submit(draft: Submitted, now: number): number {
    if (this.leaving || this.phase === "ended") {
      throw new LoggingOutError("the session is over; nothing more can be sent");
    }
    const request = this.outbox.add(draft);
    this.greeting.submitted(request);
    this.flush(now);
    return request.id;
  }

  /**
   * The user has seen `log` up to `sequence`; the server is told within about a second. With `back`
   * nothing after it counts as read any more.
   */
  markRead(log: string, sequence: number, back = false): void {
    this.cursors.markRead(log, sequence, back);
  }

  /** Ends the session once everything submitted is answered; then `logged_out` comes. */
  logOut(now: number): void {
    this.leaving = true;
    this.flush(now);
    this.endIfNothingIsLeft();
  }

  // --- What happened to the connection ----------------------------------------------------------

  connected(now: number): void {
    if (this.phase !== "connecting") {
      // The session ended while the shell was connecting.
      this.effects.push({ kind: "close_connection", reason: "the session is over" });
      return;
    }
    this.phase = "logging_in";
    // What was not sent on the former connection comes again: the outbox has all that is unanswered.
    this.outgoing = [];
    this.silence.listen(now);
    this.silence.owes(now, true);
    for (const message of this.greeting.say(this.outbox.nextId(), this.cursors.forLogin())) {
      this.send(message, now);
    }
  }

  /** One binary message of the WebSocket. */
  received(data: Uint8Array, now: number): void {
    this.silence.heard(now);
    try {
      for (const message of messagesIn(data)) {
        // A message may end the connection; those after it will come again.
        if (!this.isOpen()) return;
        this.take(message, now);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (!this.isOpen()) return;
      this.close(`the server sent what this client does not understand: ${error.message}`);
      return;
    }
    this.flush(now);
  }

  /** The connection is gone, or could not be made. `jitter` is random, from 0 to 1. */
  disconnected(now: number, jitter: number, why = "the connection broke"): void {
    if (this.phase === "ended") return;
    this.outgoing = [];
    this.outbox.connectionLost();
    this.cursors.marks.connectionLost();
    this.latency.connectionLost();
    if (this.phase === "online") {
      this.effects.push({ kind: "connection_lost", reason: why });
    } else if (this.phase !== "closing") {
      this.trouble = why;
    }
    this.phase = "offline";
    this.reconnect.disconnected(now, jitter);
    if (this.trouble) {
      const retryInS = this.reconnect.dueAt - now;
      this.effects.push({ kind: "connection_failed", reason: this.trouble, retryInS });
      this.trouble = "";
    }
    this.endIfNothingIsLeft();
  }

  /** The shell was connecting, and has found out that this must not be tried again. */
  giveUp(reason: string): void {
    if (this.phase !== "ended") this.end({ kind: "fatal", refused: refusal("other", reason) });
  }

  /**
   * The page may have slept, or the network may be another one: somebody looks at it again, the
   * browser says that it is online, or a timer came much too late. A connection that does not answer
   * soon is given up, and a wait for the next one is over.
   */
  wake(now: number): void {
    if (this.phase === "online" && this.silence.wake(now)) {
      this.send({ kind: "ping", id: this.outbox.nextId() }, now);
    } else if (this.phase === "connecting") {
      this.connectBy = Math.min(this.connectBy, now + WAKE_ANSWER_S);
    } else if (this.phase === "offline") {
      this.reconnect.hurry(now);
    }
  }

  /** The shell reads no more for a while: silence says nothing about the server now. */
  readingPaused(): void {
    this.silence.stopListening();
  }

  readingResumed(now: number): void {
    this.silence.listen(now);
  }

  /** The application has no room for entries: remember only where it stopped. */
  skipEntries(): void {
    this.skippingEntries = true;
  }

  /** Connects anew, from where the application stopped, so that nothing is missing. */
  stopSkippingEntries(): void {
    if (!this.skippingEntries) return;
    this.skippingEntries = false;
    if (this.phase === "online") {
      this.reconnect.wantAtOnce();
      this.close("reading the skipped entries");
    }
  }

  /** Whatever is due by now. Calling it too often does no harm. */
  tick(now: number): void {
    if (this.phase === "offline" && now >= this.reconnect.dueAt) {
      this.phase = "connecting";
      this.connectBy = now + this.connectTimeoutS;
      this.effects.push({ kind: "open_connection", attempt: this.reconnect.attempt });
    } else if (this.phase === "connecting" && now >= this.connectBy) {
      this.close("the server cannot be reached");
    } else if (this.isOpen()) {
      const goneAt = this.silence.goneAt;
      if (goneAt !== undefined && now >= goneAt) {
        this.close("the server was silent for too long");
        return;
      }
      this.outbox.tick(now);
      this.flush(now);
      if (now >= this.sentAt + CLIENT_PING_INTERVAL_S) {
        this.send({ kind: "ping", id: this.outbox.nextId() }, now);
      }
    }
  }

  /** When `tick` must be called at the latest; undefined if only after another input. */
  nextCallAt(): number | undefined {
    switch (this.phase) {
      case "offline":
        return this.reconnect.dueAt;
      case "connecting":
        return this.connectBy === Infinity ? undefined : this.connectBy;
      case "closing":
      case "ended":
        return undefined;
      case "logging_in":
      case "online":
        return Math.min(
          this.sentAt + CLIENT_PING_INTERVAL_S,
          this.silence.goneAt ?? Infinity,
          this.outbox.retryAt ?? Infinity,
          this.phase === "online" ? this.cursors.marks.dueAt : Infinity,
        );
    }
  }

  /** What is to be sent, a binary message each. */
  takeOutgoing(): readonly Uint8Array<ArrayBuffer>[] {
    const outgoing = this.outgoing;
    this.outgoing = [];
    return outgoing;
  }

  takeEffects(): readonly Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  // --- What the server says ---------------------------------------------------------------------

  private take(message: ServerMessage, now: number): void {
    switch (message.kind) {
      case "welcome":
        return this.welcomed(message, now);
      case "logged_in":
        return this.beginSession(message);
      case "entry":
        return this.takeEntry(message);
      case "refused":
        return this.takeRefusal(message, now);
      case "slowed_down":
        this.silence.excuse(now + message.wait_ms / 1000);
        this.effects.push(message);
        return;
      case "presence_changed":
      case "typing_seen":
      case "log_state_changed":
        this.effects.push(message);
        return;
      case "going_away":
        this.reconnect.wantAtOnce();
        return this.close(message.reason);
      case "pong":
        this.latency.answered(message.id, now);
        return this.takeAnswer(message.id, message);
      default:
        return this.takeAnswer(message.id, message);
    }
  }

  private welcomed(welcome: Welcome, now: number): void {
    try {
      const logIn = this.greeting.welcomed(welcome);
      if (logIn) this.send(logIn, now);
    } catch (error) {
      if (error instanceof UnknownCluster && this.greeting.resuming) {
        // Others of its gateways may have been restarted with a newer release.
        this.close(error.message);
      } else if (error instanceof UnknownCluster || error instanceof OtherCluster) {
        const refused = refusal("other", error.message);
        this.end({ kind: "fatal", refused, otherCluster: welcome.cluster });
      } else {
        throw error;
      }
    }
  }

  private beginSession(message: LoggedIn): void {
    if (this.phase === "online") throw new ProtocolError("a second answer to a login");
    try {
      const begun = this.greeting.answered(message);
      this.phase = "online";
      this.reconnect.loggedIn();
      this.cursors.loggedIn(begun.logs);
      this.effects.push(begun);
    } catch (error) {
      if (!(error instanceof MadeAGuest)) throw error;
      this.end({ kind: "fatal", refused: refusal("unknown_token", error.message) });
    }
  }

  private takeEntry(entry: Entry): void {
    if (this.phase !== "online") throw new ProtocolError("an entry before the login");
    if (this.skippingEntries) return;
    switch (this.cursors.take(entry, this.name)) {
      case "next":
        this.effects.push({ kind: "entry_arrived", entry, missed: this.cursors.isMissed(entry) });
        return;
      case "double":
        this.doublesTotal += 1;
        return;
      case "gap":
        this.gapsTotal += 1;
        this.close(`an entry before number ${entry.sequence} of ${entry.log} is missing`);
    }
  }

  private takeAnswer(id: number, answer: Answer): void {
    if (id === this.logOutId) {
      this.end({ kind: "logged_out" });
      return;
    }
    const request = this.outbox.sent(id);
    if (request === undefined) {
      // Answers to our own pings, and second answers to what was sent twice.
      this.cursors.marks.answered(id);
      return;
    }
    this.outbox.settle(id);
    this.effects.push({ kind: "answered", id, request, answer });
    if (answer.kind === "done") {
      this.greeting.credentials.done(request);
      if (isParting(request)) this.end({ kind: "logged_out" });
    }
  }

  private takeRefusal(refused: Refused, now: number): void {
    const { id, code, reason } = refused;
    if (id === null || id === this.greeting.requestId) {
      this.connectionRefused(refused);
      return;
    }
    const request = this.outbox.sent(id);
    if (request && isCommand(request) && (code === "unavailable" || code === "busy")) {
      // A busy server has done nothing, so that what follows must wait or would overtake; an
      // unavailable one keeps the command in its place.
      if (this.outbox.postpone(id, now, code === "busy")) {
        this.effects.push({ kind: "delayed", id, request, reason });
      }
    } else {
      this.takeAnswer(id, refused);
    }
  }

  private connectionRefused(refused: Refused): void {
    this.reconnect.waitAtLeast(refused.retry_after_ms / 1000);
    const resuming = this.greeting.resuming;
    if (!endsClient(refused, this.phase === "logging_in", resuming)) {
      this.close(refused.reason);
      return;
    }
    const parting = resuming ? this.outbox.takeParting() : undefined;
    if (parting) {
      // It has been done, and has ended the session before its answer came.
      const { id } = parting;
      const answer = { kind: "done", id, log: null, sequence: 0, again: false } as const;
      this.effects.push({ kind: "answered", id, request: parting, answer });
      this.end({ kind: "logged_out" });
    } else {
      this.end({ kind: "fatal", refused: lastWord(refused, resuming) });
    }
  }

  // --- What goes out ----------------------------------------------------------------------------

  private send(message: ClientMessage, now: number): void {
    this.outgoing.push(encode(message));
    this.latency.sent(message, now);
    this.sentAt = now;
  }

  private flush(now: number): void {
    if (this.phase !== "online") return;
    for (const request of this.outbox.toSend()) this.send(request, now);
    this.silence.owes(now, this.outbox.length > 0);
    const leavingNow = this.leaving && this.outbox.length === 0 && this.logOutId === undefined;
    if (leavingNow || now >= this.cursors.marks.dueAt) {
      for (const mark of this.cursors.marks.toSend(now, () => this.outbox.nextId())) {
        this.send(mark, now);
      }
    }
    if (leavingNow) {
      this.logOutId = this.outbox.nextId();
      this.send({ kind: "log_out", id: this.logOutId }, now);
    }
  }

  // --- Ends -------------------------------------------------------------------------------------

  private isOpen(): boolean {
    return this.phase === "logging_in" || this.phase === "online";
  }

  /** Asks the shell to close; once it says that it did, we connect again. */
  private close(reason: string): void {
    if (this.phase === "online") {
      this.effects.push({ kind: "connection_lost", reason });
    } else {
      this.trouble = reason;
    }
    this.phase = "closing";
    this.effects.push({ kind: "close_connection", reason });
  }

  private end(event: LoggedOut | Fatal): void {
    this.phase = "ended";
    this.effects.push(event, { kind: "close_connection", reason: "the session is over" });
  }

  /** Without a connection there is nothing to say goodbye to. */
  private endIfNothingIsLeft(): void {
    const offline = this.phase === "offline" || this.phase === "connecting";
    if (this.leaving && offline && this.outbox.length === 0) this.end({ kind: "logged_out" });
  }
}

/** One that the client makes itself. */
function refusal(code: "other" | "unknown_token", reason: string): Refused {
  return { kind: "refused", id: null, code, reason, retry_after_ms: 0, again: false };
}
