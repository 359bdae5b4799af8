import { useComputed, useSignal } from "@preact/signals";
import type { ComponentType, VNode } from "preact";
import { useEffect } from "preact/hooks";

import { printable } from "../protocol/names.ts";
import { words } from "../text/text.ts";
import { followAddress } from "./address.ts";
import { Composer } from "./composer.tsx";
import { Header, Joiner } from "./header.tsx";
import { Icon } from "./icons.tsx";
import type { Panel, Screen } from "./screen.ts";
import { Sidebar } from "./sidebar.tsx";
import { StatusLine } from "./status.tsx";
import { TimelineView } from "./timeline/timeline.tsx";
import { loadAnew } from "./offline.ts";

/** What stands at the right, by its name; each is given the screen alone. */
export type Panels = Readonly<Record<Panel, ComponentType<{ screen: Screen }>>>;

/** The whole page once one has entered: list | messages and composer | panel. */
export function Shell({ screen, panels }: { screen: Screen; panels: Panels }): VNode {
  const { narrow, list, panel } = screen;
  const today = useToday();
  useEffect(() => followKeyboard(), []);
  useEffect(() => followAddress(screen), []);
  // Members and pins are of rooms; in private the panel waits until one is back in a room.
  const inRoom = useComputed(() => screen.chat.opened.value.startsWith("#")).value;
  const opened = inRoom || panel.value === "search" ? panel.value : undefined;
  const Opened = opened && panels[opened];
  // Of what is not seen, nothing is drawn or kept up to date.
  const showsList = list.value;
  const showsPanel = Opened !== undefined && !(narrow.value && showsList);
  const Beside = narrow.value ? "main" : "aside";
  const showsMessages = !narrow.value || (!showsList && !showsPanel);
  return (
    <div class={`shell${narrow.value ? " narrow" : ""}`} onMouseDown={leaveFocus}>
      {showsList && <Sidebar screen={screen} />}
      {showsMessages && (
        <main class="conversation">
          <Header screen={screen} />
          <TimelineView screen={screen} today={today} />
          <Notices screen={screen} />
          <Writing screen={screen} />
          <StatusLine screen={screen} />
        </main>
      )}
      {showsPanel && (
        <Beside class="panel">
          <Opened screen={screen} />
        </Beside>
      )}
      <Spoken screen={screen} />
    </div>
  );
}

/** Who clicks a button while writing goes on writing; without this, browsers differ. */
function leaveFocus(event: MouseEvent): void {
  const isWriting = document.activeElement instanceof HTMLTextAreaElement;
  if (isWriting && event.target instanceof Element && event.target.closest("button"))
    event.preventDefault();
}

function Writing({ screen }: { screen: Screen }): VNode {
  const { chat } = screen;
  const isEnded = useComputed(() => chat.connection.value.state === "ended").value;
  const isOutside = useComputed(() => {
    const key = chat.opened.value;
    if (!key.startsWith("#")) return false;
    return chat.conversations.value.find((each) => each.key === key)?.joined === false;
  }).value;
  if (isEnded) return <Ended screen={screen} />;
  return isOutside ? <Joiner screen={screen} /> : <Composer screen={screen} />;
}

/** In the place of the composer, once nothing can be said any more. */
function Ended({ screen }: { screen: Screen }): VNode {
  const connection = screen.chat.connection.value;
  return (
    <div class="composer joiner">
      <span role="alert">{connection.state === "ended" && printable(connection.reason)}</span>
      <button type="button" class="main" onClick={() => void loadAnew()}>
        {words("status.come_back")}
      </button>
    </div>
  );
}

/** What belongs to no conversation and is not to be overlooked. */
function Notices({ screen }: { screen: Screen }): VNode {
  const { chat } = screen;
  return (
    <div class="notices" aria-live="polite">
      {chat.notices.value.map(({ id, text, bad }) => (
        <p key={id} class={bad ? "bad" : undefined}>
          <span>{printable(text)}</span>
          <button
            type="button"
            class="tool"
            title={words("notice.drop")}
            onClick={() => chat.dropNotice(id)}
          >
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  );
}

/** What a screen reader says once, when it has said what it is at. */
function Spoken({ screen }: { screen: Screen }): VNode {
  return (
    <div class="spoken" aria-live="polite" aria-relevant="additions">
      {screen.spoken.value.map(({ id, text }) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}

/** Some time of this day; days are named anew after midnight. */
function useToday(): number {
  const today = useSignal(Date.now());
  useEffect(() => {
    const now = new Date();
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    const timer = setTimeout(() => (today.value = Date.now()), midnight.getTime() - now.getTime());
    return () => clearTimeout(timer);
  }, [today.value]);
  return today.value;
}

/** Where a keyboard on the screen covers the page instead of shrinking it, the page shrinks itself. */
function followKeyboard(): () => void {
  const seen = window.visualViewport;
  if (!seen) return () => undefined;
  const follow = () => {
    const root = document.documentElement;
    // Somebody who has zoomed in sees a part of the page, which stays as it is.
    if (seen.scale > 1.01) return;
    root.style.setProperty("--seen", `${seen.height}px`);
    // Browsers scroll the page to what is written in, though all of it is seen by now.
    if (seen.offsetTop > 0) scrollTo(0, 0);
  };
  follow();
  seen.addEventListener("resize", follow);
  return () => seen.removeEventListener("resize", follow);
}
