/**
 * The tabs of one user in one browser. One of them leads: it holds the socket, and sends what all of
 * them say. A second connection with the same cookie would end the first, and commands must go out
 * in the order of their numbers. When the leading tab ends, however it ends, the next one leads.
 */

import type { News } from "../model/news.ts";
import type { Connection, Key } from "../model/shapes.ts";
import type { Unread } from "../model/unread.ts";
import type { Spoken } from "../model/waiting.ts";
import type { Draft } from "../protocol/messages.ts";

/** A request that is not written down before it is sent, with its nonce if it has one. */
export type Asked = Draft & { readonly nonce?: Uint8Array };

export type Word =
  // To the leading tab.
  | { readonly type: "ask"; readonly tab: string; readonly call: number; readonly asked: Asked }
  /** The outbox has news. */
  | { readonly type: "written" }
  | { readonly type: "wake" }
  /** A new tab, which wants to be told how the connection is. */
  | { readonly type: "hello" }
  | { readonly type: "log_out" }
  // From the leading tab.
  | { readonly type: "led" }
  | { readonly type: "news"; readonly news: readonly News[] }
  | { readonly type: "connection"; readonly connection: Connection; readonly unconfirmed: number }
  | { readonly type: "notice"; readonly text: string; readonly bad: boolean }
  // From any of them to all others.
  | { readonly type: "spoken"; readonly spoken: Spoken }
  | { readonly type: "dropped"; readonly number: number }
  | {
      readonly type: "marked";
      readonly key: Key;
      readonly sequence: number;
      readonly back: boolean;
      readonly unread: Unread;
    }
  | { readonly type: "draft"; readonly key: Key; readonly text: string }
  | { readonly type: "chosen"; readonly name: string; readonly value: unknown }
  /** Somebody has logged out, or in anew: what the tabs know is void. */
  | { readonly type: "gone" };

export class Tabs {
  /** Of this tab. */
  readonly id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  readonly #name: string;
  readonly #channel: BroadcastChannel | undefined;
  #end: (() => void) | undefined;
  #isClosed = false;

  /** Tabs of one name hear each other, unless they are `alone`: then each leads itself. */
  constructor(name: string, alone: boolean, hear: (word: Word) => void) {
    this.#name = name;
    if (alone || !("locks" in navigator)) return;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => hear(data);
  }

  /** To all others. */
  say(word: Word): void {
    if (!this.#isClosed) this.#channel?.postMessage(word);
  }

  /** Calls `lead` once this tab is the one, and `deposed` if another one has taken its place. */
  stand(lead: () => void, deposed: () => void): void {
    if (!this.#channel) {
      lead();
      return;
    }
    void this.#hold({}, lead, deposed);
  }

  /** Takes the place of a leading tab that does not answer. */
  depose(lead: () => void, deposed: () => void): void {
    if (this.#channel) void this.#hold({ steal: true }, lead, deposed);
  }

  /** Leads no more, and comes after the others who want to. */
  stepDown(): void {
    this.#end?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#end?.();
    this.#channel?.close();
  }

  async #hold(options: LockOptions, lead: () => void, deposed: () => void): Promise<void> {
    try {
      await navigator.locks.request(this.#name, options, async () => {
        if (this.#isClosed) return;
        const ended = new Promise<void>((end) => (this.#end = end));
        lead();
        await ended;
      });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
      if (!this.#isClosed) deposed();
    }
    if (!this.#isClosed) void this.#hold({}, lead, deposed);
  }
}
