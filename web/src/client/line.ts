/** The core's way to the server: a WebSocket, and a clock. */

import type { Event } from "../core/events.ts";
import type { ClientCore } from "../core/machine.ts";
import { words } from "../text/text.ts";

/** A timer that comes so much too late has slept, and so has the connection perhaps. */
const SLEPT_MS = 5_000;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Seconds of a steady clock. */
export function nowS(): number {
  return performance.now() / 1000;
}

export class Line {
  /** When the server was last heard, in milliseconds since 1970; 0 for never. */
  heardAtMs = 0;
  readonly #core: ClientCore;
  readonly #url: string;
  /** What is told of what happens; whoever takes the line over says to whom. */
  hear: (events: readonly Event[]) => void;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(core: ClientCore, url: string, hear: (events: readonly Event[]) => void) {
    this.#core = core;
    this.#url = url;
    this.hear = hear;
  }

  /** After anything that the core was told: sends, hands on what happened, and sets the clock. */
  turn(): void {
    if (this.#isStopped) return;
    this.#core.tick(nowS());
    const events: Event[] = [];
    // To open or close a connection may lead to more of both.
    for (let isDone = false; !isDone;) {
      for (const message of this.#core.takeOutgoing()) this.#socket?.send(message);
      const effects = this.#core.takeEffects();
      isDone = effects.length === 0;
      for (const effect of effects) {
        if (effect.kind === "open_connection") this.#open();
        else if (effect.kind === "close_connection") this.#close(effect.reason);
        else events.push(effect);
      }
    }
    this.#setClock();
    if (events.length) this.hear(events);
  }

  /** The page may have slept, or the network may be another one. */
  wake(): void {
    this.#core.wake(nowS());
    this.turn();
  }

  /** For good, and without a word. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  #open(): void {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#core.connected(nowS());
      this.turn();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.heardAtMs = Date.now();
      // The server says nothing in texts; if it does, the core says what is wrong with it.
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array([0xc1]);
      this.#core.received(bytes, nowS());
      this.turn();
    };
    socket.onclose = () => {
      this.#drop();
      this.#core.disconnected(nowS(), Math.random(), words("chat.unreachable"));
      this.turn();
    };
  }

  /** A dead server never answers a goodbye, so nothing waits for it. */
  #close(reason: string): void {
    if (!this.#socket) return;
    this.#drop();
    this.#core.disconnected(nowS(), Math.random(), reason);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #setClock(): void {
    clearTimeout(this.#timer);
    const at = this.#core.nextCallAt();
    if (at === undefined || at === Infinity) return;
    const waitMs = Math.min(Math.max(0, at - nowS()) * 1000, TIMER_MS_MAX);
    const dueMs = Date.now() + waitMs;
    this.#timer = setTimeout(() => {
      if (Date.now() > dueMs + SLEPT_MS) this.#core.wake(nowS());
      this.turn();
    }, Math.ceil(waitMs));
  }
}
