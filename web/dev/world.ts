/** What people say who are not there: the same each time, so that pictures can be compared. */

import type { Entry } from "../src/protocol/messages.ts";
import type { Conversation, Happened, Item, Key, Kind, Said } from "../src/model/shapes.ts";

export interface World {
  readonly opened: Key;
  readonly rooms: number;
  /** In the open conversation. */
  readonly messages: number;
  readonly delayMs: number;
  /** The last thing that was said is of then. */
  readonly nowMs: number;
}

export const PEOPLE = [
  "mira",
  "bob",
  "carl",
  "dora",
  "emil",
  "frieda",
  "gus",
  "hana",
  "ivo",
  "jun",
  "katrin",
  "lev",
];

const ROOMS = [
  ["garden", "what grows, and what the slugs have left"],
  ["release", "0.9 goes out on Thursday; say here what is missing"],
  ["ops", "who is on call: dora"],
  ["compilers", "parsing is the easy part"],
  ["music", ""],
  ["kitchen", "there is cake"],
  ["help", "ask, and somebody knows"],
  ["books", "this month: The Left Hand of Darkness"],
  ["bikes", ""],
  ["night-shift", "quiet, please"],
] as const;

const LINES = [
  "the build is green again",
  "I moved the timer into the loop, since it drifted by a second a day",
  "does anybody have the trace from last night?",
  "yes, in `var/trace.log`, from 02:10 on",
  "it is the *third* reconnect that takes long, not the first",
  "ok",
  "then we should look at what the second one leaves behind. My guess is a timer that nobody ends: it fires, finds the socket gone, and makes a new one beside the one that is there already",
  "see https://example.org/notes/reconnect?from=2#timers for how they did it",
  "@ann can you look at it tomorrow?",
  "sure",
  "🌹",
  "I would rather **not** add a flag for that",
  "lunch?",
  "the cursor is at 41 and the head at 44, so three are missing and it asks for three. That is right.",
  "it is in the changelog",
  "good morning",
];

const SNIPPET = `this is all of it:
\`\`\`
def advance(cursor: int, entry: Entry) -> int:
    if entry.sequence != cursor + 1:
        raise Gap(cursor, entry.sequence)
    return entry.sequence
\`\`\`
and it has been like that since March`;

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The end of the open conversation, oldest first: how long before the last word, who, what. */
const TOLD: readonly (readonly [minutes: number, author: string, text: string, more?: Told])[] = [
  [64, "mira", "the slugs have found the lettuce"],
  [63, "mira", "all of it"],
  [61, "bob", "/me fetches a lamp and a bucket"],
  [58, "carl", "copper tape. It works for me, see https://example.org/slugs"],
  [57, "dora", "and if not, ducks", { reactions: [["🦆", ["mira", "bob", "ann", "carl"]]] }],
  [41, "emil", "", { move: "joined" }],
  [40, "frieda", "", { move: "joined" }],
  [39, "gus", "", { move: "left" }],
  [36, "emil", "I wrote down when it rains, so that the *watering* can leave it out:"],
  [
    36,
    "emil",
    "```\ndef waters(forecast: Forecast, soil: float) -> bool:\n    if forecast.rain_mm > 4:\n        return False\n    return soil < 0.3\n```",
    { reactions: [["👍", ["dora", "ann"]]] },
  ],
  [31, "dora", "why 0.3?", { replies: 1 }],
  [30, "emil", "below that the roses hang their heads. `0.25` would do for all others"],
  [12, "mira", "@ann can you bring the long hose on Saturday?"],
  [11, "ann", "I can. And cake"],
  [10, "bob", "cake!", { replies: 1, reactions: [["🍰", ["mira", "carl", "dora", "emil"]]] }],
  [1, "carl", "then I bring **coffee**", { edited: true }],
];

interface Told {
  readonly reactions?: Said["reactions"];
  readonly move?: Happened["move"];
  /** So many before it are answered. */
  readonly replies?: number;
  readonly edited?: boolean;
}

export function conversationsOf(world: World): Conversation[] {
  const make = (key: Key, kind: Kind, more: Partial<Conversation> = {}): Conversation => ({
    key,
    kind,
    title: key.slice(1),
    topic: "",
    joined: true,
    notify: "all",
    unread: 0,
    mentions: 0,
    lastAtMs: world.nowMs,
    kept: false,
    hasDraft: false,
    typing: [],
    ...more,
  });
  const named = ROOMS.map(([name, topic], at) =>
    make(`#${name}`, "room", {
      topic,
      kept: at === 0,
      unread: [0, 0, 12, 0, 3, 0, 0, 0, 0, 41][at] ?? 0,
      mentions: at === 2 ? 2 : 0,
      hasDraft: at === 1,
      notify: at === 9 ? "nothing" : "all",
    }),
  );
  const [garden, ...others] = named;
  const muted = others.filter((each) => each.notify === "nothing");
  const many = Array.from({ length: Math.max(0, world.rooms - 20) }, (_, at) =>
    make(`#room-${at + 1}`, "room", { unread: at % 70 === 7 ? 3 : 0 }),
  );
  return [
    ...(garden === undefined ? [] : [garden]),
    make("#lobby", "lobby", { topic: "where everyone is" }),
    make("@mira", "private", { unread: 1, mentions: 1 }),
    ...others.filter((each) => each.notify !== "nothing").slice(0, 4),
    make("@bob", "private"),
    make("#t-7f3a", "several", { title: "bob, carl, dora" }),
    ...others.filter((each) => each.notify !== "nothing").slice(4),
    make("@emil", "private"),
    make("@zchat", "notices"),
    make("#attic", "room", { joined: false, topic: "what nobody needs any more" }),
    ...many,
    ...muted,
  ];
}

