import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import type { Item } from "../../model/shapes.ts";
import { printable } from "../../protocol/names.ts";
import { clock, words } from "../../text/text.ts";
import { highlighting, type Reader } from "../markup.ts";
import { holds, type Screen } from "../screen.ts";
import { act, react, told } from "./acts.ts";
import { Actions } from "./actions.tsx";
import { Beginning, NewAbove, NewerBelow } from "./edges.tsx";
import { onKey, type Place } from "./keys.ts";
import { listed, roomOfferedBy, RowView, type Deed } from "./row.tsx";
import { rowsOf, type Row } from "./rows.ts";
import { holdScroll, rowOf, type Scroll } from "./scroll.ts";
import { useReading } from "./reading.ts";

/** So many screens away from an edge of the window, more is loaded. */
const LOAD_AHEAD = 1.5;
/** For how long a message is lit to which somebody went. */
const LIT_MS = 1_600;

/** `11:45 PM` takes more room than `23:45`. */
const LONG_CLOCK = clock(0).length > 5;

/** What is drawn, kept from one drawing to the next. */
interface Drawn {
  key: string;
  rows: readonly Row[];
  scroll: Scroll | undefined;
  /** More is being loaded. */
  loading: boolean;
  /** What was selected when a finger came down: by the time of its click the browser has moved the focus. */
  touched: string;
  /** A mouse was pressed here last, not a key: what has the focus was not chosen. */
  pointing: boolean;
}

/** The messages of the open conversation. `today` is any time of this day. */
export function TimelineView({ screen, today }: { screen: Screen; today: number }): VNode {
  const { chat } = screen;
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const drawn = useRef<Drawn>({
    key: "",
    rows: [],
    scroll: undefined,
    loading: false,
    touched: "",
    pointing: false,
  }).current;
  const unfolded = useSignal<ReadonlySet<string>>(new Set());
  const pointed = useSignal("");
  const seen = useSignal<readonly [string, string]>(["", ""]);
  const atEnd = useSignal(true);

  const timeline = chat.timeline.value;
  const name = useComputed(() => chat.me.value.name);
  const reader = useComputed<Reader>(() => ({
    name: name.value,
    highlights: highlighting(chat.highlights.value),
    isPrivate: chat.opened.value.startsWith("@"),
  })).value;
  const isOther = drawn.key !== timeline.key;
  const rows = rowsOf(timeline, reader.name, dayOf, unfolded.value, isOther ? [] : drawn.rows);

  useLayoutEffect(() => {
    if (scroller.current === null || list.current === null) return;
    const view = scroller.current;
    const isWholeEnd = () => !chat.timeline.peek().moreAfter;
    const scroll = holdScroll(view, list.current, isWholeEnd, () => loadMore(screen, view, drawn));
    drawn.scroll = scroll;
    screen.reader = {
      toEnd: () => toEnd(screen, drawn),
      page: (pages) => scroll.page(pages),
      selectLast: () => {
        const [, last] = scroll.seen.peek();
        const lastRow = scroll.atEnd.peek() ? drawn.rows.at(-1)?.key : last;
        if (lastRow) select(screen, list.current, drawn, lastRow);
      },
    };
    const stops = [
      scroll.seen.subscribe((value) => (seen.value = value)),
      scroll.atEnd.subscribe((value) => (atEnd.value = value)),
      () => scroll.dispose(),
      () => (screen.reader = undefined),
    ];
    return () => stops.forEach((stop) => stop());
  }, []);

  // After each drawing, before it is painted: what is seen stays where it is.
  useLayoutEffect(() => {
    drawn.rows = rows;
    drawn.key = timeline.key;
    if (isOther) drawn.scroll?.reset();
    else drawn.scroll?.restore();
    if (list.current !== null) showWanted(screen, list.current, drawn);
  });
  const { wanted } = screen;
  useLayoutEffect(
    () => wanted.subscribe(() => list.current && showWanted(screen, list.current, drawn)),
    [],
  );
  useReading(screen, atEnd);

  const place: Place = {
    rows: () => drawn.rows,
    seen: () => seen.peek(),
    select: (key) => select(screen, list.current, drawn, key),
    page: (pages) => drawn.scroll?.page(pages),
    unfold: (key) => {
      const next = new Set(unfolded.peek());
      if (!next.delete(key)) next.add(key);
      unfolded.value = next;
    },
    element: (key) => (list.current === null ? undefined : rowOf(list.current, key)),
    isPointed: () => drawn.pointing,
  };

  return (
    <div class={`timeline${LONG_CLOCK ? " long-clock" : ""}`}>
      <NewAbove screen={screen} rows={rows} seen={seen} />
      <div
        class="scroller"
        ref={scroller}
        tabIndex={0}
        role="group"
        aria-label={words("timeline.label")}
        onKeyDown={(event) => onKey(event, screen, place)}
        onPointerDown={(event) => {
          drawn.touched = screen.selected.peek();
          drawn.pointing = event.pointerType === "mouse";
          if (drawn.pointing) screen.selected.value = "";
        }}
        onClick={(event) => onClick(event, screen, place, drawn)}
        onFocusIn={(event) => {
          const key = keyAt(event.target);
          if (key !== "" && !drawn.pointing) screen.selected.value = key;
        }}
        onPointerOver={(event) => {
          const key = keyAt(event.target);
          if (event.pointerType === "mouse" && key !== "") pointed.value = key;
        }}
        onPointerLeave={() => (pointed.value = "")}
      >
        <div class="pages">
          <Beginning screen={screen} timeline={timeline} />
          <ol class="messages" ref={list} role="list">
            {rows.map((row) => (
              <RowView key={row.key} row={row} reader={reader} today={today} />
            ))}
          </ol>
          <Actions screen={screen} place={place} pointed={pointed} rows={rows} />
        </div>
      </div>
      <NewerBelow
        timeline={timeline}
        rows={rows}
        seen={seen}
        atEnd={atEnd}
        toEnd={() => toEnd(screen, drawn)}
      />
    </div>
  );
}

