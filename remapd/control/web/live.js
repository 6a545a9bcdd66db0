// The events WebSocket: opened again whenever it ends; messages go to whoever listens to their type.

const ALWAYS = ["hits", "rejected", "changes", "notices", "device", "xruns", "library", "midi", "jobs", "recordings"];
const WHILE_SEEN = ["meters", "signal"];
const RATE_HZ = 30;
const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 2000;
// A service that says nothing at all for so long is not there any more: meters alone come 30 times a second.
const SILENCE_MS = 4000;

export class Live {
  constructor(api) {
    this.api = api;
    this.listeners = new Map();
    this.delay = FIRST_DELAY_MS;
    this.heard = 0;
    document.addEventListener("visibilitychange", () => this.choose());
    setInterval(() => this.checkSilence(), 1000);
  }

  on(type, listener) {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  tell(type, message) {
    for (const listener of this.listeners.get(type) ?? []) listener(message);
  }

  open() {
    const query = new URLSearchParams({topics: this.topics().join(","), rate_hz: RATE_HZ});
    const socket = new WebSocket(this.api.socketUrl(query), this.api.socketProtocols());
    this.socket = socket;
    this.heard = performance.now();
    socket.addEventListener("message", (event) => this.receive(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.reopen(socket));
  }

  receive(message) {
    this.heard = performance.now();
    if (message.type === "hello") {
      this.delay = FIRST_DELAY_MS;
      this.api.client = message.client;
    }
    this.tell(message.type, message);
  }

  reopen(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    this.api.client = "";
    this.tell("closed", {});
    setTimeout(() => this.open(), this.delay);
    this.delay = Math.min(LONGEST_DELAY_MS, this.delay * 1.7);
  }

  topics() {
    return document.hidden ? ALWAYS : [...ALWAYS, ...WHILE_SEEN];
  }

  choose() {
    this.heard = performance.now();
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({topics: this.topics()}));
  }

  checkSilence() {
    const socket = this.socket;
    if (socket === null || socket === undefined || document.hidden) return;
    if (performance.now() - this.heard < SILENCE_MS) return;
    socket.close();
    this.reopen(socket);
  }
}
