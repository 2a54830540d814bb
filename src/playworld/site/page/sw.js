// Keeps a site for use without a network, and adds the headers that allow threads where the host does
// not send them. `playworld export` writes what it has to know in front: FILES, path to SHA-256; LATER, the
// paths of those that are kept when they are used, not at once; and VERSION, the folder with all that documents
// load. So no page loads a file of another version than its own. A new version serves what is loaded from
// now on, and to pages that are open what has been kept of theirs.

const SCOPE = registration.scope;
const STORE = `playworld ${SCOPE}`;
const ISOLATION = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const FOLDER = /^[0-9a-f]{12}\//; // of any version
const LIST = addressOf(`${VERSION}/`); // where FILES is kept for the versions to come
const first = Object.keys(FILES).filter((path) => !LATER.includes(path));

addEventListener("install", (event) => {
  event.waitUntil(install());
});

addEventListener("activate", (event) => {
  event.waitUntil(clients.claim());
});

/** A page has begun (start.js), and says of which version it is. */
addEventListener("message", (event) => {
  if (event.data === VERSION) event.waitUntil(forgetOlder());
});

addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path === null) return;
  const file = Object.hasOwn(FILES, path) ? load(path) : loadOlder(path);
  event.respondWith(file.then((file) => served(file, path)));
  if (event.request.mode === "navigate") event.waitUntil(leaveIfGone());
});

async function install() {
  await Promise.allSettled(first.map(load));
  await (await caches.open(STORE)).put(LIST, new Response(JSON.stringify(FILES))).catch(() => {});
  skipWaiting();
}

/** Which file of a version a request is for, or null. */
function pathOf(request) {
  if (request.method !== "GET" || request.headers.has("range")) return null;
  const url = new URL(request.url);
  const address = url.origin + url.pathname;
  if (!address.startsWith(SCOPE)) return null;
  const path = decodeURIComponent(address.slice(SCOPE.length)) || "index.html";
  return Object.hasOwn(FILES, path) || FOLDER.test(path) ? path : null;
}

/** The kept file, or the host's, which is kept then: by its hash, so that the next version keeps what is the same. */
async function load(path) {
  const store = await caches.open(STORE);
  const kept = await store.match(keyOf(FILES[path]));
  if (kept !== undefined) return kept;
  const file = await loadOwn(path);
  if (file === null) return fetch(addressOf(path)); // changed on its way, or there is no network
  if (file.ok) await store.put(keyOf(FILES[path]), file.clone()).catch(() => {}); // no room: without it, then
  return file;
}

/** What the host has, null where that is not of this version. */
async function loadOwn(path) {
  const isDocument = path.endsWith(".html"); // some hosts write into these
  const integrity = isDocument ? "" : `sha256-${FILES[path]}`;
  const file = await fetch(addressOf(path), { cache: "no-cache", integrity }).catch(() => null);
  return !isDocument || (await file?.clone().text())?.includes(VERSION) ? file : null;
}

/** For a page of another version, by what that version has left here. */
async function loadOlder(path) {
  const store = await caches.open(STORE);
  const list = await store.match(addressOf(FOLDER.exec(path)[0]));
  const { [path]: hash } = (await list?.json()) ?? {};
  return (await store.match(keyOf(hash))) ?? fetch(addressOf(path));
}

function addressOf(path) {
  return SCOPE + path.split("/").map(encodeURIComponent).join("/");
}

/** Under which address a file is kept. */
function keyOf(hash) {
  return `${SCOPE}?${encodeURIComponent(hash)}`;
}

/** The file with headers that not every host sends. */
function served(file, path) {
  const headers = new Headers(file.headers);
  if (file.ok && path.endsWith(".mjs")) headers.set("Content-Type", "text/javascript");
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(file.body, { status: file.status, statusText: file.statusText, headers });
}

/** Unless another page is open, which may be of an older version. */
async function forgetOlder() {
  if ((await clients.matchAll()).length > 1) return;
  const store = await caches.open(STORE);
  const current = new Set([LIST, ...Object.values(FILES).map(keyOf)]);
  for (const request of await store.keys()) if (!current.has(request.url)) await store.delete(request);
}

/** Another page may be at this address by now, such as that of `playworld play` on the same port. */
async function leaveIfGone() {
  const answer = await fetch(new URL("site.json", SCOPE), { cache: "no-store" }).catch(() => null);
  if (answer === null || answer.status !== 404) return;
  await caches.delete(STORE);
  await registration.unregister();
}
