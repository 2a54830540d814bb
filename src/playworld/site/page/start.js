// Starts a page of a site: first the service worker, then the script that the page names.

const ADDRESS = new URL("sw.js", location.href).href;
const VERSION = import.meta.url.split("/").at(-2);
const PATIENCE = 10_000; // milliseconds until a page plays without it

try {
  await underServiceWorker();
} catch (error) {
  console.warn("Without a service worker, so not offline:", error);
}
await import(document.querySelector("script[data-then]").dataset.then);

/** On the first visit: what is loaded from here on is kept, and the page may use threads. */
async function underServiceWorker() {
  const workers = navigator.serviceWorker; // there only with HTTPS, and on this machine
  if (workers === undefined) return;
  if (isOwn(workers.controller)) return workers.controller.postMessage(VERSION);
  const known = await workers.getRegistration();
  await workers.register(ADDRESS);
  if (isOwn(known?.active)) return; // the page is reloaded without it (Shift)
  await Promise.race([
    new Promise((controlled) => workers.addEventListener("controllerchange", controlled, { once: true })),
    new Promise((late) => setTimeout(late, PATIENCE)),
  ]);
  if (!isOwn(workers.controller) || crossOriginIsolated || window !== top) return;
  location.reload(); // isolation, and so threads, come with the headers of the document
  await new Promise(() => {});
}

/** Not that of another site, at an address above this one. */
function isOwn(worker) {
  return worker?.scriptURL === ADDRESS;
}
