// MIDI learn: switch it on, touch a control, move a knob. What is mapped wears a badge that undoes it.

import {byId, element, setAttribute, setText} from "./dom.js";
import {toast} from "./toast.js";

export class Learn {
  constructor(api, onProblem) {
    this.api = api;
    this.onProblem = onProblem;
    this.path = null;
    this.mappings = [];
    this.button = byId("learn");
    this.button.addEventListener("click", () => this.toggle());
    // Before the control itself hears of it: in this mode a touch chooses and changes nothing.
    for (const type of ["pointerdown", "click", "keydown"]) {
      document.addEventListener(type, (event) => this.intercept(event), {capture: true});
    }
  }

  get isOn() {
    return document.body.classList.contains("learning");
  }

  toggle(wanted = !this.isOn) {
    document.body.classList.toggle("learning", wanted);
    setAttribute(this.button, "aria-pressed", wanted);
    if (!wanted) this.cancel();
    else toast("Touch a control here, then move a knob, fader or pad");
    this.badge();
  }

  intercept(event) {
    if (!this.isOn || !(event.target instanceof Element)) return;
    if (event.type === "keydown" && event.key === "Escape") return this.toggle(false);
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    const row = event.target.closest("[data-learnable]");
    if (row === null || event.target.closest(".badge")) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.type !== "pointerdown") this.begin(row.dataset.path);
  }

  async begin(path) {
    this.path = path;
    this.show();
    try {
      await this.api.request("POST", "/midi/learn", {path});
    } catch (problem) {
      this.path = null;
      this.show();
      this.onProblem(problem);
    }
  }

  cancel() {
    if (this.path !== null) this.api.request("DELETE", "/midi/learn").catch(() => {});
    this.path = null;
    this.show();
  }

  show() {
    for (const row of document.querySelectorAll("[data-learnable]")) {
      row.classList.toggle("awaits", row.dataset.path === this.path);
    }
  }

  // What the service tells of learning, whoever began it.
  hear({state, path, mapping, detail}) {
    if (state === "cancelled" && path !== this.path) return;
    this.path = state === "waiting" ? path : null;
    this.show();
    if (state === "waiting") return;
    if (state === "learnt") toast(`${path}: ${sourceText(mapping.source)}`, "good");
    else if (state === "refused") toast(detail, "bad");
    else if (state === "timed_out") toast("Nothing was moved");
    this.load();
  }

  async load() {
    try {
      const answer = await this.api.get("/midi/mappings");
      this.mappings = answer.mappings;
      this.button.hidden = false;
    } catch (problem) {
      this.mappings = [];
      this.button.hidden = problem.status === 404;
    }
    this.badge();
  }

  badge() {
    for (const old of document.querySelectorAll(".badge")) old.remove();
    if (!this.isOn) return;
    for (const mapping of this.mappings) {
      for (const row of document.querySelectorAll(`[data-path="${CSS.escape(mapping.path)}"]`)) row.append(this.makeBadge(mapping));
    }
  }

  makeBadge(mapping) {
    const text = sourceText(mapping.source);
    const badge = element("button", {type: "button", class: "badge", "aria-label": `Forget ${text}`, onclick: () => this.forget(mapping)});
    setText(badge, `${text} ×`);
    return badge;
  }

  async forget(mapping) {
    await this.api.request("DELETE", `/midi/mappings/${encodeURIComponent(mapping.id)}`).catch(this.onProblem);
    this.load();
  }
}

const KINDS = {cc: "CC", cc14: "CC", nrpn: "NRPN", rpn: "RPN", note: "note", program: "program"};

export function sourceText({kind, number, channel}) {
  const name = KINDS[kind] ?? kind.replaceAll("_", " ");
  return `${name}${number ? ` ${number}` : ""}${channel ? `, channel ${channel}` : ""}`;
}
