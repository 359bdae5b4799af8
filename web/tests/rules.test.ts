/**
 * The rules of texts, names and messages say of each case what those of the services say.
 * `pytest tests/client/test_browser_core.py` writes the cases down and runs this.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { mentionsIn } from "../src/protocol/mentions.ts";
import { foldedEntry } from "../src/protocol/message_fold.ts";
import type { Entry } from "../src/protocol/messages.ts";
import { canonicalName, isVisible, printable, safeText, strayIn } from "../src/protocol/names.ts";

interface Cases {
  readonly texts: readonly {
    readonly text: string;
    readonly safe: string;
    readonly printable: string;
    readonly stray: string;
    readonly isVisible: boolean;
    readonly mentions: readonly (readonly [called: string, name: string])[];
  }[];
  readonly names: readonly (readonly [name: string, spelling: string | null])[];
  readonly folds: readonly {
    readonly message: WrittenEntry;
    readonly changes: readonly WrittenEntry[];
    readonly became: readonly WrittenEntry[];
  }[];
}

type Pairs = readonly (readonly [emoji: string, names: readonly string[]])[];
type WrittenEntry = Omit<Entry, "reactions"> & { readonly reactions: Pairs };

function read(entry: WrittenEntry): Entry {
  return { ...entry, reactions: new Map(entry.reactions) };
}

function written(entry: Entry): WrittenEntry {
  return { ...entry, reactions: [...entry.reactions] };
}

const path = process.env["ZCHAT_RULE_CASES"];
const skip = path === undefined && "pytest tests/client/test_browser_core.py writes the cases";
const cases = path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Cases);

test("what a text may hold, and whom it calls", { skip }, () => {
  for (const { text, ...others } of cases?.texts ?? []) {
    const said = {
      safe: safeText(text),
      printable: printable(text),
      stray: strayIn(text) ?? "",
      isVisible: isVisible(text),
      mentions: mentionsIn(text).map(({ begin, end, name }) => [text.slice(begin, end), name]),
    };
    assert.deepEqual(said, others, JSON.stringify(text));
  }
});

test("the one spelling of a name", { skip }, () => {
  const said = (cases?.names ?? []).map(([name]) => [name, canonicalName(name) ?? null]);
  assert.deepEqual(said, cases?.names);
});

test("what becomes of a message", { skip }, () => {
  for (const { message, changes, became } of cases?.folds ?? []) {
    let entry = read(message);
    changes.forEach((change, number) => {
      entry = foldedEntry(entry, read(change));
      assert.deepEqual(written(entry), became[number]);
    });
  }
});
