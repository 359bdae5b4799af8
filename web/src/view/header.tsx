import { useComputed } from "@preact/signals";
import type { VNode } from "preact";

import { printable } from "../protocol/names.ts";
import { words } from "../text/text.ts";
import { Icon, type IconName } from "./icons.tsx";
import { unreadElsewhere } from "./listing.ts";
import type { Panel, Screen } from "./screen.ts";
import { told } from "./timeline/acts.ts";

/** Above the messages: where one is, and what there is beside it. */
export function Header({ screen }: { screen: Screen }): VNode {
  const { chat } = screen;
  const key = chat.opened.value;
  const found = useComputed(() => chat.conversations.value.find((each) => each.key === key)).value;
  const title = printable(found?.title ?? key.slice(1));
  const kind = found?.kind ?? (key.startsWith("#") ? "room" : "private");
  const isRoom = kind === "room" || kind === "lobby";
  const isOnline = useComputed(() => chat.online.value.has(key.slice(1))).value;
  const note =
    kind === "private"
      ? words(isOnline ? "header.here" : "header.away")
      : kind === "notices"
        ? words("header.notices")
        : printable(found?.topic ?? "");
  return (
    <header class="bar header">
      <Back screen={screen} />
      <h1 class="where" dir="auto">
        <button
          type="button"
          class="quiet"
          onClick={() => {
            screen.dialog.value =
              kind === "private" ? { name: "person", who: key.slice(1) } : { name: "room", key };
          }}
        >
          {isRoom && <span class="sign">#</span>}
          {title}
        </button>
      </h1>
      <p class="topic" dir="auto" title={note}>
        {note}
      </p>
      {isRoom && <Opener screen={screen} panel="pins" icon="pin" label={words("header.pins")} />}
      <Opener screen={screen} panel="search" icon="search" label={words("header.search")} />
      {kind !== "notices" && kind !== "private" && (
        <Opener screen={screen} panel="members" icon="members" label={words("header.members")} />
      )}
    </header>
  );
}

/** On a narrow page back to the list, with what is unread there; on a wide one it hides the list. */
function Back({ screen }: { screen: Screen }): VNode {
  const { chat, list, narrow } = screen;
  const elsewhere = unreadElsewhere(chat.conversations.value, chat.opened.value);
  if (!narrow.value) {
    return (
      <button
        type="button"
        class="tool"
        title={words("header.list")}
        aria-pressed={list.value}
        onClick={() => (list.value = !list.value)}
      >
        <Icon name="list" />
      </button>
    );
  }
  return (
    <button
      type="button"
      class="tool back"
      title={
        elsewhere.unread > 0
          ? words("header.elsewhere", { count: elsewhere.unread })
          : words("header.back")
      }
      onClick={() => (list.value = true)}
    >
      <Icon name="back" />
      {elsewhere.unread > 0 && (
        <span class={elsewhere.mentions > 0 ? "count calls" : "count"} aria-hidden="true">
          {Math.min(elsewhere.unread, 999)}
        </span>
      )}
    </button>
  );
}

function Opener({
  screen,
  panel,
  icon,
  label,
}: {
  screen: Screen;
  panel: Panel;
  icon: IconName;
  label: string;
}): VNode {
  return (
    <button
      type="button"
      class="tool"
      title={label}
      aria-pressed={useComputed(() => screen.panel.value === panel).value}
      onClick={() => (screen.panel.value = screen.panel.peek() === panel ? undefined : panel)}
    >
      <Icon name={icon} />
    </button>
  );
}

/** In the place of the composer, for a room that is only looked at. */
export function Joiner({ screen }: { screen: Screen }): VNode {
  const key = screen.chat.opened.value;
  const room = key.slice(1);
  return (
    <div class="composer joiner">
      <span>{words("header.not_joined")}</span>
      <button
        type="button"
        class="main"
        onClick={() => void told(screen, screen.chat.ask({ kind: "join_room", room }))}
      >
        {words("header.join", { title: `#${printable(room)}` })}
      </button>
    </div>
  );
}
