/** What commands show and ask, on the screen. */

import { beginsWithEmoji, emojied } from "../commands/emoji.ts";
import { run as runCommand, type Outside } from "../commands/run.ts";
import type { Key } from "../model/shapes.ts";
import { sought } from "./panels/search.tsx";
import type { Screen } from "./screen.ts";

/** Does what a line says; false if it could not be done, and stays to be corrected. */
export function run(screen: Screen, text: string, at: Key): Promise<boolean> {
  // It may have been taken for a command before the names of emoji were loaded.
  if (beginsWithEmoji(text)) return screen.chat.say(at, emojied(text)).then(() => true);
  return runCommand(screen.chat, outsideOf(screen), text, at);
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
