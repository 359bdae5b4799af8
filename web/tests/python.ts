/** What the tests of the Python half have written, read here. */

import { readFileSync } from "node:fs";

/** `path` is from the top of the repository; tests run in web/. */
export function repositoryFile(path: string): string {
  return readFileSync(`../${path}`, "utf8");
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9 };

/** What `repr` writes of bytes. */
export function bytesOf(literal: string): Uint8Array {
  const bytes: number[] = [];
  const inner = literal.slice(2, -1);
  for (let at = 0; at < inner.length; at += 1) {
    if (inner[at] !== "\\") {
      bytes.push(inner.charCodeAt(at));
      continue;
    }
    at += 1;
    const escape = inner[at] ?? "";
    if (escape === "x") {
      bytes.push(parseInt(inner.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(ESCAPES[escape] ?? escape.charCodeAt(0));
    }
  }
  return Uint8Array.from(bytes);
}

/** Every example of `tests/protocol/wire.txt`, by name. */
export function wireExamples(): ReadonlyMap<string, Uint8Array> {
  const lines = repositoryFile("tests/protocol/wire.txt").trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const space = line.indexOf(" ");
      return [line.slice(0, space), bytesOf(line.slice(space + 1))];
    }),
  );
}
