import { useSignal } from "@preact/signals";
import type { VNode } from "preact";

import type { Item, Said } from "../../model/shapes.ts";
import { printable } from "../../protocol/names.ts";
import { clock, day, exactly, words } from "../../text/text.ts";
import { hueOf } from "../hue.ts";
import { Icon } from "../icons.tsx";
import { plain, type Reader } from "../markup.ts";
import { memo } from "../memo.ts";
import type { Row } from "./rows.ts";
import { waysOf } from "./rows.ts";
import { Text } from "./text.tsx";

/** What a click in a row means; the timeline finds the row by the element. */
export type Deed =
  "author" | "unfold" | "fold" | "answered" | "react" | "retry" | "give-up" | "room";

/** More names than these are counted. */
const NAMES_MAX = 5;
/** A text of more lines, or of so many characters, is folded, */
const FOLD_LINES = 14;
const FOLD_CHARS = 1_800;

interface RowProps {
  readonly row: Row;
  readonly reader: Reader;
  /** Some time of the reader's day. */
  readonly today: number;
}

/** One row, with the lines of a new day and of what is new above it. */
export const RowView = memo(({ row, reader, today }: RowProps) => {
  const { item } = row;
  const classes = ["row", item.type];
  if (row.grouped) classes.push("grouped");
  if (item.type === "said") {
    // In private all of it is for the reader, and nothing stands out.
    if (item.mentionsMe && !item.deletedBy && !reader.isPrivate) classes.push("mentions");
    if (item.delivery !== "done") classes.push(item.delivery);
  }
  return (
    <li class={classes.join(" ")} data-row={row.key} tabIndex={-1}>
      {row.newDay && (
        <div class="day">
          <span>{day(item.atMs, today)}</span>
        </div>
      )}
      {row.isNew && (
        <div class="new-line">
          <span>{words("timeline.new")}</span>
        </div>
      )}
      <div class="message">
        <time class="clock" dateTime={isoOf(item.atMs)} title={exactly(item.atMs)}>
          {clock(item.atMs)}
        </time>
        {item.type === "said" ? (
          <Spoken item={item} reader={reader} />
        ) : (
          <Notice row={row} me={reader.name} />
        )}
      </div>
    </li>
  );
});

function isoOf(atMs: number): string | undefined {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function Spoken({ item, reader }: { item: Said; reader: Reader }): VNode {
  const name = printable(item.author);
  return (
    <>
      <span class="author" title={name}>
        {item.bot && <span class="bot">{words("timeline.bot")}</span>}
        <button
          type="button"
          class={`hue-${hueOf(item.author)}`}
          dir="auto"
          tabIndex={-1}
          data-deed="author"
        >
          {name}
        </button>
      </span>
      <div class="body">
        {item.replyTo > 0 && <Quote item={item} />}
        {item.deletedBy ? (
          <p class="gone">
            {item.deletedBy === item.author
              ? words("timeline.deleted")
              : words("timeline.deleted_by", { who: printable(item.deletedBy) })}
          </p>
        ) : (
          <Standing item={item} reader={reader} />
        )}
      </div>
    </>
  );
}

function Standing({ item, reader }: { item: Said; reader: Reader }): VNode {
  const unfolded = useSignal(false);
  const text = item.isAction ? `${item.author} ${item.text}` : item.text;
  const long = text.length > FOLD_CHARS || text.split("\n", FOLD_LINES + 1).length > FOLD_LINES;
  return (
    <>
      <div
        class={`text${item.isAction ? " action" : ""}${long && !unfolded.value ? " folded" : ""}`}
      >
        <Text text={text} reader={reader} />
        {item.edited && <span class="edited">{words("timeline.edited")}</span>}
        {item.delivery === "pending" && (
          <span class="edited" title={words("timeline.pending")}>
            …
          </span>
        )}
      </div>
      {long && (
        <button
          type="button"
          class="quiet fold"
          tabIndex={-1}
          data-deed="fold"
          aria-expanded={unfolded.value}
          onClick={() => (unfolded.value = !unfolded.value)}
        >
          {words(unfolded.value ? "timeline.fold" : "timeline.unfold")}
        </button>
      )}
      {item.reactions.length > 0 && <Reactions item={item} me={reader.name} />}
      {item.delivery === "failed" && (
        <p class="trouble" role="alert">
          <span>{item.trouble || words("timeline.unsent")}</span>
          <button type="button" class="quiet" tabIndex={-1} data-deed="retry">
            {words("timeline.retry")}
          </button>
          <button type="button" class="quiet" tabIndex={-1} data-deed="give-up">
            {words("timeline.give_up")}
          </button>
        </p>
      )}
    </>
  );
}

function Quote({ item }: { item: Said }): VNode {
  const answered = item.repliedTo;
  return (
    <button type="button" class="quote" tabIndex={-1} data-deed="answered">
      <Icon name="reply" />
      {answered === undefined ? (
        <span class="quoted">{words("timeline.answers_earlier")}</span>
      ) : (
        <>
          <span class={`author hue-${hueOf(answered.author)}`}>{printable(answered.author)}</span>
          <span class="quoted" dir="auto">
            {plain(answered.text) || words("timeline.deleted")}
          </span>
        </>
      )}
    </button>
  );
}

function Reactions({ item, me }: { item: Said; me: string }): VNode {
  return (
    <div class="reactions">
      {item.reactions.map(([emoji, names]) => (
        <button
          type="button"
          class="reaction"
          key={emoji}
          tabIndex={-1}
          data-deed="react"
          data-emoji={emoji}
          aria-pressed={names.includes(me)}
          title={listed(names, me)}
        >
          <span class="emoji">{printable(emoji)}</span>
          <span class="count">{names.length}</span>
          <span class="spoken">{words("timeline.reacted", { names: listed(names, me) })}</span>
        </button>
      ))}
    </div>
  );
}

/** As `you, ann and 3 more`. */
export function listed(names: readonly string[], me: string): string {
  const shown = names
    .slice(0, NAMES_MAX)
    .map((name) => (name === me ? words("you") : printable(name)));
  const more = names.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` ${words("timeline.more_names", { count: more })}` : "");
}

/** The room that one can go to from here: one was invited to it, or somebody opened it. */
export function roomOfferedBy(item: Item): string | undefined {
  if (item.type !== "happened") return undefined;
  const { body } = item.entry;
  const isOffer = body.kind === "invited_to_room" || body.kind === "room_opened";
  return isOffer ? body.room : undefined;
}

/** What the terminal's sentence says to type; here a button stands in its place. */
const JOIN_COMMAND = / \(:jr \S+\)$/;

function Notice({ row, me }: { row: Row; me: string }): VNode {
  if (row.folded.length === 0) {
    const room = roomOfferedBy(row.item);
    return (
      <p class="body notice">
        {room === undefined ? row.item.text : row.item.text.replace(JOIN_COMMAND, "")}
        {room !== undefined && (
          <button type="button" class="quiet enter-room" tabIndex={-1} data-deed="room">
            {words("timeline.enter_room", { title: `#${printable(room)}` })}
          </button>
        )}
      </p>
    );
  }
  const parts = [...waysOf(row.folded)].flatMap(([way, names]) =>
    names.length === 0 ? [] : [words(`timeline.${way}`, { who: listed(names, me) })],
  );
  return (
    <button type="button" class="body notice quiet" tabIndex={-1} data-deed="unfold">
      {parts.join("; ")}
    </button>
  );
}
