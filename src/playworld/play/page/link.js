// One WebSocket that comes back by itself, and takes the game up where it was.

import { recall, remember } from "./memory.js";

const SESSION = "playworld-session";
const LEFT_ALONE = new Set([4408, 4410]); // idle, taken over: come back only when the player does
const UNKNOWN_SESSION = 4404;
const FULL = 4503;

export class Link {
  /**
   * `on.joined(playing)`: ready; `playing` says whether a game was taken up.
   * `on.frame(id, number, blob)`: a picture, and which request it answers.
   * `on.lost(code)`: the connection is gone; LEFT_ALONE codes wait for `open()`.
   */
  constructor(on) {
    this.on = on;
    this.session = recall(SESSION);
    this.socket = null;
    this.failures = 0;
    this.timer = 0;
  }

  open() {
    clearTimeout(this.timer);
    if (this.socket !== null) return;
    const url = new URL("api/v1/socket", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.send({ type: "join", session: this.session });
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = (event) => this.closed(event.code);
  }

  /** False where there was nobody to say it to. */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  receive(data) {
    if (typeof data === "string") {
      const { session, playing } = JSON.parse(data);
      this.session = session;
      this.failures = 0;
      remember(SESSION, session);
      this.on.joined(playing);
    } else {
      const header = new DataView(data);
      const png = new Blob([new Uint8Array(data, 8)], { type: "image/png" });
      this.on.frame(header.getUint32(0, true), header.getUint32(4, true), png);
    }
  }

  closed(code) {
    this.socket = null;
    if (code === UNKNOWN_SESSION) {
      remember(SESSION, null); // put away, or another server: its world may be another one too
      location.reload();
      return;
    }
    this.on.lost(code);
    if (LEFT_ALONE.has(code)) return;
    this.failures += 1;
    const seconds = code === FULL ? 30 : Math.min(8, 0.25 * 2 ** this.failures);
    this.timer = setTimeout(() => this.open(), 1000 * seconds);
  }
}
