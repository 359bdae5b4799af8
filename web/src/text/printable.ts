/** What a text may hold to be shown: ported from zchat/protocol/rules/names.py. */

// C0 and C1 controls but newline and tab, and all that reorders what stands beside it.
const UNSAFE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const SEEN = /[!-~]/;
// Blanks, what is ignored by default, controls, marks on nothing, and symbols that are blank by name.
const INVISIBLE =
  /^[\s\p{Default_Ignorable_Code_Point}\p{Cc}\p{M}\ufff9-\ufffb\u2800\u{13430}-\u{13442}\u{1d159}]*$/u;

/** Without what could reorder or hide what stands beside it; newlines and tabs stay. */
export function safeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(UNSAFE, "");
}

/** The first character that `safeText` takes out, and where it stands; undefined for none. */
export function stray(text: string): { char: string; at: number } | undefined {
  const at = text.search(UNSAFE);
  return at < 0 ? undefined : { char: text.charAt(at), at };
}

/** Safe to show on one line. */
export function printable(text: string): string {
  return safeText(text).replace(/[\n\t]/g, " ");
}

/** Whether there is anything to see: more than blanks, marks on nothing, and what is ignored. */
export function isVisible(text: string): boolean {
  return SEEN.test(text) || !INVISIBLE.test(text);
}
