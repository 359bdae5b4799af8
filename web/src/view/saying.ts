/** What the last line says, in words. */

import type { Connection } from "../model/shapes.ts";
import { printable } from "../protocol/names.ts";
import { words } from "../text/text.ts";

/** Of more people the names are not told: the line has to hold other things as well. */
const TYPING_NAMES = 3;
const REASON_CHARS = 80;

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
      const seconds = Math.ceil((connection.retryAtMs - nowMs) / 1_000);
      return seconds > 0 ? `${told} · ${words("status.retry", { seconds })}` : told;
    }
    case "ended":
      return words("status.ended", { reason: printable(connection.reason) });
  }
}

/** Who types, as `ann, bob and carl are typing…`; empty for nobody. */
export function typingWords(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length > TYPING_NAMES) return words("status.typing_several");
  const who = new Intl.ListFormat("en", { type: "conjunction" }).format(names);
  return words(names.length === 1 ? "status.typing_one" : "status.typing_many", { who });
}
