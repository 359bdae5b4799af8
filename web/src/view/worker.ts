/** The worker that keeps the page for when there is no server. */

/** Has the browser keep the page, where it does that. */
export function keepPage(): void {
  // Without it everything works as long as there is a server, so nobody need hear why it failed.
  navigator.serviceWorker?.register("sw.js").catch(() => undefined);
}

/** Loads the page anew, and its newest build if there is one. */
export async function loadAnew(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration().catch(() => undefined);
  await registration?.update().catch(() => undefined);
  registration?.waiting?.postMessage("take over");
  location.reload();
}
