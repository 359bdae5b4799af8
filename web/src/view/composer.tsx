/**
 * Where one writes. The field is the browser's own and keeps its text itself: a key renders nothing,
 * so that it is painted at once however much there is around it.
 */

import { useComputed, useSignal, type Signal } from "@preact/signals";
import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

import type { Key } from "../model/shapes.ts";
import { isVisible, printable } from "../protocol/names.ts";
import { words } from "../text/text.ts";
import { charsLeft, History, isTall } from "./composing.ts";
import { Icon } from "./icons.tsx";
import { plain } from "./markup.ts";
import { SAY, type Beginning, type Intent, type Screen, type Writer } from "./screen.ts";
import { logOf, obstacle, told } from "./timeline/acts.ts";

export function Composer({ screen }: { screen: Screen }): VNode {
  const { chat } = screen;
  const field = useRef<HTMLTextAreaElement>(null);
  /** How many characters are left; undefined while it is far from the limit. */
  const left = useSignal<number | undefined>(undefined);
  const hasText = useSignal(false);
  const about = useComputed(() => {
    const key = chat.opened.value;
    const found = chat.conversations.value.find((each) => each.key === key);
    const title = printable(found?.title ?? key.slice(1));
    if (found?.kind === "notices") return words("composer.commands_only");
    const isRoom = found === undefined ? key.startsWith("#") : /^(room|lobby)$/.test(found.kind);
    return words("composer.label", { title: isRoom ? `#${title}` : title });
  });

  useLayoutEffect(() => {
    if (field.current === null) return;
    return attach(screen, field.current, left, hasText);
  }, []);

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit(screen);
        field.current?.focus();
      }}
    >
      <Begun screen={screen} />
      {screen.completer && <screen.completer.Choices />}
      <div class="field">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          aria-label={about}
          placeholder={about}
          autocomplete="off"
          enterkeyhint="send"
          spellcheck
        />
        <Left left={left} />
        <button
          type="button"
          class="tool"
          title={words("composer.emoji")}
          onClick={() => (screen.dialog.value = { name: "emoji", for: undefined })}
        >
          <Icon name="react" />
        </button>
        <button
          type="submit"
          class="tool send"
          title={words("composer.send")}
          disabled={useComputed(() => !hasText.value)}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

function Left({ left }: { left: Signal<number | undefined> }): VNode | null {
  if (left.value === undefined) return null;
  return (
    <span class={left.value < 0 ? "left over" : "left"} aria-live="polite">
      {words("composer.left", { count: left.value })}
    </span>
  );
}

