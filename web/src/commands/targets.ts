/** Whom an operator means: an address or a block of them, a name, or a pattern of names. Only what is
 * plainly none is found here; the server looks closer. See zchat/protocol/rules/targets.py. */

import { canonicalName } from "../protocol/names.ts";

const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)(\/\d{1,3})?$/i;
const WILD = /[*?]/;
const LIKE_AN_ADDRESS = /^[0-9.*?]*[0-9]\.[0-9.*?]*$/;
const PATTERN = /^[\p{L}\p{N}_.*?-]+$/u;

export type NoTarget =
  { readonly trouble: "address" | "pattern" } | { readonly trouble: "name"; readonly name: string };

/** Its one spelling, or what is wrong. */
export function canonicalTarget(text: string): string | NoTarget {
  if (ADDRESS.test(text)) return text.toLowerCase();
  const word = text.replace(/^@/, "");
  if (/[/:]/.test(text) || (word === text && LIKE_AN_ADDRESS.test(word))) {
    return { trouble: "address" };
  }
  const at = LIKE_AN_ADDRESS.test(word) ? "@" : "";
  if (!WILD.test(word)) {
    const name = canonicalName(word);
    return name === undefined ? { trouble: "name", name: word } : at + name;
  }
  const pattern = word.normalize("NFKC").toLowerCase().replace(/\*+/g, "*");
  return PATTERN.test(pattern) ? at + pattern : { trouble: "pattern" };
}
