/** What stands above and below the rows: how a conversation begins, what is new, how much is newer. */

import { useComputed, type ReadonlySignal } from "@preact/signals";
import type { VNode } from "preact";

import type { Timeline } from "../../model/shapes.ts";
import { printable } from "../../protocol/names.ts";
import { words } from "../../text/text.ts";
import { Icon } from "../icons.tsx";
import type { Screen } from "../screen.ts";
import type { Row } from "./rows.ts";
import type { Seen } from "./timeline.tsx";

/** Above the oldest row: that there is more, or where the conversation begins. */
export function Beginning({ screen, timeline }: { screen: Screen; timeline: Timeline }): VNode {
  const about = useComputed(() => {
    const key = screen.chat.opened.value;
    const found = screen.chat.conversations.value.find((each) => each.key === key);
    return found === undefined ? undefined : { kind: found.kind, title: found.title };
  }).value;
  if (timeline.moreBefore || timeline.loading) {
    return <div class="beginning waiting">{words("timeline.loading")}</div>;
  }
  const empty = timeline.items.length === 0;
  const title = printable(about?.title ?? timeline.key.slice(1));
  const isRoom = about
    ? about.kind === "room" || about.kind === "lobby"
    : timeline.key.startsWith("#");
  const phrase =
    about?.kind === "notices"
      ? empty
        ? "timeline.no_notices"
        : undefined
      : isRoom
        ? empty
          ? "timeline.empty_room"
          : "timeline.room_begins"
        : empty
          ? "timeline.empty_private"
          : "timeline.private_begins";
  return (
    <div class="beginning">
      {phrase !== undefined && <p>{words(phrase, { title: isRoom ? `#${title}` : title })}</p>}
    </div>
  );
}

/** A way up to the first unread message, while it is above what is seen. */
export function NewAbove({
  screen,
  rows,
  seen,
}: {
  screen: Screen;
  rows: readonly Row[];
  seen: Seen;
}): VNode | null {
  const { key, unreadAfter, items } = screen.chat.timeline.value;
  const [first] = seen.value;
  const oldest = items[0]?.sequence ?? 0;
  if (unreadAfter === 0 || items.length === 0 || first === "") return null;
  const newAt = rows.findIndex((row) => row.isNew);
  const seenAt = rows.findIndex((row) => row.key === first);
  const isAbove = newAt >= 0 ? newAt < seenAt : oldest > unreadAfter + 1;
  if (!isAbove) return null;
  return (
    <button
      type="button"
      class="pill above"
      onClick={() => screen.goTo(key, rows[newAt]?.item.sequence ?? unreadAfter + 1)}
    >
      <Icon name="up" />
      {words("timeline.new_above")}
    </button>
  );
}

/** How much is newer than what is seen, and a way there. */
export function NewerBelow({
  timeline,
  rows,
  seen,
  atEnd,
  toEnd,
}: {
  timeline: Timeline;
  rows: readonly Row[];
  seen: Seen;
  atEnd: ReadonlySignal<boolean>;
  toEnd: () => void;
}): VNode | null {
  if (atEnd.value && !timeline.moreAfter) return null;
  const [, last] = seen.value;
  const at = rows.findIndex((row) => row.key === last);
  const below = at < 0 ? 0 : rows.length - 1 - at;
  const count = below + timeline.newer;
  return (
    <button type="button" class="pill below" onClick={toEnd}>
      <Icon name="down" />
      {count > 0 ? words("timeline.newer", { count }) : words("timeline.to_end")}
    </button>
  );
}
