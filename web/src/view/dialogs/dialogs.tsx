import type { VNode } from "preact";

import type { Dialog, Screen } from "../screen.ts";
import { Account } from "./account.tsx";
import { Devices } from "./devices.tsx";
import { GoTo } from "./go_to.tsx";
import { Keys } from "./keys.tsx";
import { People, Person } from "./person.tsx";
import { Join, NewRoom, Room, Several } from "./rooms.tsx";
import { Delete, Report, Versions } from "./said.tsx";
import { Settings } from "./settings.tsx";
import { Confirm, EmojiPicker, Help, JumpToDate, Secret, TableDialog } from "./small.tsx";

/** The dialog that is open, if there is one. */
export function Dialogs({ screen }: { readonly screen: Screen }): VNode | null {
  const dialog = screen.dialog.value;
  if (dialog === undefined) return null;
  // One that opens another is closed by that.
  const onClose = () => {
    if (screen.dialog.peek() === dialog) screen.dialog.value = undefined;
  };
  // Each is one of its own: what was typed into another of the same name is not taken over.
  return <Shown key={numberOf(dialog)} screen={screen} dialog={dialog} onClose={onClose} />;
}

const numbers = new WeakMap<Dialog, number>();
let last = 0;

function numberOf(dialog: Dialog): number {
  const known = numbers.get(dialog);
  if (known !== undefined) return known;
  numbers.set(dialog, ++last);
  return last;
}

interface Properties {
  readonly screen: Screen;
  readonly dialog: Dialog;
  readonly onClose: () => void;
}

function Shown({ screen, dialog, onClose }: Properties): VNode {
  const parts = { screen, onClose };
  switch (dialog.name) {
    case "go-to":
      return <GoTo {...parts} />;
    case "palette":
      return <GoTo {...parts} begun=":" />;
    case "keys":
      return <Keys onClose={onClose} />;
    case "settings":
      return <Settings {...parts} />;
    case "devices":
      return <Devices {...parts} />;
    case "account":
      return <Account {...parts} />;
    case "ask":
      return <Account {...parts} begun={dialog.what} />;
    case "new-room":
      return <NewRoom {...parts} />;
    case "join":
      return <Join {...parts} room={dialog.room} />;
    case "several":
      return <Several {...parts} />;
    case "room":
      return <Room {...parts} at={dialog.key} />;
    case "person":
      return <Person {...parts} who={dialog.who} doing={dialog.doing} />;
    case "people":
      return <People {...parts} />;
    case "emoji":
      return <EmojiPicker {...parts} of={dialog.for} />;
    case "versions":
      return <Versions {...parts} of={dialog.of} />;
    case "delete":
      return <Delete {...parts} of={dialog.of} />;
    case "report":
      return <Report {...parts} of={dialog.of} />;
    case "date":
      return <JumpToDate {...parts} />;
    case "table":
      return <TableDialog table={dialog.table} onClose={onClose} />;
    case "secret":
      return <Secret title={dialog.title} secret={dialog.secret} onClose={onClose} />;
    case "confirm":
      return <Confirm {...dialog} onClose={onClose} />;
    case "help":
      return <Help command={dialog.command} onClose={onClose} />;
  }
}
