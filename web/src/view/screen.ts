/**
 * What the person sees and is about to do, besides what was said: the page, panel and dialog, the
 * selected message, and what Enter will do. One `Screen` is made when there is a `Chat`; all views
 * are given it.
 */

import { computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { ComponentType } from "preact";

import type { Chat } from "../chat.ts";
import type { Key, Said, Timeline } from "../model/shapes.ts";
import type { OwnDialog } from "./dialogs/kinds.ts";

/** At the right of the messages; on a narrow page in their place. */
export type Panel = "members" | "pins" | "search";

/** In front of everything, one at a time. */
export type Dialog =
  | {
      readonly name: "go-to" | "palette" | "keys" | "settings" | "devices" | "account" | "new-room";
    }
  | { readonly name: "room"; readonly key: Key }
  /** With `doing` the form for that stands there at once. */
  | { readonly name: "person"; readonly who: string; readonly doing?: "kick" | "ban" }
  /** A picker of emoji; for no message it writes into the composer. */
  | { readonly name: "emoji"; readonly for: Said | undefined }
  | { readonly name: "versions" | "delete" | "report"; readonly of: Said }
  | OwnDialog;

/** What Enter does with the text. */
export type Intent =
  | { readonly type: "say" }
  | { readonly type: "reply"; readonly to: Said }
  /** `putAside` is the draft that the text of the edit has replaced. */
  | { readonly type: "edit"; readonly of: Said; readonly putAside: string };

export const SAY: Intent = { type: "say" };

export type Beginning =
  { readonly type: "reply"; readonly to: Said } | { readonly type: "edit"; readonly of: Said };

/** The field that is written in, for whoever puts something there. */
export interface Writer {
  readonly field: HTMLTextAreaElement;
  /** In place of what is selected, as if it was typed: the browser's own undo takes it back. */
  insert(text: string): void;
  /** Puts this text there in place of all, with the cursor at its end. */
  load(text: string): void;
  /** What Enter will do from now on; the text of an edit takes the draft's place until then. */
  begin(what: Beginning): void;
}

/** The timeline, for whoever moves it from elsewhere. */
export interface Reader {
  toEnd(): void;
  page(pages: number): void;
  /** Goes into the messages, from the last one that is seen on. */
  selectLast(): void;
}

/** What completes words in the composer: it is asked before the composer looks at a key itself. */
export interface Completer {
  /** True: the key is taken. Never called while an input method composes. */
  keyDown(event: KeyboardEvent, writer: Writer): boolean;
  /** The text or the place of the cursor has changed. */
  changed(writer: Writer): void;
  /** The choices, drawn above the field. */
  readonly Choices: ComponentType;
}

/** What a text means that is no message, such as `:topic garden roses`. */
export interface Commands {
  isCommand(text: string): boolean;
  /** A text that begins like a command on purpose (`::x`, `//x`) without its escape. */
  unescaped(text: string): string;
  /** The same with it: what one has to write to have exactly this text sent. */
  escaped(text: string): string;
  /** It holds a password: it is not kept anywhere. */
  isSecret(text: string): boolean;
  /** Resolves to false if it could not be done: then the text stays in the composer. */
  run(text: string, at: Key): Promise<boolean>;
}

export interface Screen {
  readonly chat: Chat;
  /** There is room for one column alone. */
  readonly narrow: ReadonlySignal<boolean>;
  /** The list of conversations: beside the messages, or on a narrow page in their place. */
  readonly list: Signal<boolean>;
  readonly panel: Signal<Panel | undefined>;
  readonly dialog: Signal<Dialog | undefined>;
  /** The row of the timeline that keys act on; empty for none. */
  readonly selected: Signal<string>;
  readonly intent: Signal<Intent>;
  /** What was begun in a conversation, also while another one is open. */
  intentOf(key: Key): Intent;
  /** The message to be shown as soon as the timeline has it; set by `goTo`. */
  readonly wanted: Signal<{ readonly key: Key; readonly sequence: number } | undefined>;
  /** A sentence under the field, until the next key. */
  readonly hint: Signal<string>;
  /** What a screen reader says next, newest last. */
  readonly spoken: Signal<readonly { readonly id: number; readonly text: string }[]>;
  /** Set while the composer stands on the page. */
  writer: Writer | undefined;
  /** Set while the timeline stands on the page. */
  reader: Reader | undefined;
  completer: Completer | undefined;
  commands: Commands | undefined;
  /** Opens a conversation at its end, or around one message, which is then selected. */
  goTo(key: Key, sequence?: number): void;
  /** To the first message at or after that time. */
  goToTime(atMs: number): Promise<void>;
  speak(text: string): void;
  begin(what: Beginning): void;
  /** Back to writing; `text` is put where the cursor is. */
  write(text?: string): void;
}

/** A page that is narrower has one column: the list and a line of 45 letters do not fit. */
export const NARROW = "(max-width: 719px)";

const SPOKEN_KEPT = 3;

/** Whether the window has that place: the item of the sequence, or what stands where it would. */
export function holds(timeline: Timeline, key: Key, sequence: number): boolean {
  const { items, moreBefore, moreAfter } = timeline;
  const first = items[0];
  if (timeline.key !== key || timeline.loading || first === undefined) return false;
  const confirmed = items.findLast((item) => item.sequence > 0);
  const begins = first.sequence <= sequence || !moreBefore;
  return begins && (!moreAfter || (confirmed !== undefined && confirmed.sequence >= sequence));
}

/** A dialog that has just been closed keeps the focus until it is off the page. */
function onceUncovered(does: () => void): void {
  if (document.querySelector("dialog[open]") === null) does();
  else setTimeout(does);
}

export function createScreen(chat: Chat): Screen {
  const query = matchMedia(NARROW);
  const isNarrow = signal(query.matches);
  query.addEventListener("change", () => {
    isNarrow.value = query.matches;
    // What was looked at stays: the messages, and beside them what there is room for.
    list.value = !query.matches;
  });

  /** What was begun in a conversation waits there. */
  const begun = new Map<Key, Intent>();
  const intent = signal<Intent>(SAY);
  const list = signal(!query.matches || chat.opened.value === "");
  const selected = signal("");
  const wanted: Screen["wanted"] = signal(undefined);
  const spoken: Screen["spoken"] = signal([]);
  let spokenIds = 0;

  let before = chat.opened.value;
  effect(() => {
    const key = chat.opened.value;
    if (key === before) return;
    begun.set(before, intent.peek());
    intent.value = begun.get(key) ?? SAY;
    // What was refused or done there says nothing here.
    if (screen.hint.peek() !== "") screen.hint.value = "";
    before = key;
  });

  const screen: Screen = {
    chat,
    narrow: computed(() => isNarrow.value),
    list,
    panel: signal(undefined),
    dialog: signal(undefined),
    selected,
    intent,
    intentOf: (key) => (key === before ? intent.peek() : (begun.get(key) ?? SAY)),
    wanted,
    hint: signal(""),
    spoken,
    writer: undefined,
    reader: undefined,
    completer: undefined,
    commands: undefined,
    goTo(key, sequence) {
      selected.value = "";
      if (isNarrow.value) {
        list.value = false;
        screen.panel.value = undefined;
      }
      if (sequence === undefined) {
        wanted.value = undefined;
        chat.open(key);
        if (!isNarrow.value) onceUncovered(() => screen.writer?.field.focus());
        return;
      }
      wanted.value = { key, sequence };
      if (!holds(chat.timeline.value, key, sequence)) chat.open(key, sequence);
    },
    async goToTime(atMs) {
      await chat.jumpToTime(atMs);
      const { key, items } = chat.timeline.peek();
      const found = items.find((item) => item.atMs >= atMs) ?? items.at(-1);
      if (found !== undefined) screen.goTo(key, found.sequence);
    },
    speak(text) {
      // An element that is added is read once; those before it are kept until it surely was.
      spoken.value = [...spoken.value.slice(-SPOKEN_KEPT), { id: ++spokenIds, text }];
    },
    begin(what) {
      screen.writer?.begin(what);
      screen.write();
    },
    write(text) {
      selected.value = "";
      onceUncovered(() => {
        if (text) screen.writer?.insert(text);
        screen.writer?.field.focus();
      });
    },
  };
  return screen;
}
