/** Which colours are shown: the reader's choice, or else what the system says of itself. */

import { computed, effect, signal, type Signal } from "@preact/signals";

export const THEMES = ["auto", "dark", "light", "contrast"] as const;
export type ThemeChoice = (typeof THEMES)[number];
const KEPT_AS = "zchat.theme";

export const theme: Signal<ThemeChoice> = signal(kept());

function kept(): ThemeChoice {
  try {
    const found = localStorage.getItem(KEPT_AS);
    return THEMES.find((each) => each === found) ?? "auto";
  } catch {
    // A browser may keep nothing for this page, and says so by an exception.
    return "auto";
  }
}

/** Keeps the page in these colours from now on. */
export function applyTheme(): void {
  const dark = media("(prefers-color-scheme: dark)");
  const contrast = media("(prefers-contrast: more)");
  const shown = computed(() => {
    if (theme.value !== "auto") return theme.value;
    if (contrast.value) return "contrast";
    return dark.value ? "dark" : "light";
  });
  effect(() => {
    document.documentElement.dataset["theme"] = shown.value;
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--panel").trim();
    document.querySelector("meta[name=theme-color]")?.setAttribute("content", colour);
  });
  effect(() => {
    try {
      localStorage.setItem(KEPT_AS, theme.value);
    } catch {
      // Then it holds until the page is closed.
    }
  });
}

export function nextTheme(): ThemeChoice {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
  return theme.value;
}

function media(query: string): Signal<boolean> {
  const list = matchMedia(query);
  const holds = signal(list.matches);
  list.addEventListener("change", () => (holds.value = list.matches));
  return holds;
}
