import { signal, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Key } from "../../model/shapes.ts";
import * as LIMITS from "../../protocol/limits.ts";
import type { Entry } from "../../protocol/messages.ts";
import { printable } from "../../protocol/names.ts";
import { inShort } from "../../text/entries.ts";
import { words } from "../../text/more.ts";
import { moment } from "../../text/text.ts";
import { Trouble, useDoing } from "../dialogs/form.tsx";
import { hueOf } from "../hue.ts";
import type { Screen } from "../screen.ts";
import { PanelHead } from "./head.tsx";
import { conversationOf, marked, queryOf } from "./query.ts";

/** What is searched for; a command may set it. */
export const sought = signal("");

/** A search is sent once nothing was typed for so long: it is among what costs the server most. */
const DELAY_MS = 250;

interface Found {
  readonly entries: readonly Entry[];
  readonly more: boolean;
  /** The server has looked through everything. */
  readonly complete: boolean;
}

/** Finds messages in all that one can read. */
export function Search({ screen }: { readonly screen: Screen }): VNode {
  const { chat } = screen;
  const doing = useDoing();
  const found = useSignal<Found | undefined>(undefined);
  const asked = useRef(0);
  const field = useRef<HTMLInputElement>(null);
  // Whoever opens it is about to type.
  useEffect(() => field.current?.focus(), []);
  const look = async (before?: Found) => {
    const mine = ++asked.current;
    const query = queryOf(sought.peek(), chat.opened.peek());
    if (!query.text) {
      found.value = undefined;
      return;
    }
    const oldest = before?.entries.at(-1);
    const page = await chat.ask({
      kind: "search_messages",
      text: query.text.slice(0, LIMITS.SEARCH_CHARS_MAX),
      ...(query.log === undefined ? {} : { log: query.log }),
      ...(query.author === undefined ? {} : { author: query.author }),
      // Others of the same millisecond may follow.
      ...(oldest === undefined ? {} : { before_ms: oldest.at_ms + 1 }),
    });
    // Somebody has gone on typing.
    if (mine !== asked.current) return;
    const known = before?.entries ?? [];
    const isNew = (entry: Entry) =>
      !known.some(({ log, sequence }) => log === entry.log && sequence === entry.sequence);
    const fresh = page.entries.filter(isNew);
    found.value = {
      entries: [...known, ...fresh],
      more: page.more && fresh.length > 0,
      complete: page.complete,
    };
  };
  useEffect(() => {
    const timer = setTimeout(() => doing.run(() => look()), DELAY_MS);
    return () => clearTimeout(timer);
  }, [sought.value]);
  const state = found.value;
  return (
    <>
      <PanelHead screen={screen} title={words("search.title")} />
      <form
        role="search"
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          doing.run(() => look());
        }}
      >
        <input
          ref={field}
          type="search"
          data-first
          aria-label={words("search.label")}
          placeholder={words("search.label")}
          value={sought.value}
          autocapitalize="none"
          spellcheck={false}
          onInput={(event) => (sought.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") screen.write();
          }}
        />
        <p class="note">{words("search.hint")}</p>
      </form>
      <Trouble of={doing} />
      <p class="note" role="status">
        {state === undefined
          ? doing.busy.value && words("search.looking")
          : words("search.count", { count: state.entries.length })}
        {state && !state.complete && words("search.incomplete")}
      </p>
      {state && <Hits screen={screen} entries={state.entries} />}
      {state?.more && (
        <p class="buttons start">
          <button type="button" disabled={doing.busy} onClick={() => doing.run(() => look(state))}>
            {words("search.more")}
          </button>
        </p>
      )}
    </>
  );
}

interface HitsProperties {
  readonly screen: Screen;
  readonly entries: readonly Entry[];
}

/** Messages that one may go to. */
export function Hits({ screen, entries }: HitsProperties): VNode {
  const me = screen.chat.me.value.name;
  const titles = new Map(screen.chat.conversations.value.map(({ key, title }) => [key, title]));
  return (
    <ul class="hits">
      {entries.map((entry) => {
        const key = conversationOf(entry, me);
        return (
          <li key={`${entry.log} ${entry.sequence}`}>
            <button type="button" onClick={() => screen.goTo(key, entry.sequence)}>
              <Hit entry={entry} place={placeOf(key, titles.get(key))} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function placeOf(key: Key, title: string | undefined): string {
  return printable(title ? `${key.charAt(0)}${title.replace(/^[#@]/, "")}` : key);
}

function Hit({ entry, place }: { readonly entry: Entry; readonly place: string }): VNode {
  const { body } = entry;
  const text = "text" in body ? printable(inShort(body.text)) : "";
  return (
    <>
      <span class="head">
        <span class={`name hue-${hueOf(entry.author)}`}>{printable(entry.author)}</span>
        <span class="note">{place}</span>
        <time class="note">{moment(entry.at_ms)}</time>
      </span>
      <span class="text" dir="auto">
        {marked(text, sought.value).map(([part, hit], at) =>
          hit ? <mark key={at}>{part}</mark> : <span key={at}>{part}</span>,
        )}
      </span>
    </>
  );
}
