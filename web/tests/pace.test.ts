import assert from "node:assert/strict";
import { test } from "node:test";

import { paced } from "../src/client/pace.ts";

/** A page in which each drawing takes so long. */
function page(drawingMs: number) {
  let nowMs = 1000;
  let afterTurn: () => void = () => assert.fail("nothing was drawn");
  const timers: { atMs: number; then: () => void }[] = [];
  const drawn: number[] = [];
  const changed = paced(
    () => {
      drawn.push(nowMs);
      nowMs += drawingMs;
    },
    {
      nowMs: () => nowMs,
      afterTurn: (then) => (afterTurn = then),
      after: (ms, then) => void timers.push({ atMs: nowMs + ms, then }),
    },
  );
  return {
    drawn,
    changed,
    turn: async () => {
      await Promise.resolve();
      afterTurn();
    },
    pass(ms: number) {
      nowMs += ms;
      for (const timer of timers.splice(0)) {
        if (timer.atMs <= nowMs) timer.then();
        else timers.push(timer);
      }
    },
  };
}

test("all of one turn is drawn once, at its end", async () => {
  const { changed, drawn, turn } = page(5);
  changed();
  changed();
  assert.deepEqual(drawn, []);
  await turn();
  assert.deepEqual(drawn, [1000]);
});

test("after a drawing twice its time is left to all else, and then the rest is drawn", async () => {
  const { changed, drawn, turn, pass } = page(5);
  changed();
  await turn();
  for (let at = 0; at < 9; at += 1) {
    changed();
    pass(1);
  }
  assert.deepEqual(drawn, [1000]);
  pass(1);
  assert.deepEqual(drawn, [1000, 1015]);
});

test("where nothing happens nothing is drawn, and what happens later is drawn at once", async () => {
  const { changed, drawn, turn, pass } = page(5);
  changed();
  await turn();
  pass(50);
  assert.deepEqual(drawn, [1000]);
  changed();
  await turn();
  assert.deepEqual(drawn, [1000, 1055]);
});

test("what happens while it draws is drawn as well", async () => {
  const { changed, drawn, turn, pass } = page(1000);
  changed();
  await Promise.resolve();
  changed();
  await turn();
  pass(99);
  assert.deepEqual(drawn, [1000]);
  pass(1);
  assert.deepEqual(drawn, [1000, 2100]);
});

test("a page whose timers are held back draws what comes after its rest", async () => {
  const { changed, drawn } = await resting();
  changed();
  await Promise.resolve();
  assert.deepEqual(drawn, [1000, 1016]);
});

/** A page that has rested, and was not called. */
async function resting() {
  let nowMs = 1000;
  let afterTurn: () => void = () => undefined;
  const drawn: number[] = [];
  const changed = paced(() => drawn.push((nowMs += 5) - 5), {
    nowMs: () => nowMs,
    afterTurn: (then) => (afterTurn = then),
    after: () => undefined,
  });
  changed();
  await Promise.resolve();
  afterTurn();
  changed();
  nowMs += 11;
  return { changed, drawn };
}
