import type { ReadonlySignal } from "@preact/signals";
import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { printable } from "../../protocol/names.ts";
import { words } from "../../text/text.ts";
import { plain } from "../markup.ts";
import type { Screen } from "../screen.ts";

/** Of more that come at once, only their number is said. */
const SPOKEN_MAX = 3;

/** Tells the chat what the person has read, and a screen reader what others newly say here. */
export function useReading(screen: Screen, atEnd: ReadonlySignal<boolean>): void {
  const { chat } = screen;

  useEffect(() => {
    const look = () => readIfSeen(screen, atEnd.peek());
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  useSignalEffect(() => {
    void chat.timeline.value;
    readIfSeen(screen, atEnd.value);
  });

  useEffect(() => {
    /** All up to here is history, or was said aloud; undefined while that is being loaded. */
    let known: { key: string; sequence: number } | undefined;
    return chat.timeline.subscribe((timeline) => {
      const newest = timeline.items.reduce((max, item) => Math.max(max, item.sequence), 0);
      if (known?.key !== timeline.key || timeline.moreAfter) {
        const sequence = newest + timeline.newer;
        known = timeline.loading ? undefined : { key: timeline.key, sequence };
        return;
      }
      const { sequence } = known;
      if (newest <= sequence) return;
      known = { key: timeline.key, sequence: newest };
      const said = timeline.items.filter(
        (item) => item.type === "said" && item.sequence > sequence && !item.mine && item.text,
      );
      if (said.length > SPOKEN_MAX) {
        screen.speak(words("timeline.spoken_many", { count: said.length }));
        return;
      }
      for (const item of said) {
        const who = printable(item.author);
        screen.speak(words("timeline.spoken", { who, text: plain(item.text, item.text.length) }));
      }
    });
  }, []);
}

/** Read is what is before the eyes of somebody who is here. */
function readIfSeen(screen: Screen, atEnd: boolean): void {
  if (!atEnd || !document.hasFocus() || document.visibilityState !== "visible") return;
  if (screen.narrow.peek() && screen.list.peek()) return;
  const { loading, moreAfter } = screen.chat.timeline.peek();
  if (!loading && !moreAfter) screen.chat.read();
}