/** What Enter will do, if that is not simply to say it. */
function Begun({ screen }: { screen: Screen }): VNode | null {
  const intent = screen.intent.value;
  if (intent.type === "say") return null;
  const of = intent.type === "reply" ? intent.to : intent.of;
  return (
    <div class="begun">
      <Icon name={intent.type === "reply" ? "reply" : "edit"} />
      <span class="what">
        {intent.type === "reply"
          ? words("composer.replies", { who: printable(of.author) })
          : words("composer.edits")}
      </span>
      <span class="quoted" dir="auto">
        {plain(of.text)}
      </span>
      <button
        type="button"
        class="tool"
        title={words("composer.leave")}
        onClick={() => leave(screen)}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

// --- The field -----------------------------------------------------------------------------------

/** What the composer remembers as long as there is the screen, also while it is not on the page. */
interface Memory {
  readonly history: History;
  /** The texts of edits that were begun and wait in their conversations: those are no drafts. */
  readonly edits: Map<Key, string>;
  /** The reply or edit that the first Escape spared, since text would be lost. */
  doubted: Intent | undefined;
}

const memories = new WeakMap<Screen, Memory>();

function memoryOf(screen: Screen): Memory {
  let memory = memories.get(screen);
  if (memory === undefined) {
    memory = { history: new History(), edits: new Map(), doubted: undefined };
    memories.set(screen, memory);
  }
  return memory;
}

/** Makes the field the screen's writer; returns what undoes it. */
function attach(
  screen: Screen,
  field: HTMLTextAreaElement,
  left: Signal<number | undefined>,
  hasText: Signal<boolean>,
): () => void {
  const { chat } = screen;
  const memory = memoryOf(screen);
  /** Where the text belongs that is in the field. */
  let key = chat.opened.peek();

  const look = () => {
    left.value = charsLeft(field.value);
    hasText.value = field.value !== "";
    grow(field);
  };
  const put = (text: string) => {
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    look();
  };
  const keep = () => chat.keepDraft(key, draftOf(screen, field.value));

  const writer: Writer = {
    field,
    insert(text) {
      field.focus();
      // The only way that keeps the browser's undo; where it is gone, undo is all that is lost.
      if (!document.execCommand("insertText", false, text)) {
        field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
        onInput();
      }
    },
    load(text) {
      put(text);
      keep();
    },
    begin(what) {
      begin(screen, writer, what);
    },
  };

  const onInput = () => {
    look();
    keep();
    memory.doubted = undefined;
    if (screen.hint.peek() !== "") screen.hint.value = "";
    screen.completer?.changed(writer);
    const isMessage = screen.commands?.isCommand(field.value) !== true;
    if (field.value !== "" && isMessage && screen.intent.peek().type !== "edit") chat.typing(key);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Keys of an input method are its own: its Enter chooses a word. 229 is what older ones say.
    if (event.isComposing || event.keyCode === 229) return;
    if (screen.completer?.keyDown(event, writer)) event.preventDefault();
    else if (onKey(event, screen, writer)) event.preventDefault();
  };

  field.addEventListener("input", onInput);
  field.addEventListener("keydown", onKeyDown);
  const onSelect = () => screen.completer?.changed(writer);
  field.addEventListener("click", onSelect);
  screen.writer = writer;
  const leaveText = () => {
    if (screen.intentOf(key).type === "edit") memory.edits.set(key, field.value);
  };
  const takeText = () => {
    put((screen.intentOf(key).type === "edit" && memory.edits.get(key)) || chat.draft(key));
    memory.edits.delete(key);
  };
  takeText();
  // Whoever has just come in can write at once; a touch would have a keyboard cover half of the page.
  if (document.activeElement === document.body && matchMedia("(hover: hover)").matches)
    field.focus();
  const stop = chat.opened.subscribe((next) => {
    if (next === key) return;
    leaveText();
    key = next;
    memory.history.leave();
    takeText();
  });
  return () => {
    leaveText();
    stop();
    field.removeEventListener("input", onInput);
    field.removeEventListener("keydown", onKeyDown);
    field.removeEventListener("click", onSelect);
    if (screen.writer === writer) screen.writer = undefined;
  };
}

/** What is kept for the next time: an edit is no draft but has put one aside; a command may hold a secret. */
function draftOf(screen: Screen, text: string): string {
  const intent = screen.intent.peek();
  const draft = intent.type === "edit" ? intent.putAside : text;
  return screen.commands?.isCommand(draft) ? "" : draft;
}

const growsByItself = CSS.supports("field-sizing", "content");

function grow(field: HTMLTextAreaElement): void {
  if (growsByItself) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

// --- Keys ----------------------------------------------------------------------------------------

function onKey(event: KeyboardEvent, screen: Screen, writer: Writer): boolean {
  const { field } = writer;
  const { history } = memoryOf(screen);
  switch (event.key) {
    case "Enter":
      if (event.shiftKey) return false;
      if (event.ctrlKey || event.altKey || event.metaKey) writer.insert("\n");
      else submit(screen);
      return true;
    case "j":
      // As in a terminal, where Enter with a modifier is often Enter alone.
      if (!event.ctrlKey || event.shiftKey || event.altKey || event.metaKey) return false;
      writer.insert("\n");
      return true;
    case "Escape":
      escape(screen, field);
      return true;
    case "ArrowUp":
      return !hasModifier(event) && up(screen, writer);
    case "ArrowDown": {
      if (hasModifier(event) || !history.isWalking) return false;
      writer.load(history.newer() ?? "");
      return true;
    }
    case "PageUp":
    case "PageDown": {
      if (hasModifier(event) || isTall(field)) return false;
      screen.reader?.page(event.key === "PageUp" ? -0.9 : 0.9);
      return true;
    }
    case "End":
      if (hasModifier(event) || field.value !== "") return false;
      screen.reader?.toEnd();
      return true;
    default:
      return false;
  }
}

function hasModifier(event: KeyboardEvent): boolean {
  return event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
}

/** Into the messages from an empty field; in a text, through what was sent before. */
function up(screen: Screen, writer: Writer): boolean {
  const { field } = writer;
  const { history } = memoryOf(screen);
  if (field.value === "" && !history.isWalking) {
    screen.reader?.selectLast();
    return true;
  }
  const atBegin = field.selectionStart === 0 && field.selectionEnd === 0;
  if (!atBegin && !history.isWalking && (isTall(field) || field.value.includes("\n"))) return false;
  if (history.isWalking && field.value.slice(0, field.selectionStart).includes("\n")) return false;
  const older = history.older(field.value);
  if (older === undefined) return false;
  writer.load(older);
  return true;
}

function escape(screen: Screen, field: HTMLTextAreaElement): void {
  const memory = memoryOf(screen);
  const intent = screen.intent.peek();
  if (intent.type === "say") {
    screen.reader?.selectLast();
    return;
  }
  const costs = intent.type === "edit" ? field.value !== intent.of.text : isVisible(field.value);
  if (costs && memory.doubted !== intent) {
    memory.doubted = intent;
    screen.hint.value = words(intent.type === "edit" ? "composer.again_edit" : "composer.again");
    return;
  }
  leave(screen);
}

// --- What Enter does -----------------------------------------------------------------------------

function begin(screen: Screen, writer: Writer, what: Beginning): void {
  leave(screen);
  memoryOf(screen).doubted = undefined;
  if (what.type === "reply") {
    screen.intent.value = what;
    return;
  }
  screen.intent.value = { ...what, putAside: writer.field.value };
  const { isAction, text } = what.of;
  writer.load(isAction ? `/me ${text}` : (screen.commands?.escaped(text) ?? text));
}

/** Ends a reply or an edit; the draft that an edit had put aside comes back. */
function leave(screen: Screen): void {
  const intent = screen.intent.peek();
  screen.intent.value = SAY;
  if (intent.type !== "edit") return;
  const text = screen.writer?.field.value ?? "";
  if (text !== intent.of.text) memoryOf(screen).history.add(text);
  screen.writer?.load(intent.putAside);
}

/** Does what Enter means. The field is empty at once; what could not be done comes back into it. */
function submit(screen: Screen): void {
  const { writer, chat, commands } = screen;
  const { history } = memoryOf(screen);
  if (writer === undefined) return;
  const text = writer.field.value;
  const key = chat.opened.peek();
  const over = charsLeft(text);
  if (over !== undefined && over < 0) {
    screen.hint.value = words("composer.too_long", { count: -over });
    return;
  }
  const intent = screen.intent.peek();
  if (!isVisible(text)) {
    if (intent.type === "edit") screen.hint.value = words("composer.edit_empty");
    return;
  }
  if (commands?.isCommand(text)) {
    if (!commands.isSecret(text)) history.add(text);
    writer.load("");
    void commands.run(text, key).then((done) => {
      if (!done) giveBack(screen, key, text, SAY);
    });
    return;
  }
  const plain = commands?.unescaped(text) ?? text;
  history.add(text);
  screen.intent.value = SAY;
  writer.load(intent.type === "edit" ? intent.putAside : "");
  if (intent.type === "edit") void edit(screen, key, intent, text, plain);
  else void say(screen, key, intent, text, plain);
}

async function say(
  screen: Screen,
  key: Key,
  intent: Intent,
  text: string,
  plain: string,
): Promise<void> {
  screen.reader?.toEnd();
  try {
    await screen.chat.say(key, plain, intent.type === "reply" ? intent.to.sequence : undefined);
  } catch (error) {
    giveBack(screen, key, text, intent);
    screen.hint.value = error instanceof Error ? error.message : String(error);
  }
}

async function edit(
  screen: Screen,
  key: Key,
  intent: Intent & { type: "edit" },
  text: string,
  plain: string,
): Promise<void> {
  const { chat } = screen;
  const now = chat.timeline.peek().items.find((item) => item.row === intent.of.row) ?? intent.of;
  const why = obstacle(screen, "edit", now);
  if (why !== undefined) {
    screen.hint.value = words(why);
    return;
  }
  if (now.text === plain && !intent.of.isAction) return;
  const { sequence } = intent.of;
  const done = await told(
    screen,
    chat.ask({ kind: "edit_message", log: logOf(chat, key), sequence, text: plain }),
  );
  if (done === undefined) giveBack(screen, key, text, intent);
}

/** Puts a text back that could not be sent, unless something else is being written by now. */
function giveBack(screen: Screen, key: Key, text: string, intent: Intent): void {
  const { writer, chat } = screen;
  if (chat.opened.peek() !== key || writer === undefined) {
    if (chat.draft(key) === "" && !screen.commands?.isCommand(text)) chat.keepDraft(key, text);
    return;
  }
  const written = writer.field.value;
  if (written !== "" && !(intent.type === "edit" && written === intent.putAside)) return;
  screen.intent.value = intent;
  writer.load(text);
}
