import { useComputed, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Conversation } from "../model/shapes.ts";
import { printable } from "../protocol/names.ts";
import { number, words } from "../text/text.ts";
import { Icon } from "./icons.tsx";
import { matches, signOf, spokenState } from "./listing.ts";
import { memo } from "./memo.ts";
import type { Screen } from "./screen.ts";

/** Higher counts would take the room of the name beside them. */
const COUNT_MAX = 999;

/** The list of conversations, in the chat's own order. */
export function Sidebar({ screen }: { screen: Screen }): VNode {
  const { chat } = screen;
  const filter = useSignal("");
  const list = useRef<HTMLUListElement>(null);
  const opened = chat.opened.value;
  const all = chat.conversations.value;
  const shown = filter.value === "" ? all : all.filter((each) => matches(each, filter.value));
  const hasOpened = shown.some((each) => each.key === opened);
  // Where it stands in the place of the messages, it is what the page is about.
  const Frame = screen.narrow.value ? "main" : "nav";

  useEffect(() => {
    // Alt-A and others go to where the list has not been scrolled.
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }, [opened]);

  return (
    <Frame class="sidebar" aria-label={words("list.label")}>
      <div class="bar top">
        {screen.narrow.value ? (
          <h1 class="brand">zchat</h1>
        ) : (
          <span class="brand" aria-hidden="true">
            zchat
          </span>
        )}
        <button
          type="button"
          class="tool"
          title={`${words("list.go_to")} (Ctrl-K)`}
          onClick={() => (screen.dialog.value = { name: "go-to" })}
        >
          <Icon name="search" />
        </button>
        <button
          type="button"
          class="tool"
          title={words("list.new")}
          onClick={() => (screen.dialog.value = { name: "new-room" })}
        >
          <Icon name="plus" />
        </button>
      </div>
      <input
        class="filter"
        type="search"
        placeholder={words("list.filter")}
        aria-label={words("list.filter")}
        value={filter.value}
        onInput={(event) => (filter.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          const first = shown[0];
          if (event.key === "Escape") filter.value = "";
          else if (event.key === "ArrowDown") step(list.current, undefined, 1);
          else if (event.key === "Enter" && first !== undefined) {
            filter.value = "";
            screen.goTo(first.key);
          } else return;
          event.preventDefault();
        }}
      />
      <ul
        class="conversations"
        ref={list}
        role="list"
        onClick={(event) => {
          const key = keyAt(event.target);
          if (key !== undefined) screen.goTo(key);
        }}
        onKeyDown={(event) => {
          const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
          if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
          step(list.current, event.target, by);
          event.preventDefault();
        }}
      >
        {shown.map((each, at) => (
          <Entry
            key={each.key}
            screen={screen}
            conversation={each}
            current={each.key === opened}
            reachable={each.key === opened || (!hasOpened && at === 0)}
            divided={at > 0 && groupOf(each) !== groupOf(shown[at - 1] ?? each)}
          />
        ))}
        {shown.length === 0 && <li class="none">{words("list.none")}</li>}
      </ul>
      <Myself screen={screen} />
    </Frame>
  );
}

function keyAt(target: EventTarget | null): string | undefined {
  const entry = target instanceof Element ? target.closest<HTMLElement>("[data-key]") : null;
  return entry?.dataset["key"];
}

/** A line stands between those that are kept at the top, the others, and those that are muted. */
function groupOf({ kept, notify }: Conversation): number {
  return kept ? 0 : notify === "nothing" ? 2 : 1;
}

function step(list: HTMLElement | null, from: EventTarget | null | undefined, by: number): void {
  const buttons = [...(list?.querySelectorAll<HTMLElement>("[data-key]") ?? [])];
  const at = from == null ? -1 : buttons.indexOf(from as HTMLElement);
  buttons[Math.max(0, Math.min(buttons.length - 1, at + by))]?.focus();
}

interface EntryProps {
  readonly screen: Screen;
  readonly conversation: Conversation;
  readonly current: boolean;
  /** By Tab; the others are reached from it by arrows. */
  readonly reachable: boolean;
  readonly divided: boolean;
}

const Entry = memo(({ screen, conversation, current, reachable, divided }: EntryProps) => {
  const { key, kind, title, unread, mentions, notify, hasDraft, kept } = conversation;
  const isPrivate = kind === "private";
  const isOnline = useComputed(() => isPrivate && screen.chat.online.value.has(key.slice(1))).value;
  const muted = notify === "nothing";
  const calls = mentions > 0;
  const counts = calls || (unread > 0 && !muted);
  const classes = ["entry"];
  if (muted) classes.push("muted");
  if (counts) classes.push("unread");
  if (divided) classes.push("divided");
  return (
    <li class={classes.join(" ")}>
      <button
        type="button"
        data-key={key}
        tabIndex={reachable ? 0 : -1}
        aria-current={current ? "page" : undefined}
      >
        <span class={`sign${isOnline ? " online" : ""}`} aria-hidden="true">
          {signOf(conversation, isOnline)}
        </span>
        <span class="title" dir="auto">
          {printable(title)}
        </span>
        <span class="spoken">{spokenState(conversation, isOnline)}</span>
        {hasDraft && !current && (
          <span class="draft" title={words("list.draft")} aria-hidden="true">
            <Icon name="edit" />
          </span>
        )}
        {kept && (
          <span class="kept" title={words("list.kept")} aria-hidden="true">
            <Icon name="pin" />
          </span>
        )}
        {unread > 0 && (
          <span class={calls ? "count calls" : "count"} aria-hidden="true">
            {calls && !isPrivate ? "@" : ""}
            {unread > COUNT_MAX ? `${COUNT_MAX}+` : number(calls && !isPrivate ? mentions : unread)}
          </span>
        )}
      </button>
    </li>
  );
});

/** Who one is, at the foot of the list. */
function Myself({ screen }: { screen: Screen }): VNode {
  const me = screen.chat.me.value;
  const away =
    me.away === undefined
      ? ""
      : me.away
        ? words("status.away_word", { word: printable(me.away) })
        : words("status.away");
  return (
    <div class="bar myself">
      <button type="button" class="me" onClick={() => (screen.dialog.value = { name: "account" })}>
        <span class="name" dir="auto">
          {words(me.guest ? "status.me_guest" : "status.me", { name: printable(me.name) })}
        </span>
        {away && <span class="away">{away}</span>}
      </button>
      <button
        type="button"
        class="tool"
        title={words("list.settings")}
        onClick={() => (screen.dialog.value = { name: "settings" })}
      >
        <Icon name="settings" />
      </button>
    </div>
  );
}
