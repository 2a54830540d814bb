// Keeps a site for use without a network, and adds the headers that allow threads where the host does
// not send them. `playworld export` writes the list of files in front: FILES, path to SHA-256, and LATER,
// the paths of those that are kept when they are used, not at once.

const SCOPE = registration.scope;
const STORE = `playworld ${SCOPE}`;
const ISOLATION = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const first = Object.keys(FILES).filter((path) => !LATER.includes(path));

addEventListener("install", (event) => {
  event.waitUntil(Promise.allSettled(first.map(load)));
});

addEventListener("activate", (event) => {
  event.waitUntil(forgetOlder().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path === null) return;
  event.respondWith(load(path).then((file) => served(file, path)));
  if (event.request.mode === "navigate") event.waitUntil(leaveIfGone());
});

/** Which file a request is for, or null. */
function pathOf(request) {
  if (request.method !== "GET" || request.headers.has("range")) return null;
  const url = new URL(request.url);
  const address = url.origin + url.pathname;
  if (!address.startsWith(SCOPE)) return null;
  const path = decodeURIComponent(address.slice(SCOPE.length)) || "index.html";
  return Object.hasOwn(FILES, path) ? path : null;
}

/** The kept file, or the host's, which is kept then: by its hash, so that the next version keeps what is the same. */
async function load(path) {
  const url = new URL(path, SCOPE);
  const key = keyOf(path);
  const store = await caches.open(STORE);
  const kept = await store.match(key);
  if (kept !== undefined) return kept;
  // Some hosts write into documents, so these may differ.
  const integrity = path.endsWith(".html") ? "" : `sha256-${FILES[path]}`;
  const file = await fetch(url, { cache: "no-cache", integrity }).catch(() => null);
  if (file === null) return fetch(url); // of another version, or there is no network
  if (file.ok) await store.put(key, file.clone()).catch(() => {}); // no room: without it, then
  return file;
}

/** Under which address a file is kept. */
function keyOf(path) {
  return `${new URL(path, SCOPE)}?${encodeURIComponent(FILES[path])}`;
}

/** The file with headers that not every host sends. */
function served(file, path) {
  const headers = new Headers(file.headers);
  if (file.ok && path.endsWith(".mjs")) headers.set("Content-Type", "text/javascript");
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(file.body, { status: file.status, statusText: file.statusText, headers });
}

async function forgetOlder() {
  const store = await caches.open(STORE);
  const current = new Set(Object.keys(FILES).map(keyOf));
  for (const request of await store.keys()) if (!current.has(request.url)) await store.delete(request);
}

/** Another page may be at this address by now, such as that of `playworld play` on the same port. */
async function leaveIfGone() {
  const answer = await fetch(new URL("site.json", SCOPE), { cache: "no-store" }).catch(() => null);
  if (answer === null || answer.status !== 404) return;
  await caches.delete(STORE);
  await registration.unregister();
}
