/** Keeps the page itself for when there is no server. What is said is never here: IndexedDB has that. */

/** Another one for every other content of the files below, which `build.mjs` puts here. */
declare const BUILD: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const CACHE = `zchat-${BUILD}`;
const SHELL = ["./", "app.js", "app.css", "manifest.webmanifest", "icon.svg"];

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
  const scope = worker.registration.scope;
  if (request.method !== "GET" || !request.url.startsWith(scope)) return;
  const path = request.mode === "navigate" ? "./" : request.url.slice(scope.length);
  if (!SHELL.includes(path)) return;
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(path))
      .then((kept) => kept ?? fetch(request)),
  );
});
