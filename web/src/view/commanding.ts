/** What commands show and ask, on the screen. */

import { emojied } from "../commands/emoji.ts";
import { run, type Outside } from "../commands/run.ts";
import { escaped, isCommand, isSecret, saidOf } from "../commands/table.ts";
import { emojiNamed } from "../commands/emoji.ts";
import { sought } from "./panels/search.tsx";
import type { Commands, Screen } from "./screen.ts";

const EMOJI = /^:([a-z0-9_+-]+):(?=\s|$)/;

export function createCommands(screen: Screen): Commands {
  const outside = outsideOf(screen);
  return {
    isCommand: (text) => isCommand(text) && !beginsWithEmoji(text),
    unescaped: (text) => emojied(saidOf(text)),
    escaped,
    isSecret,
    run: (text, at) => run(screen.chat, outside, text, at),
  };
}

/** `:tada:` looks like the command `tada:`, and is a message. */
function beginsWithEmoji(text: string): boolean {
  const name = EMOJI.exec(text.trim())?.[1];
  return name !== undefined && emojiNamed(name) !== undefined;
}

function outsideOf(screen: Screen): Outside {
  const { chat } = screen;
  return {
    notice: (text) => (screen.hint.value = text),
    complain: (text) => (screen.hint.value = `! ${text}`),
    show: (table) => (screen.dialog.value = { name: "table", table }),
    open(what, about = "") {
      if (what === "help") screen.dialog.value = { name: "help", command: about };
      else if (what === "devices" || what === "people") screen.dialog.value = { name: what };
      else {
        if (what === "search") sought.value = about;
        screen.panel.value = what;
      }
    },
    ask: (what) => (screen.dialog.value = { name: "ask", what }),
    confirm: (question, does) =>
      new Promise((answered) => {
        screen.dialog.value = { name: "confirm", question, does, answered };
      }),
    showSecret: (title, secret) => (screen.dialog.value = { name: "secret", title, secret }),
    goTo(key) {
      if (chat.opened.peek() !== key) screen.goTo(key);
    },
    stillness() {
      const opened = chat.opened.peek();
      const text = screen.writer?.field.value;
      return () => chat.opened.peek() === opened && screen.writer?.field.value === text;
    },
  };
}
