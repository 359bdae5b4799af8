import assert from "node:assert/strict";
import { test } from "node:test";

import { anchorOf, correctionPx, firstWhere, type Extent } from "../src/view/timeline/anchor.ts";

const VIEW_PX = 500;

interface Laid {
  readonly key: string;
  readonly heightPx: number;
}

/** Where the rows stand if the list is scrolled so far. */
function extents(rows: readonly Laid[], scrollPx: number): Extent[] {
  let topPx = -scrollPx;
  return rows.map(({ key, heightPx }) => {
    const extent = { key, topPx, bottomPx: topPx + heightPx };
    topPx += heightPx;
    return extent;
  });
}

const sum = (rows: readonly Laid[]) => rows.reduce((px, row) => px + row.heightPx, 0);

test("the end is followed only by who is at it, and if it is the end of all", () => {
  const rows = extents([{ key: "a", heightPx: 600 }], 100);
  assert.equal(anchorOf(rows, VIEW_PX, 0, true), "end");
  assert.equal(anchorOf(rows, VIEW_PX, 3, true), "end");
  assert.notEqual(anchorOf(rows, VIEW_PX, 5, true), "end");
  assert.notEqual(anchorOf(rows, VIEW_PX, 0, false), "end");
});

test("at the end, it scrolls by whatever has come", () => {
  assert.equal(
    correctionPx("end", 321, () => undefined),
    321,
  );
});

test("whatever changes around it, the first whole row that stays is where it was", () => {
  let state = 5;
  const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  let made = 0;
  const make = (): Laid => ({ key: `k${(made += 1)}`, heightPx: 20 + random(200) });
  for (let round = 0; round < 500; round += 1) {
    const before = Array.from({ length: 30 }, make);
    const scrollPx = random(sum(before) - VIEW_PX - 10);
    const seen = extents(before, scrollPx);
    const anchor = anchorOf(seen, VIEW_PX, sum(before) - VIEW_PX - scrollPx, true);
    assert.notEqual(anchor, "end");
    const gone = random(30);
    const after = [
      ...Array.from({ length: random(9) }, make),
      ...before
        .filter((_, at) => at !== gone)
        .map((row) => (random(6) === 0 ? { ...row, heightPx: 20 + random(200) } : row)),
      ...Array.from({ length: random(9) }, make),
    ];
    const now = new Map(extents(after, scrollPx).map((extent) => [extent.key, extent.topPx]));
    const byPx = correctionPx(anchor, 0, (key) => now.get(key));
    const held = seen.find(({ key, topPx }) => topPx >= 0 && topPx < VIEW_PX && now.has(key));
    if (held === undefined) continue;
    assert.equal((now.get(held.key) ?? NaN) - (byPx ?? NaN), held.topPx);
  }
});

test("if nothing of it is left, nothing is moved", () => {
  const anchor = anchorOf(extents([{ key: "a", heightPx: 900 }], 0), VIEW_PX, 400, true);
  assert.equal(
    correctionPx(anchor, 9, () => undefined),
    undefined,
  );
});

test("the first that holds is found", () => {
  for (let count = 0; count < 20; count += 1) {
    for (let first = 0; first <= count; first += 1) {
      assert.equal(
        firstWhere(count, (index) => index >= first),
        first,
      );
    }
  }
});
