import { useSignal } from "@preact/signals";
import { render, type VNode } from "preact";
import { useEffect, useMemo } from "preact/hooks";

import type { Chat, Door } from "../chat.ts";
import { words } from "../text/text.ts";
import { Enter } from "./enter.tsx";
import { attachLater, followLater, LaterDialogs, PANELS } from "./later.tsx";
import { followClicks, keepPage, loadNewer, newer } from "./offline.ts";
import { createScreen, type Screen } from "./screen.ts";
import { Shell } from "./shell.tsx";
import { applyTheme } from "./theme.ts";

/** Shows the page in `root`: the entry, and then the chat. */
export function start(door: Door, root: HTMLElement): void {
  applyTheme();
  void keepPage();
  render(<Page door={door} />, root);
}

function Page({ door }: { readonly door: Door }): VNode {
  const chat = useSignal<Chat | undefined>(undefined);
  return (
    <>
      {chat.value ? (
        <Inside chat={chat.value} />
      ) : (
        <Enter door={door} onEntered={(entered) => (chat.value = entered)} />
      )}
      <Newer />
    </>
  );
}

function Inside({ chat }: { readonly chat: Chat }): VNode {
  const screen = useMemo(() => screenOf(chat), [chat]);
  useEffect(() => {
    const ends = [followLater(screen), followClicks(screen)];
    // Back to the entry; nothing of whoever has logged out is left in this page either.
    void chat.gone.then(() => location.reload());
    return () => ends.forEach((end) => end());
  }, [screen]);
  return (
    <>
      <Shell screen={screen} panels={PANELS} />
      <LaterDialogs screen={screen} />
    </>
  );
}

function screenOf(chat: Chat): Screen {
  const screen = createScreen(chat);
  attachLater(screen);
  return screen;
}

/** Offered, and not done: somebody may be writing. */
function Newer(): VNode | null {
  if (!newer.value) return null;
  return (
    <p class="newer" role="status">
      {words("newer.there")}
      <button type="button" class="quiet" onClick={loadNewer}>
        {words("newer.load")}
      </button>
    </p>
  );
}
