// The page: everything in it is built from the tree that the service describes.

import {Api} from "./api.js";
import {askName, confirmed} from "./ask.js";
import {byId, element, isTyping} from "./dom.js";
import {Header} from "./header.js";
import {Learn} from "./learn.js";
import {Live} from "./live.js";
import {Sessions, treePanels} from "./panels.js";
import {Recorder, Recordings} from "./recordings.js";
import {Store} from "./store.js";
import {toast} from "./toast.js";
import {Details, Strip, numbersOf} from "./track.js";

const SELECTED = "remapd-track";

const onProblem = (problem) => toast(problem.message, "bad");

class Page {
  constructor() {
    this.api = new Api();
    this.store = new Store(this.api, onProblem);
    this.live = new Live(this.api);
    this.learn = new Learn(this.api, onProblem);
    this.context = {
      store: this.store, api: this.api, onProblem, removeTrack: (number) => this.removeTrack(number),
      presetName: () => this.store.value(`/track/${this.selected}/preset`),
      saveSound: (number) => this.saveSound(number), reload: () => this.reload(),
    };
    this.sessions = new Sessions(this.context);
    this.recorder = new Recorder(this.context);
    this.recordings = new Recordings(this.context);
    this.header = new Header(this.api, onProblem);
    this.strips = new Map();
    this.details = null;
    this.selected = Number(sessionStorage.getItem(SELECTED) ?? 1);
    this.seconds = 0;
    this.listen();
    this.takeKeys();
    byId("panic").addEventListener("click", () => this.panic());
    this.api.onTokenNeeded = () => this.askForToken();
  }

  async start() {
    await this.reload();
    this.live.open();
  }

  // -- from the service ----------------------------------------------------------------------------------------------

  listen() {
    const live = this.live;
    live.on("hello", () => this.connected());
    live.on("closed", () => this.disconnected());
    live.on("changes", ({values}) => this.store.apply(values));
    live.on("structure", () => this.reload());
    live.on("library", () => this.store.refreshChoices().catch(onProblem));
    live.on("hit", (hit) => this.hear(hit));
    live.on("rejected", (event) => this.hear(event));
    live.on("gap", ({of, lost}) => of === "hits" && this.details?.hits.gap(lost));
    live.on("meters", (meters) => this.showMeters(meters));
    live.on("signal", ({signal_db}) => this.details?.scope.signal(this.seconds, signal_db[this.selected - 1] ?? 0));
    live.on("notice", ({text}) => toast(text));
    live.on("device", () => this.header.showStatus());
    live.on("xrun", (late) => this.header.showLate(late));
    live.on("recording", (report) => this.hearRecorder(report));
    live.on("job", (job) => this.recordings.hear(job));
    live.on("midi_learn", (message) => this.learn.hear(message));
    live.on("error", ({detail}) => toast(detail, "bad"));
  }

  async connected() {
    this.header.connected();
    if (this.wasLost) await this.reload();
    this.wasLost = false;
    this.learn.load();
    this.recorder.load();
  }

  disconnected() {
    this.wasLost = true;
    this.header.disconnected();
  }

  hearRecorder(report) {
    this.recorder.hear(report);
    if (report.state === "idle") this.recordings.load();
  }

  hear(event) {
    if (event.type === "hit") this.strips.get(event.track)?.flash();
    if (event.track === this.selected) this.details?.hear(event);
  }

  showMeters(meters) {
    this.seconds = meters.seconds;
    this.header.showMeters(meters);
    for (const [number, strip] of this.strips) strip.meter.show(meters.track_db[number - 1]);
  }

  // -- building ------------------------------------------------------------------------------------------------------

  // One at a time: what comes in between is seen by the one that follows.
  async reload() {
    if (this.loading) {
      this.again = true;
      return this.loading;
    }
    this.loading = this.build().finally(() => (this.loading = null));
    await this.loading;
    if (this.again) {
      this.again = false;
      await this.reload();
    }
  }

  async build() {
    try {
      await this.store.load();
    } catch (problem) {
      return onProblem(problem);
    }
    const numbers = numbersOf(this.store);
    const focused = focusedPlace();
    if (!numbers.includes(this.selected)) this.selected = numbers[0];
    this.strips = new Map(numbers.map((number) => [number, new Strip(number, this.context, (chosen) => this.select(chosen))]));
    byId("strips").replaceChildren(...[...this.strips.values()].map((strip) => strip.node), this.addButton());
    byId("rest").replaceChildren(this.recorder.node, ...treePanels(this.context), this.sessions.node, this.recordings.node);
    this.select(this.selected);
    if (focused) document.querySelector(focused)?.focus({preventScroll: true});
  }

  select(number) {
    this.selected = number;
    sessionStorage.setItem(SELECTED, number);
    for (const [other, strip] of this.strips) strip.select(other === number);
    this.details = new Details(number, this.context, this.details);
    byId("details").replaceChildren(this.details.node);
    this.showRecent(this.details);
    this.learn.show();
    this.learn.badge();
  }

  // What was hit before this page was there to see it.
  async showRecent(details) {
    const recent = await this.api.get(`/events/recent?kind=hits&most=10&track=${details.number}`).catch(() => null);
    details.remember(recent?.events ?? []);
  }

  addButton() {
    return element("button", {type: "button", class: "quiet", onclick: () => this.addTrack()}, "+ track");
  }

  // -- what people do ------------------------------------------------------------------------------------------------

  async addTrack() {
    try {
      const model = this.store.value(`/track/${this.selected}/model`);
      await this.api.request("POST", "/tracks", {model});
      await this.reload();
    } catch (problem) {
      onProblem(problem);
    }
  }

  async removeTrack(number) {
    if (!(await confirmed(`Remove track ${number}?`))) return;
    await this.api.request("DELETE", `/tracks/${number}`).catch(onProblem);
    await this.reload();
  }

  // Under the name of a preset of one's own, the sound as it is now replaces it.
  async saveSound(track) {
    const path = `/track/${track}/preset`;
    const name = await askName("Save the sound as a preset named", this.store.value(path));
    if (name === null) return;
    const exists = this.store.controls.get(path).choices.includes(name);
    if (exists && !(await confirmed(`Replace the preset “${name}”?`))) return;
    try {
      await this.api.request("POST", "/presets", {name, track, replace: exists});
      await this.api.request("PATCH", "/tree", {[path]: name});
      toast(`saved “${name}”`, "good");
      await this.reload();
    } catch (problem) {
      onProblem(problem);
    }
  }

  panic() {
    this.api.request("POST", "/tree/panic").then(() => toast("All voices silenced"), onProblem);
  }

  takeKeys() {
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && event.shiftKey) return this.panic();
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const number = Number(event.key);
      if (this.strips.has(number)) this.select(number);
    });
  }

  askForToken() {
    const dialog = byId("token-dialog");
    if (dialog.open) return;
    dialog.showModal();
    dialog.addEventListener("close", () => {
      this.api.useToken(byId("token").value);
      byId("token").value = "";
      this.reload();
      if (!this.live.socket) this.live.open();
    }, {once: true});
  }
}

// Where the keyboard is, as a selector that finds its place again after all was built anew.
function focusedPlace() {
  const [focus, row] = [document.activeElement, document.activeElement?.closest("main [data-path]")];
  if (!row) return "";
  const part = focus.type === "range" ? "input[type=range]" : focus.tagName.toLowerCase();
  return `#${row.closest("main > *").id} [data-path="${CSS.escape(row.dataset.path)}"] ${part}`;
}

new Page().start();
