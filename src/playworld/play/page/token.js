// A link on another site leads here without the cookie (SameSite=Strict), although this browser has
// it: asked by this page itself, the server knows it.

const [{ type }] = performance.getEntriesByType("navigation");
if (type === "navigate") {
  const answer = await fetch(location.pathname, { method: "HEAD" }).catch(() => null);
  if (answer?.ok) location.reload();
}
