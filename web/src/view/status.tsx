import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import { printable } from "../protocol/names.ts";
import { words } from "../text/text.ts";
import type { Screen } from "./screen.ts";
import { connectionWords, typingWords } from "./saying.ts";

/** The last line: whether the server is there, who types, and what was asked or refused last. */
export function StatusLine({ screen }: { screen: Screen }): VNode {
  return (
    <footer class="status">
      <Network screen={screen} />
      <Hint screen={screen} />
      <span class="key-hints" aria-hidden="true">
        {words("status.keys")}
      </span>
    </footer>
  );
}

function Network({ screen }: { screen: Screen }): VNode {
  const connection = screen.chat.connection.value;
  const waiting = screen.chat.unconfirmed.value;
  const now = useSeconds(connection.state === "offline").value;
  const told = connectionWords(connection, now);
  return (
    <span class={`network ${connection.state}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span class="state">{told}</span>
      {waiting > 0 && connection.state !== "online" && (
        <span class="waiting">{words("status.to_send", { count: waiting })}</span>
      )}
    </span>
  );
}

/** The time, each second while it is asked for. */
function useSeconds(running: boolean): ReadonlySignal<number> {
  const now = useSignal(Date.now());
  useEffect(() => {
    now.value = Date.now();
    if (!running) return;
    const timer = setInterval(() => (now.value = Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

/** What was just refused or done; else who types, which needs no answer. */
function Hint({ screen }: { screen: Screen }): VNode {
  const typing = useComputed(() => {
    const key = screen.chat.opened.value;
    const found = screen.chat.conversations.value.find((each) => each.key === key);
    return typingWords((found?.typing ?? []).map(printable));
  }).value;
  const hint = screen.hint.value;
  return (
    <>
      <span class="hint" role="status">
        {hint}
      </span>
      <span class="typing">{hint === "" ? typing : ""}</span>
    </>
  );
}
