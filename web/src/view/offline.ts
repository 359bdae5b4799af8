/** The page itself is kept by a service worker, so that it opens without a server. */

import { signal, type ReadonlySignal } from "@preact/signals";

import type { Screen } from "./screen.ts";

/** What the worker is told by a page that wants to be of its build. */
const TAKE_OVER = "take over";
const waiting = signal<ServiceWorker | null>(null);
/** A newer page waits until all tabs with this one are gone; or until `loadNewer`. */
export const newer: ReadonlySignal<ServiceWorker | null> = waiting;

/** Has the browser keep the page, and look for a newer one. */
export async function keepPage(): Promise<void> {
  // Not where the page came over plain HTTP from elsewhere: then browsers have none.
  if (!("serviceWorker" in navigator)) return;
  try {
    // The files of this page are gone with the worker that had them, whichever tab has asked for that.
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    const kept = await navigator.serviceWorker.register(trusted("sw.js"));
    const look = () => {
      // The first one is no newer page, but this one.
      if (navigator.serviceWorker.controller) waiting.value = kept.waiting;
    };
    kept.addEventListener("updatefound", () => {
      kept.installing?.addEventListener("statechange", look);
    });
    look();
  } catch {
    // The page works without; private windows of some browsers refuse it.
  }
}

/** Where the page's policy asks for it, an address of a script is one that was looked at: this one. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(address: string): string },
  ): { createScriptURL(address: string): string };
}

function trusted(script: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("worker", { createScriptURL: () => script });
  return policy?.createScriptURL(script) ?? script;
}

/** Loads the page anew, and its newest build if there is one. */
export async function loadAnew(): Promise<void> {
  const worker = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  const kept = await worker?.getRegistration().catch(() => undefined);
  await kept?.update().catch(() => undefined);
  // A page that no worker has is not told when another one takes over.
  if (kept?.waiting && worker?.controller) kept.waiting.postMessage(TAKE_OVER);
  else location.reload();
}

/** Loads the newer page into this tab, and into all others once it has taken over. */
export function loadNewer(): void {
  waiting.peek()?.postMessage(TAKE_OVER);
}

/** Goes where a notification leads that was clicked while the worker held it. */
export function followClicks(screen: Screen): () => void {
  const worker = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  const onMessage = ({ data }: MessageEvent) => {
    const key: unknown = (data as { open?: unknown } | null)?.open;
    if (typeof key === "string") screen.goTo(key);
  };
  worker?.addEventListener("message", onMessage);
  return () => worker?.removeEventListener("message", onMessage);
}
