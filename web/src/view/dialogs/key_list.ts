/** All keys, for people: what does them is in keys.ts, in the timeline, the composer and the members. */

import type { Phrase } from "../../text/more.ts";

export const PLACES = ["everywhere", "messages", "members", "writing"] as const;

export interface Binding {
  readonly where: (typeof PLACES)[number];
  readonly keys: readonly string[];
  readonly does: Phrase;
}

/** As the list of keys shows them. */
export const KEYS: readonly Binding[] = [
  { where: "everywhere", keys: ["Ctrl-K"], does: "key.go_to" },
  { where: "everywhere", keys: ["Ctrl-Shift-K"], does: "key.palette" },
  { where: "everywhere", keys: ["Ctrl-Shift-F"], does: "key.search" },
  { where: "everywhere", keys: ["Alt-A"], does: "key.next_unread" },
  { where: "everywhere", keys: ["Alt-U"], does: "key.first_unread" },
  { where: "everywhere", keys: ["Alt-↓", "Alt-↑"], does: "key.neighbours" },
  { where: "everywhere", keys: ["Alt-1…9"], does: "key.place" },
  { where: "everywhere", keys: ["F2"], does: "key.members" },
  { where: "everywhere", keys: ["F8"], does: "key.pins" },
  { where: "everywhere", keys: ["F4"], does: "key.quiet" },
  { where: "everywhere", keys: ["F9"], does: "key.theme" },
  { where: "everywhere", keys: ["Alt-D"], does: "key.date" },
  { where: "everywhere", keys: ["F1", "?"], does: "key.keys" },
  { where: "messages", keys: ["j", "↓"], does: "key.message_below" },
  { where: "messages", keys: ["k", "↑"], does: "key.message_above" },
  { where: "messages", keys: ["g", "G"], does: "key.ends" },
  { where: "messages", keys: ["Ctrl-D", "Ctrl-U"], does: "key.half_page" },
  { where: "messages", keys: ["Enter"], does: "key.unfold" },
  { where: "messages", keys: ["r"], does: "key.reply" },
  { where: "messages", keys: ["e"], does: "key.edit" },
  { where: "messages", keys: ["d"], does: "key.delete" },
  { where: "messages", keys: ["+", "a"], does: "key.react" },
  { where: "messages", keys: ["p"], does: "key.pin" },
  { where: "messages", keys: ["v"], does: "key.before" },
  { where: "messages", keys: ["y"], does: "key.copy" },
  { where: "messages", keys: ["u"], does: "key.mark_unread" },
  { where: "messages", keys: ["o"], does: "key.open_link" },
  { where: "messages", keys: ["!"], does: "key.report" },
  { where: "messages", keys: ["/"], does: "key.search" },
  { where: "messages", keys: ["Esc", "i"], does: "key.write" },
  { where: "members", keys: ["j", "k"], does: "key.members_move" },
  { where: "members", keys: ["Enter"], does: "key.talk" },
  { where: "members", keys: ["m"], does: "key.mention" },
  { where: "members", keys: ["i"], does: "key.person" },
  { where: "members", keys: ["x"], does: "key.kick" },
  { where: "members", keys: ["b"], does: "key.ban" },
  { where: "members", keys: ["+"], does: "key.promote" },
  { where: "members", keys: ["Esc"], does: "key.write" },
  { where: "writing", keys: ["Enter"], does: "key.send" },
  { where: "writing", keys: ["Shift-Enter", "Ctrl-J"], does: "key.new_line" },
  { where: "writing", keys: ["Tab", "↓"], does: "key.complete" },
  { where: "writing", keys: ["↑"], does: "key.line_above" },
  { where: "writing", keys: ["Esc"], does: "key.escape" },
];
