import { useComputed, useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";

import type { Entry } from "../../protocol/messages.ts";
import { words } from "../../text/more.ts";
import type { Screen } from "../screen.ts";
import { told } from "../timeline/acts.ts";
import { PanelHead } from "./head.tsx";
import { Hits } from "./search.tsx";

/** The pinned messages of the open room. */
export function Pins({ screen }: { readonly screen: Screen }): VNode {
  const { chat } = screen;
  const pins = useSignal<readonly Entry[] | undefined>(undefined);
  const key = chat.opened.value;
  /** Changes with each pin that is set or taken away while one looks. */
  const changes = useComputed(
    () =>
      chat.timeline.value.items.filter(
        (item) => item.type === "happened" && /^message_(un)?pinned$/.test(item.entry.body.kind),
      ).length,
  );
  useEffect(() => {
    pins.value = undefined;
    if (!key.startsWith("#")) return undefined;
    // The room and its changes may be asked for at once: the last answer counts, none is waited for.
    let isLast = true;
    void told(screen, chat.ask({ kind: "list_pins", room: key.slice(1) })).then((answer) => {
      if (isLast && answer) pins.value = answer.pins;
    });
    return () => {
      isLast = false;
    };
  }, [key, changes.value]);
  return (
    <>
      <PanelHead screen={screen} title={words("header.pins")} />
      {pins.value && <Hits screen={screen} entries={pins.value} />}
      {pins.value?.length === 0 && <p class="note">{words("pins.none")}</p>}
    </>
  );
}
