/** The views without a server: /?scene=…&theme=…&rooms=…&messages=… */

import { render } from "preact";

import "../src/view/main.css";
import { RefusedError, type Door } from "../src/chat.ts";
import type { RefusalCode } from "../src/protocol/messages.ts";
import { Dialogs } from "../src/view/dialogs/dialogs.tsx";
import { Enter } from "../src/view/enter.tsx";
import { attachLater, followLater } from "../src/view/later.tsx";
import { Members } from "../src/view/panels/members.tsx";
import { Pins } from "../src/view/panels/pins.tsx";
import { Search, sought } from "../src/view/panels/search.tsx";
import { createScreen, type Dialog, type Screen } from "../src/view/screen.ts";
import { Shell, type Panels } from "../src/view/shell.tsx";
import { applyTheme, theme, THEMES } from "../src/view/theme.ts";
import { createFake, type Fake } from "./fake_chat.ts";

const asked = new URLSearchParams(location.search);
const number = (name: string, otherwise: number) => Number(asked.get(name) ?? otherwise);

/** What is to be looked at, by its name. */
const SCENES: Readonly<Record<string, (chat: Fake, screen: Screen) => void>> = {
  plain: () => undefined,
  list: (_, screen) => (screen.list.value = true),
  offline(chat) {
    const now = Date.now();
    chat.setConnection({
      state: "offline",
      sinceMs: now,
      retryAtMs: now + 8_000,
      reason: "no answer",
    });
    void chat.say("#garden", "this waits until there is a connection");
  },
  failed(chat) {
    void chat.say("#garden", "please refuse this one");
    chat.setTyping(["mira", "bob"]);
  },
  reply(chat, screen) {
    chat.setTyping(["mira"]);
    const last = chat.timeline.value.items.at(-2);
    if (last?.type === "said") screen.begin({ type: "reply", to: last });
    screen.writer?.insert("two lines of it,\nand the second one");
  },
  selected(_, screen) {
    screen.reader?.selectLast();
  },
  unread(chat, screen) {
    screen.goTo("#ops");
    chat.notice("The notes of this device could not be kept: its disk is full.", true);
  },
  panel: (_, screen) => (screen.panel.value = "members"),
  old(_, screen) {
    screen.goTo("#garden", 5_000);
  },
  outside: (chat) => chat.open("#attic"),
  empty: (chat) => chat.open("@zchat"),
  texts(chat) {
    const texts = [
      "שלום, ann — from right to left, and then not",
      "العربية أيضا",
      `a word that has no end: ${"a".repeat(300)}`,
      "<script>alert(1)</script> javascript:alert(1) http://example.org/(brackets)!",
      `many lines\n${Array.from({ length: 30 }, (_, at) => `line ${at}`).join("\n")}`,
      "/me looks around, and sees @ann and @room",
    ];
    for (const text of texts) chat.hear("#garden", "hana", text);
  },
};

const panels: Panels = { members: Members, pins: Pins, search: Search };

/** Somebody at the door: `door=code` asks for a one-time code, and so on. */
function doorTo(chat: Fake, refusal: string): Door {
  return {
    remembered: async () => undefined,
    async enter() {
      const code = refusal as RefusalCode;
      if (refusal !== "open") throw new RefusedError(code, `The server says ${refusal}`, 0);
      return chat;
    },
  };
}

const chat = createFake({
  opened: "#garden",
  rooms: number("rooms", 500),
  messages: number("messages", 10_000),
  delayMs: number("delay", 30),
  nowMs: new Date().setHours(19, 42, 0, 0),
});
const screen = createScreen(chat);
screen.list.value = !screen.narrow.value;
theme.value = THEMES.find((each) => each === asked.get("theme")) ?? "auto";
applyTheme();
attachLater(screen);
followLater(screen);
const root = document.getElementById("app");
const door = asked.get("door");
if (root !== null && door !== null) {
  render(<Enter door={doorTo(chat, door)} onEntered={() => location.replace("?")} />, root);
} else if (root !== null) {
  render(
    <>
      <Shell screen={screen} panels={panels} />
      <Dialogs screen={screen} />
    </>,
    root,
  );
}
const panel = asked.get("panel");
if (panel === "members" || panel === "pins" || panel === "search") screen.panel.value = panel;
sought.value = asked.get("sought") ?? "";
const dialog = asked.get("dialog");
if (dialog !== null) screen.dialog.value = JSON.parse(dialog) as Dialog;
requestAnimationFrame(() => SCENES[asked.get("scene") ?? "plain"]?.(chat, screen));
Object.assign(window, { chat, go: screen.goTo });
