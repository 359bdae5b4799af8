/**
 * Every sentence and label of the client, by its name in `en.json`; numbers, days and times as people
 * write them. Another language is another file beside it.
 */

import en from "./en.json" with { type: "json" };

/** The name of a sentence; those with a `count` have a form for each number. */
export type Phrase = keyof typeof en;
export type Values = Readonly<Record<string, string | number>>;
type Forms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>;

/** English as it is spoken where the reader lives: that decides how days and times are written. */
const LANGUAGE = preferred(globalThis.navigator?.languages ?? []);
const PLURALS = new Intl.PluralRules(LANGUAGE);
const NUMBERS = new Intl.NumberFormat(LANGUAGE);
const BRACES = /\{(\w+)\}/g;

function preferred(languages: readonly string[]): string {
  return languages.find((language) => /^en(-|$)/.test(language)) ?? "en-GB";
}

/** Makes the function that says a sentence with its values in place: numbers are grouped, and `count`
 * chooses the form. */
export function wordsOf<P extends string>(phrases: Readonly<Record<P, string | Forms>>) {
  return (phrase: P, values: Values = {}): string => {
    const found = phrases[phrase];
    const pattern = typeof found === "string" ? found : formOf(found, Number(values["count"] ?? 0));
    return pattern.replace(BRACES, (_, name: string) => shown(values[name]));
  };
}

/** Says the sentences of the first room; those of what is loaded later are in more.ts. */
export const words = wordsOf<Phrase>(en);

function formOf(forms: Forms, count: number): string {
  return forms[PLURALS.select(count)] ?? forms.other ?? "";
}

function shown(value: string | number | undefined): string {
  return typeof value === "number" ? NUMBERS.format(value) : (value ?? "");
}

export function number(value: number): string {
  return NUMBERS.format(value);
}

// --- Days and times ------------------------------------------------------------------------------

const CLOCK = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(LANGUAGE, { weekday: "long", day: "numeric", month: "long" });
const DATE = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "long" });
const MOMENT = new Intl.DateTimeFormat(LANGUAGE, {
  day: "2-digit",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const EXACTLY = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "full", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });
const DAY_MS = 86_400_000;
/** The furthest that a `Date` goes from 1970; a server may say anything. */
const TIME_MS_MAX = 8.64e15;

function written(format: Intl.DateTimeFormat, atMs: number): string {
  return Math.abs(atMs) <= TIME_MS_MAX ? format.format(atMs) : "–";
}

/** `14:05`. */
export function clock(atMs: number): string {
  return written(CLOCK, atMs);
}

/** `3 Jun, 14:05`: the year, too, would seldom say anything. */
export function moment(atMs: number): string {
  return written(MOMENT, atMs);
}

/** Day and time in full, for a title or a screen reader. */
export function exactly(atMs: number): string {
  return written(EXACTLY, atMs);
}

/** As it stands above the messages of a day: today, yesterday, the weekday, or the date. */
export function day(atMs: number, nowMs: number): string {
  if (Math.abs(atMs) > TIME_MS_MAX) return "–";
  const days = Math.round((midnight(nowMs) - midnight(atMs)) / DAY_MS);
  if (days === 0 || days === 1) return capital(RELATIVE.format(-days, "day"));
  const thisYear = new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
  return (thisYear ? DAY : DATE).format(atMs);
}

/** `5 min`, `3 h 20 min`, `2 d 4 h`. */
export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return words("time.minutes", { minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return words("time.hours", { hours, minutes: String(minutes % 60).padStart(2, "0") });
  }
  return words("time.days", { days: Math.floor(hours / 24), hours: hours % 24 });
}

function midnight(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
