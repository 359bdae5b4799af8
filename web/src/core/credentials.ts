/** What a client shows when it logs in. */

import type { LogIn, Request } from "../protocol/messages.ts";

/**
 * Without a `token` the door puts in the one of its cookie, which no script can read. With `account`
 * it must be an account's, and makes nobody a guest; with a `cluster` the credentials are shown to
 * no other one. With a `device` the server remembers the token under that name, and no password is
 * needed any more. `code`, `register` and `invitation` are for the first login alone, and so is a
 * `newPassword`, for which the password is a code from an operator.
 */
export class Credentials {
  token: Uint8Array | undefined;
  password: string | undefined;
  device = "";
  code = "";
  register = false;
  invitation = "";
  newPassword: string | undefined;
  account = false;
  cluster = "";

  constructor(known: Partial<Omit<Credentials, "logIn" | "loggedIn" | "done">> = {}) {
    Object.assign(this, known);
  }

  /** What is not said is left out. */
  logIn(id: number, name: string, cursors: Readonly<Record<string, number>>): LogIn {
    return {
      kind: "log_in",
      id,
      name,
      ...(this.token && { token: this.token }),
      ...(this.password !== undefined && { password: this.password }),
      ...(Object.keys(cursors).length > 0 && { cursors }),
      ...(this.device && { device: this.device }),
      ...(this.code && { code: this.code }),
      ...(this.register && { register: true }),
      ...(this.invitation && { invitation: this.invitation }),
      ...(this.newPassword !== undefined && { new_password: this.newPassword }),
      ...(this.account && { account: true }),
    };
  }

  loggedIn(cluster: string, guest: boolean): void {
    this.code = this.invitation = "";
    this.register = false;
    if (this.newPassword !== undefined) {
      this.password = this.newPassword;
      this.newPassword = undefined;
    }
    if (!guest) {
      // From here on the token is worth something, and only here.
      this.account = true;
      this.cluster ||= cluster;
      if (this.device) this.password = undefined;
    }
  }

  /** The server has done what was asked for. */
  done(request: Request): void {
    if (request.kind === "register") {
      // The guest's token may expire while we are away; then the password is needed.
      this.password = request.password;
    } else if (request.kind === "change_password" && this.password !== undefined) {
      this.password = request.new_password;
    }
  }
}
