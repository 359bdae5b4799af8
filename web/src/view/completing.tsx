import { computed, signal } from "@preact/signals";

import { complete, type Completion, type Roster } from "../commands/complete.ts";
import { isSecret } from "../commands/said.ts";
import { words } from "../text/more.ts";
import type { Completer, Screen, Writer } from "./screen.ts";

const NONE: Completion = { length: 0, choices: [] };
/** Whoever wrote one of the newest messages is the likeliest to be named. */
const AUTHORS_LOOKED_AT = 200;

/** Offers what may take the place of the word before the cursor: Tab or Enter takes it. */
export function createCompleter(screen: Screen): Completer {
  const completion = signal(NONE);
  const at = signal(0);
  /** The text for which Escape has hidden the choices. */
  let hidden: string | undefined;
  let writing: Writer | undefined;

  const hide = () => {
    completion.value = NONE;
    at.value = 0;
  };
  const choose = (index: number) => {
    const { length, choices } = completion.peek();
    const choice = choices[index];
    if (!choice || !writing) return;
    const { field } = writing;
    const end = field.selectionStart;
    field.setSelectionRange(end - length, end);
    hide();
    writing.insert(choice.insert);
    field.focus();
  };
  const move = (by: number) => {
    const count = completion.peek().choices.length;
    at.value = (at.peek() + by + count) % count;
  };
  const isShown = computed(() => completion.value.choices.length > 0);

  return {
    changed(writer) {
      writing = writer;
      const { field } = writer;
      const before = field.value.slice(0, field.selectionStart);
      const isMarked = field.selectionStart !== field.selectionEnd;
      if (before === "" || isMarked || before === hidden || isSecret(field.value)) {
        hide();
        return;
      }
      hidden = undefined;
      completion.value = complete(before, rosterOf(screen));
      at.value = 0;
    },
    keyDown(event, writer) {
      writing = writer;
      if (!isShown.peek() || event.ctrlKey || event.metaKey || event.altKey) return false;
      switch (event.key) {
        case "Tab":
          choose(at.peek());
          return true;
        case "Enter":
          // A command that is whole is sent: only what was chosen with an arrow is taken.
          if (event.shiftKey || at.peek() === 0) {
            hide();
            return false;
          }
          choose(at.peek());
          return true;
        case "ArrowDown":
          move(1);
          return true;
        case "ArrowUp":
          move(-1);
          return true;
        case "Escape":
          hidden = writer.field.value.slice(0, writer.field.selectionStart);
          hide();
          return true;
        default:
          return false;
      }
    },
    Choices() {
      const { choices } = completion.value;
      if (choices.length === 0) return null;
      return (
        <ul class="completions" role="listbox" aria-label={words("complete.label")}>
          {choices.map((choice, index) => (
            <li
              key={choice.insert}
              role="option"
              aria-selected={index === at.value}
              // The field keeps the focus.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(index)}
              ref={(element) => {
                if (index === at.peek()) element?.scrollIntoView({ block: "nearest" });
              }}
            >
              <span class="name" dir="auto">
                {choice.insert}
              </span>
              <span class="note" dir="auto">
                {choice.note}
              </span>
            </li>
          ))}
        </ul>
      );
    },
  };
}

/** Who and what is likely to be named: those who have spoken here, then all others. */
function rosterOf({ chat }: Screen): Roster {
  const people = new Set<string>();
  for (const item of chat.timeline.peek().items.slice(-AUTHORS_LOOKED_AT).reverse()) {
    if (item.type === "said") people.add(item.author);
  }
  for (const { name } of chat.members.peek()) people.add(name);
  const rooms: string[] = [];
  for (const { key } of chat.conversations.peek()) {
    if (key.startsWith("#")) rooms.push(key.slice(1));
    else people.add(key.slice(1));
  }
  for (const name of [...chat.online.peek()].sort()) people.add(name);
  people.delete(chat.me.peek().name);
  people.delete("zchat");
  return { people: [...people], rooms };
}
