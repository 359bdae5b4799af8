import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import type { RoomInfo } from "../../protocol/messages.ts";
import { words } from "../../text/more.ts";
import type { Screen } from "../screen.ts";
import { Trouble, useDoing } from "./form.tsx";
import { Modal } from "./modal.tsx";
import { Picker, type Option } from "./picker.tsx";
import { placesFor } from "./places.ts";

/** Rooms, people, new ones; after a colon the commands. */
export function GoTo({ screen, begun, onClose }: Properties): VNode {
  const { chat } = screen;
  const rooms = useSignal<readonly RoomInfo[]>([]);
  const people = useSignal<readonly string[]>([]);
  const doing = useDoing();
  useEffect(() => {
    // Without an answer one goes to what is known here.
    chat.ask({ kind: "list_rooms" }).then((answer) => (rooms.value = answer.rooms), ignore);
    chat.ask({ kind: "list_users" }).then((answer) => {
      people.value = answer.users.map(({ name }) => name);
    }, ignore);
  }, []);
  const me = chat.me.value.name;
  const known = [...new Set([...people.value, ...chat.online.value])].filter((name) => name !== me);
  const places = {
    listed: chat.conversations.value,
    rooms: rooms.value,
    people: known,
    online: chat.online.value,
  };
  const pick = ({ value }: Option) => {
    const [does = "", name = ""] = split(value);
    if (does === "command") {
      onClose();
      screen.write();
      screen.writer?.load(`:${name} `);
      return;
    }
    if (does === "open") {
      onClose();
      screen.goTo(name);
      return;
    }
    const info = rooms.value.find(({ room }) => room === name);
    if (does === "join" && info?.keyed && !info.invited) {
      screen.dialog.value = { name: "join", room: name };
      return;
    }
    doing.run(async () => {
      await chat.ask({ kind: does === "join" ? "join_room" : "create_room", room: name });
      onClose();
      screen.goTo(`#${name}`);
    });
  };
  return (
    <Modal title={words("go_to.title")} size="wide" onClose={onClose}>
      <Picker
        label={words("go_to.label")}
        begun={begun ?? ""}
        options={(query) => placesFor(query, places)}
        none={words("go_to.none")}
        onPick={pick}
      />
      <Trouble of={doing} />
    </Modal>
  );
}

interface Properties {
  readonly screen: Screen;
  readonly begun?: string;
  readonly onClose: () => void;
}

function split(value: string): readonly string[] {
  const at = value.indexOf(":");
  return [value.slice(0, at), value.slice(at + 1)];
}

function ignore(): void {
  // The reason is at the bottom of the page, where the connection is told.
}
