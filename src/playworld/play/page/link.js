// One WebSocket that comes back by itself, and takes the game up where it was.

import { refusal } from "./api.js";
import { tab } from "./memory.js";

const IDLE = 4408;
const LEFT_ALONE = new Set([4408, 4410]); // idle, taken over: come back only when the player does
const NO_WORD = 1006; // what a browser makes of any refusal before the socket opens
const UNKNOWN_SESSION = 4404;
const FULL = 4503;
const HEADER_BYTES = 16; // kind, three empty bytes, id, node, frame

export class Link {
  constructor() {
    this.session = tab.recall("session");
    this.socket = null;
    this.failures = 0;
    this.timer = 0;
    this.isPutAway = false;
  }

  /**
   * `on.joined({playing, at})`: ready; `playing` says whether a game was taken up.
   * `on.answer({kind, id, node, frame, png})`: a picture (0) or a sheet (1), and what it answers.
   * `on.released(id)`: all frames of a held press have come.
   * `on.full()`: a press was refused, because the film has no room for another frame.
   * `on.untried()`: no sheet will come, as something else was asked for.
   * `on.idle(seconds)`: so long until the session is put away, unless something is said.
   * `on.lost(code)`: the connection is gone; LEFT_ALONE codes wait for `open()`.
   * `on.refused(sentence)`: there is no way in, and why.
   * `on.loading(bytes)`: so much has come of what has to be loaded first.
   */
  connect(on) {
    this.on = on;
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

  /** Leave this session for a new one. */
  renew() {
    this.leave();
    this.socket?.close();
    this.failures = -1; // no waiting: nothing failed
  }

  leave() {
    this.session = null;
    tab.remember("session", null);
  }

  receive(data) {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.type === "released") this.on.released(message.id);
      if (message.type === "full") this.on.full();
      if (message.type === "idle") this.on.idle(message.seconds);
      if (message.type !== "joined") return;
      this.session = message.session;
      this.failures = 0;
      tab.remember("session", this.session);
      this.on.joined(message);
    } else {
      const header = new DataView(data);
      const [id, node, frame] = [4, 8, 12].map((byte) => header.getUint32(byte, true));
      const png = new Blob([new Uint8Array(data, HEADER_BYTES)], { type: "image/png" });
      this.on.answer({ kind: header.getUint8(0), id, node, frame, png });
    }
  }

  closed(code) {
    this.socket = null;
    if (code === UNKNOWN_SESSION) {
      this.leave(); // lost, or another server: its world may be another one too
      if (this.isPutAway) this.open();
      else location.reload();
      return;
    }
    this.isPutAway = code === IDLE; // into a store, if the server has one
    this.on.lost(code);
    if (code === NO_WORD) this.askWhy();
    if (LEFT_ALONE.has(code)) return;
    this.failures += 1;
    const seconds = code === FULL ? 30 : Math.min(8, 0.25 * 2 ** this.failures);
    this.timer = setTimeout(() => this.open(), 1000 * seconds);
  }

  async askWhy() {
    if (this.failures !== 0 && this.failures !== 2) return;
    const sentence = await refusal(this.failures === 2); // one failure may be a server that restarts
    if (sentence !== null) this.on.refused(sentence);
  }
}
