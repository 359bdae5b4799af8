/** What stands in front of everything because of a command, a key or a question. */

import type { Asked } from "../../commands/actions.ts";
import type { Table } from "../../text/lists.ts";

export type OwnDialog =
  | { readonly name: "people" | "date" | "several" }
  /** What answers a question with a list. */
  | { readonly name: "table"; readonly table: Table }
  /** Shown once, and worth something. */
  | { readonly name: "secret"; readonly title: string; readonly secret: string }
  | {
      readonly name: "confirm";
      readonly question: string;
      readonly does: string;
      readonly answered: (yes: boolean) => void;
    }
  /** Of one command, or of all. */
  | { readonly name: "help"; readonly command: string }
  /** Of a room with a key. */
  | { readonly name: "join"; readonly room: string }
  /** One of the forms that take a password. */
  | { readonly name: "ask"; readonly what: Asked };