export type Seen = ReadonlySignal<readonly [first: string, last: string]>;

/** A number for each day where the reader is. */
function dayOf(atMs: number): number {
  const date = new Date(atMs);
  return (date.getFullYear() * 12 + date.getMonth()) * 31 + date.getDate();
}

function keyAt(target: EventTarget | null): string {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-row]") : null;
  return row?.dataset["row"] ?? "";
}

function loadMore(screen: Screen, view: HTMLElement, drawn: Drawn): void {
  const { chat } = screen;
  const { moreBefore, moreAfter, loading } = chat.timeline.peek();
  if (drawn.loading || loading) return;
  const aheadPx = LOAD_AHEAD * view.clientHeight;
  const toEndPx = view.scrollHeight - view.clientHeight - view.scrollTop;
  const load =
    moreBefore && view.scrollTop < aheadPx
      ? () => chat.loadOlder()
      : moreAfter && toEndPx < aheadPx
        ? () => chat.loadNewer()
        : undefined;
  if (load === undefined) return;
  drawn.loading = true;
  const done = () => {
    drawn.loading = false;
  };
  // What could not be loaded is tried again at the next move, not by itself.
  load().then(done, done);
}

function toEnd(screen: Screen, drawn: Drawn): void {
  if (screen.chat.timeline.peek().moreAfter) screen.chat.jumpToEnd();
  drawn.scroll?.toEnd();
}

/** Selects a row and gives it the keys; "" for none, which leaves the keys with the timeline. */
function select(screen: Screen, list: HTMLElement | null, drawn: Drawn, key: string): void {
  drawn.pointing = false;
  screen.selected.value = key;
  const row = list === null || key === "" ? undefined : rowOf(list, key);
  if (row === undefined) {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    return;
  }
  drawn.scroll?.reveal(key, "nearest");
  row.focus({ preventScroll: true });
  const item = drawn.rows.find((each) => each.key === key)?.item;
  screen.hint.value = item === undefined ? "" : about(item, screen.chat.me.peek().name);
}

/** What is not seen of it otherwise: who has reacted. */
function about(item: Item, me: string): string {
  if (item.type !== "said") return "";
  return item.reactions
    .map(([emoji, names]) => `${printable(emoji)} ${listed(names, me)}`)
    .join(" · ");
}

/** Goes to the message that was asked for, once the window has it. */
function showWanted(screen: Screen, list: HTMLElement, drawn: Drawn): void {
  const wanted = screen.wanted.peek();
  if (wanted === undefined || drawn.key !== wanted.key) return;
  if (!holds(screen.chat.timeline.peek(), wanted.key, wanted.sequence)) return;
  const row =
    drawn.rows.find((each) => (each.folded.at(-1) ?? each.item).sequence >= wanted.sequence) ??
    drawn.rows.at(-1);
  screen.wanted.value = undefined;
  const element = row && rowOf(list, row.key);
  if (row === undefined || element === undefined) return;
  drawn.scroll?.reveal(row.key, "middle");
  screen.selected.value = row.key;
  element.focus({ preventScroll: true });
  element.classList.add("lit");
  setTimeout(() => element.classList.remove("lit"), LIT_MS);
}

/** To the room that the notice is about, joining it if need be. */
async function enterRoom(screen: Screen, item: Item): Promise<void> {
  const room = roomOfferedBy(item);
  if (room === undefined) return;
  const { chat } = screen;
  const joined = chat.conversations.peek().some(({ key, joined }) => joined && key === `#${room}`);
  if (joined || (await told(screen, chat.ask({ kind: "join_room", room }))))
    screen.goTo(`#${room}`);
}

function onClick(event: MouseEvent, screen: Screen, place: Place, drawn: Drawn): void {
  const target = event.target instanceof Element ? event.target : undefined;
  const key = keyAt(event.target);
  const item = place.rows().find((row) => row.key === key)?.item;
  if (target === undefined || item === undefined) return;
  const button = target.closest<HTMLElement>("[data-deed]");
  switch (button?.dataset["deed"] as Deed | undefined) {
    case "unfold":
      place.unfold(key);
      return;
    case "author":
      screen.dialog.value = { name: "person", who: item.author };
      return;
    case "answered":
      if (item.type === "said") screen.goTo(screen.chat.opened.peek(), item.replyTo);
      return;
    case "react":
      if (item.type === "said") void react(screen, item, button?.dataset["emoji"] ?? "");
      return;
    case "room":
      void enterRoom(screen, item);
      return;
    case "retry":
    case "give-up":
      void act(screen, button?.dataset["deed"] as "retry" | "give-up", item);
      return;
    case "fold":
      return;
    case undefined:
      // Without a pointer that can rest on a message, a tap shows what can be done to it.
      if (matchMedia("(hover: none)").matches && target.closest("a, button") === null) {
        place.select(drawn.touched === key ? "" : key);
      }
  }
}
