// The input is recorded, recordings are heard and trained from, and what is trained becomes a model.

import {askName} from "./ask.js";
import {element, setAttribute, setText} from "./dom.js";

const LABELS = {idle: "record the input", starting: "starting…", recording: "stop recording", stopping: "saving…"};
const OVER = ["done", "failed", "cancelled", "deleted"];

export class Recorder {
  constructor({api, onProblem}) {
    Object.assign(this, {api, onProblem});
    this.state = "idle";
    this.button = element("button", {type: "button", class: "record", "aria-pressed": "false", onclick: () => this.toggle()});
    this.words = element("span", {class: "words", role: "status"});
    this.node = element("div", {class: "recorder"}, this.button, this.words);
    this.hear({state: "idle", name: "", seconds: 0, error: "", dropped_frames: 0});
  }

  async load() {
    await this.api.get("/recorder").then((state) => this.hear(state), this.onProblem);
  }

  async toggle() {
    const path = this.state === "idle" ? "/recorder/start" : "/recorder/stop";
    await this.api.request("POST", path).catch(this.onProblem);
  }

  hear({state, name, seconds, error, dropped_frames}) {
    this.state = state;
    setAttribute(this.button, "aria-pressed", state !== "idle");
    setText(this.button, LABELS[state]);
    this.button.disabled = state === "stopping";
    const gaps = dropped_frames ? `, ${dropped_frames} frames missing` : "";
    setText(this.words, error || (name ? `${name}: ${seconds.toFixed(1)} s${gaps}` : ""));
  }
}

export class Recordings {
  constructor({api, onProblem, presetName}) {
    Object.assign(this, {api, onProblem, presetName});
    this.list = element("ul", {class: "names"});
    this.jobs = new Map();
    this.jobList = element("ul", {class: "names jobs", "aria-label": "Training"});
    this.node = element("details", {class: "group"}, element("summary", {}, element("h3", {}, "recordings and training")),
      element("div", {class: "rows"}, this.list, this.jobList));
    this.node.addEventListener("toggle", () => this.load());
  }

  async load() {
    if (!this.node.open) return;
    try {
      const recordings = await this.api.get("/recordings");
      this.list.replaceChildren(...recordings.map((recording) => this.item(recording)));
      for (const job of await this.api.get("/jobs")) this.hear(job);
    } catch (problem) {
      this.onProblem(problem);
    }
  }

  item({name, file, info, problem}) {
    const length = info ? `${info.duration_s.toFixed(1)} s` : problem;
    return element("li", {class: "recording"}, element("span", {}, name), element("span", {class: "words"}, length),
      element("button", {type: "button", onclick: () => this.download(name, file)}, "save"),
      element("button", {type: "button", onclick: () => this.train(name)}, "train"));
  }

  // By a request rather than a link, which could not bring the token.
  async download(name, file) {
    try {
      const link = element("a", {href: URL.createObjectURL(await this.api.blob(`/recordings/${encodeURIComponent(name)}/file`)), download: file});
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    } catch (problem) {
      this.onProblem(problem);
    }
  }

  async train(recording) {
    const name = await askName(`Train a model for “${this.presetName()}” from “${recording}”, named`, recording);
    if (name === null) return;
    const wanted = {recordings: [recording], name, preset: this.presetName()};
    await this.api.request("POST", "/jobs", wanted).then((job) => this.hear(job), this.onProblem);
  }

  hear(job) {
    let row = this.jobs.get(job.id);
    if (job.state === "deleted") {
      row?.node.remove();
      return this.jobs.delete(job.id);
    }
    if (row === undefined) {
      row = this.makeRow(job);
      this.jobs.set(job.id, row);
      this.jobList.prepend(row.node);
    }
    row.show(job);
  }

  makeRow({id}) {
    const [title, words, bar] = [element("span"), element("span", {class: "words"}), element("progress", {max: 1})];
    const cancel = element("button", {type: "button"});
    const node = element("li", {class: "job"}, title, words, bar, cancel);
    let isOver = false;
    cancel.addEventListener("click", () => {
      const [method, path] = isOver ? ["DELETE", `/jobs/${id}`] : ["POST", `/jobs/${id}/cancel`];
      this.api.request(method, path).catch(this.onProblem);
    });
    const show = (job) => {
      isOver = OVER.includes(job.state);
      setText(title, job.request.name || job.request.recordings[0]);
      setText(words, wordsOf(job));
      setText(cancel, isOver ? "remove" : "cancel");
      const {epoch, epochs} = job.progress;
      bar.hidden = isOver;
      if (epochs) bar.value = epoch / epochs;
      setAttribute(bar, "aria-label", wordsOf(job));
    };
    return {node, show};
  }
}

function wordsOf({state, stage, progress, model, error}) {
  if (state === "failed") return error.text ?? "failed";
  if (state === "done") return `done: model “${model}”`;
  if (state !== "running") return state;
  const left = progress.left_s ? `, ${Math.ceil(progress.left_s)} s left` : "";
  return progress.epochs ? `${stage}: ${progress.epoch} of ${progress.epochs}${left}` : stage;
}
