/** The sentences of what is loaded later, and those of the first room beside them. */

import en from "./en.json" with { type: "json" };
import more from "./en_more.json" with { type: "json" };
import { wordsOf } from "./text.ts";

export type Phrase = keyof typeof en | keyof typeof more;

/** As `words` of text.ts, which knows only what the first room says. */
export const words = wordsOf<Phrase>({ ...en, ...more });
