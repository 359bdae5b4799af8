/** The views without a server: /?scene=…&theme=…&rooms=…&messages=… */

import { render } from "preact";

import "../src/view/main.css";
import { createScreen, type Screen } from "../src/view/screen.ts";
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
    chat.setConnection({ state: "offline", sinceMs: now, retryAtMs: now + 8_000, reason: "" });
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

const panels: Panels = { members: Members, pins: Nothing, search: Nothing };

function Members({ screen }: { screen: Screen }) {
  return (
    <ul class="members">
      {screen.chat.members.value.map(({ name }) => (
        <li key={name}>{name}</li>
      ))}
    </ul>
  );
}

function Nothing() {
  return <p class="members">Nothing yet.</p>;
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
const root = document.getElementById("app");
if (root !== null) render(<Shell screen={screen} panels={panels} />, root);
requestAnimationFrame(() => SCENES[asked.get("scene") ?? "plain"]?.(chat, screen));
Object.assign(window, { chat, go: screen.goTo });
