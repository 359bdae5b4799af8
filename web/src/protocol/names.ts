/** What a text may hold, and the one spelling of a name, as near to the server's as is needed here. */

// C0 and C1 controls but newline and tab, and all that reorders what stands beside it.
const UNSAFE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const INVISIBLE =
  /^[\s\p{M}\p{Cc}\p{Cf}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufff0-\ufffb]*$/u;
const NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]*$/u;

/** `text` without what could reorder what stands beside it; newline and tab stay. */
export function safeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(UNSAFE, "");
}

/** `text` safe to show on one line. */
export function printable(text: string): string {
  return safeText(text).replace(/[\n\t]/g, " ");
}

/** The first character of `text` that `safeText` takes out; undefined if there is none. */
export function strayIn(text: string): string | undefined {
  return text.replaceAll("\r\n", "\n").match(UNSAFE)?.[0];
}

/** Whether there is anything to see: more than blanks, marks on nothing, and what is ignored. */
export function isVisible(text: string): boolean {
  return !INVISIBLE.test(text);
}

/**
 * The one spelling of a name, or undefined if it is none. The server has the last word: what is
 * mapped here and not there is no name there.
 */
export function canonicalName(name: string): string | undefined {
  const canonical = name.normalize("NFKC").toLowerCase().normalize("NFC");
  return NAME.test(canonical) && canonical !== "zchat" ? canonical : undefined;
}
