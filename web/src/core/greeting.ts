/** Logging in: who the client is, said on every connection. */

import { ProtocolError } from "../protocol/codec.ts";
import { PROTOCOL_VERSION } from "../protocol/messages.ts";
import type { Hello, LoggedIn, LogIn, Request, Welcome } from "../protocol/messages.ts";
import type { Credentials } from "./credentials.ts";
import type { SessionBegun } from "./events.ts";

const UNKNOWN_CLUSTER =
  "the server does not say which cluster it is, and the login is for one: nothing was sent";
const OTHER_CLUSTER = "this is another cluster than the login is for: nothing was sent";

/** The gateway is too old to say which cluster it is of. */
export class UnknownCluster extends Error {}

/** What is kept for a cluster is not shown to another one. */
export class OtherCluster extends Error {}

/** An older server takes a token for a guest's that is meant to be an account's. */
export class MadeAGuest extends Error {}

export class Greeting {
  /** The id of the login on the present connection. */
  requestId = 0;
  /** This client was logged in before. */
  resuming = false;
  /** That which has welcomed us last, if it says which it is. */
  cluster = "";

  private logInLater: LogIn | undefined;

  /** `instance` is the same on every connection, and of no other program: they may share a token.
   * `away` is said in each login: the server forgets it with the connection. */
  constructor(
    /** The user's; once logged in, as the server spells it. */
    public name: string,
    readonly credentials: Credentials,
    private readonly software: string,
    private readonly instance: Uint8Array,
    public away: string | undefined,
  ) {}

  /** What can be said at once. A login that is for one cluster waits for the welcome. */
  say(requestId: number, cursors: Readonly<Record<string, number>>): readonly (Hello | LogIn)[] {
    this.requestId = requestId;
    const { software, instance } = this;
    const hello: Hello = { kind: "hello", version: PROTOCOL_VERSION, software, instance };
    const logIn: LogIn = {
      ...this.credentials.logIn(requestId, this.name, cursors),
      ...(this.away !== undefined && { away: this.away }),
    };
    if (!this.credentials.cluster) return [hello, logIn];
    this.logInLater = logIn;
    return [hello];
  }

  /** What is to be said now. Throws `OtherCluster` and `UnknownCluster`. */
  welcomed(welcome: Welcome): LogIn | undefined {
    this.cluster = welcome.cluster;
    const expected = this.credentials.cluster;
    if (expected && !welcome.cluster) throw new UnknownCluster(UNKNOWN_CLUSTER);
    if (expected && welcome.cluster !== expected) throw new OtherCluster(OTHER_CLUSTER);
    const logIn = this.logInLater;
    this.logInLater = undefined;
    return logIn;
  }

  /** Throws `MadeAGuest`. */
  answered(answer: LoggedIn): SessionBegun {
    if (answer.id !== this.requestId) throw new ProtocolError("an answer to no login");
    const { name, guest, logs, standing } = answer;
    if (guest && this.credentials.account) {
      throw new MadeAGuest(`there is no account ${name} that this token is for`);
    }
    this.name = name;
    this.credentials.loggedIn(this.cluster, guest);
    const resumed = this.resuming;
    this.resuming = true;
    return {
      kind: "session_begun",
      name,
      guest,
      logs,
      resumed,
      sinceMs: answer.since_ms,
      standing,
      missed: logs.reduce((sum, state) => sum + Math.max(0, state.head - state.cursor), 0),
    };
  }

  submitted(request: Request): void {
    if (request.kind === "set_away") this.away = request.away ?? undefined;
  }
}
