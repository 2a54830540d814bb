// What is remembered: by the tab over a reload, or by the browser for good. A browser that forbids
// it just forgets.

function store(name) {
  return {
    /** The value, or null. */
    recall(key) {
      try {
        return JSON.parse(globalThis[name].getItem(`playworld-${key}`));
      } catch {
        return null;
      }
    },
    /** Null forgets. */
    remember(key, value) {
      try {
        if (value === null) globalThis[name].removeItem(`playworld-${key}`);
        else globalThis[name].setItem(`playworld-${key}`, JSON.stringify(value));
      } catch {
        // forbidden, or full: play goes on without
      }
    },
  };
}

export const tab = store("sessionStorage");
export const browser = store("localStorage");
