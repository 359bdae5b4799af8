/**
 * What the first room needs not: it is a file of its own, loaded when the page has nothing else to do, or at
 * once if somebody wants it before.
 */

import { effect, signal, untracked } from "@preact/signals";
import type { VNode } from "preact";

import type * as More from "./more.tsx";
import { escaped, isCommand, isSecret, saidOf } from "../commands/said.ts";
import { words } from "../text/text.ts";
import type { Completer, Screen } from "./screen.ts";
import type { Panels } from "./shell.tsx";

const loaded = signal<typeof More | undefined>(undefined);
const troubled = signal(false);
let loading: Promise<typeof More> | undefined;

export function load(): Promise<typeof More> {
  loading ??= import("./more.tsx").then(
    (more) => {
      troubled.value = false;
      return (loaded.value = more);
    },
    (error: unknown) => {
      // Without a connection, and before the worker had it: it is tried again when it is wanted.
      loading = undefined;
      troubled.value = true;
      throw error;
    },
  );
  return loading;
}

function tryToLoad(): void {
  load().catch(() => undefined);
}

/** Gives the screen what commands and completion need, now and later. */
export function attachLater(screen: Screen): void {
  screen.commands = {
    // `:tada:` looks like the command `tada:`, and is a message.
    isCommand: (text) => isCommand(text) && !loaded.peek()?.beginsWithEmoji(text),
    unescaped: (text) => loaded.peek()?.emojied(saidOf(text)) ?? saidOf(text),
    escaped,
    isSecret,
    run: async (text, at) => {
      try {
        return await (await load()).run(screen, text, at);
      } catch (error) {
        if (loaded.peek()) throw error;
        screen.hint.value = words("later.missing");
        return false;
      }
    },
  };
  screen.completer = completerOf(screen);
}

/** Loads it when there is nothing else to do, and has it follow keys and what is told aloud from then on;
 * returns what ends that. */
export function followLater(screen: Screen): () => void {
  const ends: (() => void)[] = [];
  const begin = globalThis.requestIdleCallback ?? setTimeout;
  begin(tryToLoad);
  const stop = effect(() => {
    const more = loaded.value;
    if (more) untracked(() => ends.push(more.followKeys(screen), more.notify(screen)));
  });
  return () => {
    stop();
    for (const end of ends) end();
  };
}

/** Completes nothing until what completes is there. */
function completerOf(screen: Screen): Completer {
  let completer: Completer | undefined;
  const found = () => (completer ??= loaded.peek()?.createCompleter(screen));
  return {
    changed: (writer) => found()?.changed(writer),
    keyDown: (event, writer) => found()?.keyDown(event, writer) ?? false,
    Choices() {
      const Choices = loaded.value && found()?.Choices;
      return Choices ? <Choices /> : null;
    },
  };
}

export const PANELS: Panels = {
  members: ({ screen }) => <Later screen={screen} part="Members" />,
  pins: ({ screen }) => <Later screen={screen} part="Pins" />,
  search: ({ screen }) => <Later screen={screen} part="Search" />,
};

export function LaterDialogs({ screen }: { readonly screen: Screen }): VNode | null {
  if (screen.dialog.value === undefined) return null;
  return <Later screen={screen} part="Dialogs" />;
}

function Later(properties: {
  readonly screen: Screen;
  readonly part: "Dialogs" | "Members" | "Pins" | "Search";
}): VNode | null {
  const { screen, part } = properties;
  const Part = loaded.value?.[part];
  if (Part) return <Part screen={screen} />;
  if (!troubled.value) tryToLoad();
  return <p class="note later">{troubled.value ? words("later.missing") : ""}</p>;
}
