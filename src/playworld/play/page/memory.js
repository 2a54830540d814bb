// What is remembered: by the tab over a reload, or by the browser for good. A browser that forbids
// it just forgets.

// A server of several worlds has each at its own place: what one remembers is no other's business.
// So are the sites of a host.
const isServed = document.documentElement.dataset.engine === undefined;
const place = isServed ? location.pathname.match(/\/w\/[^/]+\/$/)?.[0] ?? "" : location.pathname;

function store(name, prefix) {
  const named = (key) => `playworld-${prefix}${key}`;
  return {
    /** The value, or null. */
    recall(key) {
      try {
        return JSON.parse(globalThis[name].getItem(named(key)));
      } catch {
        return null;
      }
    },
    /** Null forgets. */
    remember(key, value) {
      try {
        if (value === null) globalThis[name].removeItem(named(key));
        else globalThis[name].setItem(named(key), JSON.stringify(value));
      } catch {
        // forbidden, or full: play goes on without
      }
    },
  };
}

export const tab = store("sessionStorage", place);
export const browser = store("localStorage", "");
