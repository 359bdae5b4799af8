/** What is written and not sent, of each conversation: kept soon after each change. */

import type { Key } from "../model/shapes.ts";
import { forgetWords, leaveWords, takeWords } from "../storage/last_words.ts";
import type { Store } from "../storage/store.ts";

const WAIT_MS = 250;

export class Drafts {
  readonly #whose: string;
  readonly #store: Store;
  readonly #kept: (key: Key, text: string) => void;
  readonly #texts: Map<Key, string>;
  readonly #unkept = new Set<Key>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `kept` is called with what was kept, for the other tabs. */
  constructor(
    whose: string,
    store: Store,
    texts: ReadonlyMap<Key, string>,
    kept: (key: Key, text: string) => void,
  ) {
    this.#whose = whose;
    this.#store = store;
    this.#kept = kept;
    this.#texts = new Map(texts);
    for (const [key, text] of takeWords(whose)) this.put(key, text);
  }

  of(key: Key): string {
    return this.#texts.get(key) ?? "";
  }

  /** Returns whether the conversation has a draft now and had none, or the other way round. */
  put(key: Key, text: string): boolean {
    const former = this.of(key);
    if (text === former) return false;
    this.#texts.set(key, text);
    this.#unkept.add(key);
    this.#timer ??= setTimeout(() => this.flush(), WAIT_MS);
    return (text === "") !== (former === "");
  }

  /** Another tab has kept it. */
  hear(key: Key, text: string): void {
    if (!this.#unkept.has(key)) this.#texts.set(key, text);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const key of this.#unkept) {
      const text = this.of(key);
      // What cannot be kept is said once, of the messages.
      this.#store.keepDraft(key, text).catch(() => undefined);
      this.#kept(key, text);
    }
    this.#unkept.clear();
  }

  /** Nothing is left of them, but for what the store has. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#unkept.clear();
    forgetWords(this.#whose);
  }

  /** The page goes. */
  leave(): void {
    const unkept = [...this.#unkept].map((key) => [key, this.of(key)] as const);
    if (unkept.length) leaveWords(this.#whose, new Map(unkept));
    this.flush();
  }
}
