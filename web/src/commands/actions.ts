/** What a line that somebody has typed can mean. */

import type { Draft } from "../protocol/messages.ts";

/** Which messages are counted to find the one that is meant. */
export type Among = "own" | "others" | "edited" | "pinned";

/** The `back`-th last of these messages, 1 being the last; with an `author`, of all theirs. */
export interface Which {
  readonly among: Among;
  readonly back: number;
  readonly author: string;
}

/** What is asked in a dialog, since it needs a password that no line should hold. */
export type Asked = "register" | "password" | "totp-on" | "totp-off" | "delete-account";

export type Action =
  /** `done` is said once the server has done it, if no entry shows that. With `lastsS` it ends so many
   * seconds from now, which only whoever sends it can reckon. */
  | {
      readonly does: "send";
      readonly draft: Draft;
      readonly done: string;
      readonly lastsS?: number;
    }
  | { readonly does: "show-topic" | "show-mode"; readonly room: string }
  /** Of one command, or of all. */
  | { readonly does: "help"; readonly command: string }
  | { readonly does: "ping" | "whoami" | "quit" | "nothing" }
  | { readonly does: "ask"; readonly what: Asked }
  | {
      readonly does: "app-token";
      readonly name: string;
      readonly scopes: readonly ("read" | "post")[];
      readonly rooms: readonly string[];
    }
  /** A message that others have said in `log`. */
  | {
      readonly does: "report";
      readonly log: string;
      readonly back: number;
      readonly reason: string;
    }
  /** Finds a message of `log`, and sends what `draft` makes of the log and sequence of its entry. What
   * was said with a `@name` stands in one's own inbox. */
  | {
      readonly does: "to-message";
      readonly log: string;
      readonly which: Which;
      readonly draft: (log: string, sequence: number) => Draft;
    }
  /** All that `user` has said in the room's `log` in the last so many seconds. */
  | {
      readonly does: "remove-said";
      readonly log: string;
      readonly user: string;
      readonly seconds: number;
      readonly span: string;
      readonly reason: string;
    }
  | { readonly does: "log-out"; readonly everywhere: boolean }
  /** The line cannot be done; `text` says why and what would be right. Nothing is sent. */
  | { readonly does: "mistake"; readonly text: string };
