/** What a text may hold, and the one spelling of a name, as near to the server's as is needed here. */

import { NAME_CHARS_MAX } from "./limits.ts";
import { SYSTEM_AUTHOR } from "./messages.ts";

// C0 and C1 controls but newline and tab, and all that reorders what stands beside it.
const UNSAFE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** As the server has it: JavaScript's `\s` has others. */
export const SPACE = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const INVISIBLE = new RegExp(
  `^[${SPACE}\\p{M}` +
    // Default_Ignorable_Code_Point, from Unicode's DerivedCoreProperties.txt.
    String.raw`\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f` +
    String.raw`\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}` +
    String.raw`\u{e0000}-\u{e0fff}` +
    // Controls, and what says how that which stands beside it is set.
    String.raw`\x00-\x1f\x7f-\x9f\ufff9-\ufffb\u{13430}-\u{13440}` +
    // Symbols that are blank by name: of Braille, of music, of hieroglyphs.
    String.raw`\u2800\u{1d159}\u{13441}\u{13442}]*$`,
  "u",
);

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

// --- Names --------------------------------------------------------------------------------------
// Of RFC 8265 (`UsernameCaseMapped`) what matters for names that people have: the server has the last
// word.

const NAME = /^[\p{L}\p{Nd}〇_][\p{L}\p{Nd}〇_.-]*$/u;
const WIDE_OR_NARROW = /[\uff01-\uffee]/gu;
/** Old parts of Hangul, and letters that only lengthen or repeat. */
const NEVER = /[\u0640\u07fa\u3031-\u3035\u303b\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]/u;
const RIGHT_TO_LEFT = String.raw`\u0590-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}`;
const HAS_RIGHT_TO_LEFT = new RegExp(`[${RIGHT_TO_LEFT}]`, "u");
/** The bidirectional rule of RFC 5893 for a name that has such letters: it begins with one of them, has
 * no others, and ends with a letter or digit. */
const ALL_RIGHT_TO_LEFT = new RegExp(
  `^(?=[^\\u0660-\\u0669])[${RIGHT_TO_LEFT}](?:[${RIGHT_TO_LEFT}0-9\\u06f0-\\u06f9_.-]*[${RIGHT_TO_LEFT}0-9\\u06f0-\\u06f9])?$`,
  "u",
);
const EUROPEAN_DIGIT = /[0-9\u06f0-\u06f9]/;
const ARABIC_DIGIT = /[\u0660-\u0669]/;

/** What `Alice` and `ａｌｉｃｅ` have in common is `alice`; undefined for what is no name. */
export function canonicalName(name: string): string | undefined {
  const canonical = name
    .replace(WIDE_OR_NARROW, (char) => char.normalize("NFKC"))
    .toLowerCase()
    .normalize("NFC");
  const chars = [...canonical];
  return NAME.test(canonical) &&
    chars.length <= NAME_CHARS_MAX &&
    chars.every((char) => char.normalize("NFKC") === char) &&
    !NEVER.test(canonical) &&
    isOneWay(canonical) &&
    canonical !== SYSTEM_AUTHOR
    ? canonical
    : undefined;
}

function isOneWay(name: string): boolean {
  if (!HAS_RIGHT_TO_LEFT.test(name)) return true;
  const mixesDigits = EUROPEAN_DIGIT.test(name) && ARABIC_DIGIT.test(name);
  return ALL_RIGHT_TO_LEFT.test(name) && !mixesDigits;
}
