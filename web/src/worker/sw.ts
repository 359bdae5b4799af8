/** Keeps the page itself for when there is no server. What is said is never here: IndexedDB has that. */

/** Another one for every other content of the files, which `build.mjs` puts here. */
declare const BUILD: string;
declare const FILES: readonly string[];

const worker = self as unknown as ServiceWorkerGlobalScope;
const CACHE = `zchat-${BUILD}`;
const SHELL = ["./", ...FILES];

worker.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      // Past the browser's own cache: all files must be of one build.
      .then((cache) => cache.addAll(SHELL.map((path) => new Request(path, { cache: "reload" })))),
  );
});

// A new worker waits until no page of the old build is left, which goes on with its own files; or
// until a page says that it is about to load itself again.
worker.addEventListener("message", (event) => {
  if (event.data === "take over") void worker.skipWaiting();
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))),
      ),
  );
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  const home = new URL(worker.registration.scope).pathname;
  if (request.method !== "GET" || !pathname.startsWith(home)) return;
  const path = pathname.slice(home.length) || "./";
  if (!SHELL.includes(path)) return;
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(path))
      .then((kept) => kept ?? fetch(request)),
  );
});

// Of phones, where pages themselves may not tell anything: the page that is there goes to what was
// clicked; where there is none, it is opened.
worker.addEventListener("notificationclick", (event) => {
  const { key } = event.notification.data as { key: string };
  event.notification.close();
  event.waitUntil(
    worker.clients.matchAll({ type: "window" }).then(async ([page]) => {
      const shown = page ? await page.focus() : await worker.clients.openWindow("./");
      shown?.postMessage({ open: key });
    }),
  );
});
