/** What a server would answer to queries, so that dialogs and panels have something to show. */

import type { Answer, Draft, Entry } from "../src/protocol/messages.ts";
import { PEOPLE } from "./world.ts";

const ROOMS = ["garden", "release", "attic", "tea", "kitchen", "books", "cycling", "night-shift"];
const TOPICS = ["roses, and what eats them", "3.2 is nearly there", "", "the good kind"];

/** Undefined where the fake has its own. */
export function answerTo(draft: Draft, nowMs: number): Answer | undefined {
  const id = 1;
  switch (draft.kind) {
    case "list_rooms":
      return {
        kind: "room_list",
        id,
        total: ROOMS.length,
        rooms: ROOMS.filter((room) => !draft.room || room === draft.room).map((room, at) => ({
          kind: "room_info",
          room,
          topic: TOPICS[at % TOPICS.length] ?? "",
          members: 3 + at * 7,
          joined: at < 3,
          unread: at % 3 ? 0 : 4,
          invited: at === 5,
          private: at === 4,
          keyed: at === 6,
          posting: at === 1 ? "moderators" : "members",
          slow_mode_s: at === 1 ? 10 : 0,
          members_max: at === 2 ? 50 : 0,
          mentions: at === 0 ? 1 : 0,
          notify: at === 0 ? "all" : "",
          conversation: false,
        })),
      };
    case "list_users":
      return {
        kind: "user_list",
        id,
        total: PEOPLE.length + 12,
        users: PEOPLE.map((name, at) => ({
          kind: "user_info",
          name,
          guest: at % 4 === 1,
          since_ms: nowMs - at * 3_600_000,
          idle_ms: at * 400_000,
          away: at === 3 ? "lunch" : at === 6 ? "" : null,
        })),
      };
    case "list_devices":
      return {
        kind: "device_list",
        id,
        totp: true,
        recovery_codes: 7,
        devices: ["zchat on a laptop", "browser on Linux", "weather"].map((name, at) => ({
          kind: "device_info",
          device: at + 1,
          name,
          created_ms: nowMs - at * 86_400_000 * 20,
          seen_ms: nowMs - at * 7_200_000,
          online: at === 0,
          scopes: at === 2 ? ["read", "post"] : [],
          rooms: at === 2 ? ["garden", "tea"] : [],
        })),
      };
    case "list_blocked":
      return { kind: "blocked_list", id, users: ["mallory"] };
    case "list_bans":
      return {
        kind: "ban_list",
        id,
        room: draft.room,
        bans: [
          { kind: "ban_info", user: "mallory", reason: "noise", by: "ann", until_ms: null },
          {
            kind: "ban_info",
            user: "trudy",
            reason: "",
            by: "bob",
            until_ms: nowMs + 7_200_000,
          },
        ],
      };
    case "list_pins":
      return { kind: "pin_list", id, room: draft.room, pins: entries(4, nowMs) };
    case "search_messages":
      return {
        kind: "search_results",
        id,
        entries: entries(14, nowMs),
        more: draft.before_ms == null,
        complete: false,
      };
    case "read_history":
      return { kind: "history", id, log: draft.log, entries: entries(6, nowMs), more: false };
    case "read_edits":
      return {
        kind: "edit_list",
        id,
        edits: [
          { kind: "edit_info", at_ms: nowMs - 600_000, text: "meet at six" },
          { kind: "edit_info", at_ms: nowMs - 300_000, text: "meet at seven\nand bring cake" },
        ],
      };
    case "start_conversation":
      return { kind: "done", id, log: "#garden", sequence: 1, again: false };
    default:
      return undefined;
  }
}

const SAID = [
  "the roses are out at last, and so are the aphids",
  "I have pruned the roses by the gate",
  "whoever waters the roses: not in the sun, please — they burn, and then we have the talk again",
];

function entries(count: number, nowMs: number): Entry[] {
  return Array.from({ length: count }, (_, at) => ({
    kind: "entry",
    log: at % 4 === 3 ? "#release" : "#garden",
    sequence: 9_000 - at * 37,
    at_ms: nowMs - at * 5_400_000,
    author: PEOPLE[at % PEOPLE.length] ?? "bob",
    body: {
      kind: "message_posted",
      text: SAID[at % SAID.length] ?? "",
      reply_to: 0,
      bot: false,
    },
    edited: 0,
    reactions: new Map(),
  }));
}
