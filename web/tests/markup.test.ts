import assert from "node:assert/strict";
import { test } from "node:test";

import {
  blocksOf,
  highlighting,
  inline,
  linksOf,
  NOBODY,
  plain,
  type Reader,
} from "../src/view/markup.ts";

const ANN: Reader = { name: "ann", highlights: undefined };

/** As `text|kind:text|…`. */
function shown(text: string, reader = ANN): string {
  return inline(text, reader)
    .map((piece) => (piece.ink === "text" ? piece.text : `${piece.ink}:${piece.text}`))
    .join("|");
}

test("signs that people use anyway are formatted", () => {
  assert.equal(shown("a *b c* d"), "a |emphasis:b c| d");
  assert.equal(shown("**b** and `x * y`"), "strong:b| and |code:x * y");
  assert.equal(shown("2 * 3 * 4, a*b*c, * no *"), "2 * 3 * 4, a*b*c, * no *");
  assert.equal(shown("*open\nline*"), "*open\nline*");
});

test("a link ends where its sentence goes on", () => {
  assert.equal(shown("(see https://e.org/a_(b))."), "(see |link:https://e.org/a_(b)|).");
  assert.equal(shown("https://e.org/?q=1, or"), "link:https://e.org/?q=1|, or");
  assert.equal(shown("HTTPS://E.ORG!"), "link:HTTPS://E.ORG|!");
});

test("only http and https are links", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "ftp://e.org/x", "//e.org"]) {
    assert.equal(shown(text), text);
  }
});

test("who is called is marked, and the reader more so", () => {
  assert.equal(
    shown("@bob and @Ann, @room!"),
    "mention:@bob| and |mentioned:@Ann|, |mentioned:@room|!",
  );
  assert.equal(shown("*to @ann*"), "emphasis:to |mentioned:@ann");
  assert.equal(
    shown("`@ann` ann@e.org https://e.org/@ann"),
    "code:@ann| ann@e.org |link:https://e.org/@ann",
  );
});

test("words of one's own are marked whole, in any case", () => {
  const reader = { name: "ann", highlights: highlighting(["tea", "c++"]) };
  assert.equal(shown("Tea, not teapot", reader), "mentioned:Tea|, not teapot");
  assert.equal(shown("in c++ or cc", reader), "in |mentioned:c++| or cc");
  assert.equal(highlighting([]), undefined);
});

test("lines between fences are code, and one that never closes is text", () => {
  const kinds = (text: string) => blocksOf(text, NOBODY).map((block) => block.type);
  assert.deepEqual(kinds("a\n```py\nx = *1*\n```\nb"), ["words", "code", "words"]);
  assert.deepEqual(blocksOf("```\na\n\n b\n```", NOBODY), [{ type: "code", text: "a\n\n b" }]);
  assert.deepEqual(kinds("```\nnever\nclosed"), ["words"]);
});

test("many fences that never close take no long time", () => {
  const started = blocksOf("```x\n".repeat(4_000), NOBODY);
  assert.equal(started.length, 1);
});

test("no text is lost or made up", () => {
  const parts = [
    "*",
    "**",
    "`",
    "```",
    "\n",
    " ",
    "@ann",
    "http://e.org/",
    "a",
    "(",
    ")",
    ".",
    "é",
  ];
  let state = 1;
  const next = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 2_000; round += 1) {
    const text = Array.from({ length: next(14) }, () => parts[next(parts.length)]).join("");
    const letters = (from: string) => from.replace(/[*`\n]/g, "");
    const drawn = blocksOf(text, ANN)
      .map((each) => (each.type === "code" ? each.text : each.pieces.map((p) => p.text).join("")))
      .join("");
    assert.equal(letters(drawn), letters(text), JSON.stringify(text));
  }
});

test("a quote is one line without signs", () => {
  assert.equal(plain("see *this*\n```\na = 1\n```\n`b`"), "see this a = 1 b");
  assert.equal(plain("x".repeat(900)).length, 300);
});

test("what would change the direction of writing is taken out", () => {
  assert.deepEqual(inline("x", NOBODY), [{ ink: "text", text: "x" }]);
  assert.deepEqual(blocksOf("a\u202eb\u0007", NOBODY), [
    { type: "words", pieces: [{ ink: "text", text: "ab" }] },
  ]);
});

test("the links of a text stand in their order, each once", () => {
  assert.deepEqual(linksOf("http://b http://a http://b `http://c`"), ["http://b", "http://a"]);
});
