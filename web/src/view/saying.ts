/** What the last line says, in words. */

import type { Connection } from "../model/shapes.ts";
import { printable } from "../protocol/names.ts";
import { clock, moment, words } from "../text/text.ts";

/** Of more people the names are not told: the line has to hold other things as well. */
const TYPING_NAMES = 3;
const REASON_CHARS = 80;
const DAY_MS = 86_400_000;

export function connectionWords(connection: Connection, nowMs: number): string {
  switch (connection.state) {
    case "connecting":
      return words("status.connecting");
    case "online": {
      if (connection.slowedMs > 0) {
        return words("status.slowed", { seconds: Math.ceil(connection.slowedMs / 1_000) });
      }
      const { latencyMs } = connection;
      const online = words("status.online");
      if (latencyMs === undefined) return online;
      return `${online} ${words("status.latency", { ms: Math.round(latencyMs) })}`;
    }
    case "offline": {
      const reason = printable(connection.reason).slice(0, REASON_CHARS);
      const told = reason ? words("status.offline", { reason }) : words("status.offline_plain");
      const parts = [told];
      // How fresh is what one sees.
      if (connection.sinceMs > 0) {
        parts.push(words("status.since", { when: whenHeard(connection.sinceMs, nowMs) }));
      }
      const seconds = Math.ceil((connection.retryAtMs - nowMs) / 1_000);
      if (seconds > 0) parts.push(words("status.retry", { seconds }));
      return parts.join(" · ");
    }
    case "ended":
      return words("status.ended", { reason: printable(connection.reason) });
  }
}

function whenHeard(atMs: number, nowMs: number): string {
  return nowMs - atMs < DAY_MS ? clock(atMs) : moment(atMs);
}

/** Who types, as `ann, bob and carl are typing…`; empty for nobody. */
export function typingWords(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length > TYPING_NAMES) return words("status.typing_several");
  const who = new Intl.ListFormat("en", { type: "conjunction" }).format(names);
  return words(names.length === 1 ? "status.typing_one" : "status.typing_many", { who });
}