export function itemsOf(key: Key, count: number, world: World): Item[] {
  if (key === "@zchat") return [];
  const random = generator(key);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const people = key.startsWith("@") ? [key.slice(1), "ann"] : [...PEOPLE.slice(0, 7), "ann"];
  const items: Item[] = [];
  // From the last one back in time, and then turned round.
  let atMs = world.nowMs - (key === world.opened ? 10 * 3_600_000 : 0);
  let author = pick(people);
  for (let sequence = count; sequence > 0; sequence -= 1) {
    if (random() < 0.55) author = pick(people);
    atMs -= random() < 0.03 ? DAY_MS * random() : random() * 150_000;
    const about = { row: `e${sequence}`, sequence, atMs, author };
    const from = count - sequence;
    const isMove = key.startsWith("#") && random() < 0.04;
    if (isMove) {
      const move = random() < 0.5 ? ("joined" as const) : ("left" as const);
      const mover = pick(PEOPLE.slice(6));
      items.push(happened({ ...about, author: mover }, `${mover} ${move} ${key}`, move));
    } else items.push(spoken(about, from, pick(LINES), random));
  }
  items.reverse();
  const answered = items.map((item, at) => answering(item, items, at, random));
  return key === world.opened ? [...answered, ...told(count, world.nowMs)] : answered;
}

function told(after: number, nowMs: number): Item[] {
  const items: Item[] = [];
  for (const [minutes, author, text, more = {}] of TOLD) {
    const sequence = after + items.length + 1;
    const atMs = nowMs - minutes * MINUTE_MS;
    const about = { row: `e${sequence}`, sequence, atMs, author };
    if (more.move !== undefined) {
      items.push(happened(about, `${author} ${more.move} #garden`, more.move));
      continue;
    }
    const answered = more.replies === undefined ? undefined : items.at(-more.replies);
    items.push({
      ...spoken(about, NaN, text.replace("/me ", ""), () => 0.5),
      isAction: text.startsWith("/me "),
      reactions: more.reactions ?? [],
      edited: more.edited ?? false,
      replyTo: answered?.sequence ?? 0,
      repliedTo:
        answered?.type === "said" ? { author: answered.author, text: answered.text } : undefined,
    });
  }
  return items;
}

interface About {
  row: string;
  sequence: number;
  atMs: number;
  author: string;
}

function spoken(about: About, fromEnd: number, line: string, random: () => number): Said {
  const text = fromEnd === 9 || random() < 0.01 ? SNIPPET : line;
  const isAction = fromEnd === 12 || random() < 0.015;
  const reactions: [string, string[]][] = [];
  if (fromEnd === 5) reactions.push(["👍", ["mira", "bob", "ann"]], ["🌹", ["carl"]]);
  else if (random() < 0.05) reactions.push(["🎉", PEOPLE.slice(0, 1 + Math.floor(random() * 9))]);
  const deleted = fromEnd === 20 || random() < 0.01;
  return {
    type: "said",
    ...about,
    text: deleted ? "" : isAction ? "waters the roses" : text,
    isAction,
    replyTo: 0,
    repliedTo: undefined,
    edited: fromEnd === 6 || random() < 0.03,
    deletedBy: deleted ? about.author : "",
    reactions: deleted ? [] : reactions,
    mentionsMe: !deleted && text.includes("@ann"),
    mine: about.author === "ann",
    bot: false,
    delivery: "done",
    trouble: "",
  };
}

function happened(about: About, text: string, move: Happened["move"]): Happened {
  const body = { kind: move === "left" ? "member_left" : "member_joined" };
  const entry = { ...about, log: "#garden", body } as unknown as Entry;
  return { type: "happened", ...about, text, move, entry };
}

function answering(item: Item, items: readonly Item[], at: number, random: () => number): Item {
  const isAnswer = at === items.length - 4 || random() < 0.05;
  const answered = items[at - 3 - Math.floor(random() * 20)];
  if (item.type !== "said" || !isAnswer || answered?.type !== "said" || item.isAction) return item;
  const repliedTo = { author: answered.author, text: answered.text };
  return { ...item, replyTo: answered.sequence, repliedTo };
}

/** Numbers from 0 to 1, the same for the same seed. */
function generator(seed: string): () => number {
  let state = 7;
  for (const char of seed) state = (state * 31 + char.charCodeAt(0)) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
