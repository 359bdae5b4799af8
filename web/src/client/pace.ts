/** When to draw: at once what happens alone, and less often where much does. */

/** So many times as long as a drawing took passes before the next: a third of all time is theirs. */
const REST_PER_DRAWING = 2;
/** Whoever does something meanwhile does not wait longer than this. */
const REST_MAX_MS = 100;

export interface Clock {
  nowMs(): number;
  /** Calls after this turn. */
  afterTurn(then: () => void): void;
  after(ms: number, then: () => void): void;
}

/** Returns what says that there is something to draw; what is said in one turn is drawn together, at its end. */
export function paced(draw: () => void, clock: Clock = clockOfPage()): () => void {
  let isWanted = false;
  let isDue = false;
  let restsUntilMs = 0;

  function drawNow(): void {
    isDue = false;
    if (!isWanted) return;
    isWanted = false;
    restsUntilMs = Infinity;
    const begunMs = clock.nowMs();
    draw();
    // The views draw themselves later in this turn.
    clock.afterTurn(() => {
      const nowMs = clock.nowMs();
      const restMs = Math.min(REST_MAX_MS, REST_PER_DRAWING * (nowMs - begunMs));
      restsUntilMs = nowMs + restMs;
      clock.after(restMs, drawNow);
    });
  }

  return () => {
    isWanted = true;
    // The browser lets timers of a hidden page wait; what comes after the rest does not.
    if (isDue || clock.nowMs() < restsUntilMs) return;
    isDue = true;
    queueMicrotask(drawNow);
  };
}

function clockOfPage(): Clock {
  const { port1, port2 } = new MessageChannel();
  return {
    nowMs: () => performance.now(),
    // A timer would wait in a hidden page.
    afterTurn(then) {
      port1.onmessage = then;
      port2.postMessage(undefined);
    },
    after: (ms, then) => void setTimeout(then, ms),
  };
}
